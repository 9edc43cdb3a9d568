//! A writer of log lines that neither blocks its callers nor fails.
//!
//! Lines wait in a buffer of bounded size, and a thread of its own writes them. A line that finds no room is dropped and
//! counted. When writing works again, the thread tells how many lines are missing, in their place.
//!
//! `tracing-appender` has such a writer too. It bounds lines and not bytes, and what its thread can't write is lost
//! without being counted.

use std::io::{self, ErrorKind, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What a writer may hold, and how it goes on after a failure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes of lines that wait. As many again may be in the hands of the thread.
    pub(crate) bytes: usize,
    /// The pause after a failed attempt to write.
    pub(crate) pause: Duration,
}

/// Takes log lines, one with each call of [`Write::write`]. Clones share one queue.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Queue>);

struct Queue {
    bytes: usize,
    state: Mutex<State>,
    /// A line has been queued or dropped.
    queued: Condvar,
    /// The thread has written what it had taken.
    written: Condvar,
    /// Lines that were dropped since the start.
    lost: AtomicU64,
}

#[derive(Default)]
struct State {
    /// Lines that wait, one after the other.
    waiting: Vec<u8>,
    /// Lines that were dropped since the thread last took those that waited.
    dropped: u64,
    /// Whether the thread is writing lines that it took.
    is_writing: bool,
}

impl LogWriter {
    /// Starts the thread, which ends with the process. `note` makes the line that tells how many lines are missing.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(
        bounds: Bounds,
        out: impl Write + Send + 'static,
        note: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            bytes: bounds.bytes,
            state: Mutex::default(),
            queued: Condvar::new(),
            written: Condvar::new(),
            lost: AtomicU64::new(0),
        });
        let writer = Self(Arc::clone(&queue));
        thread::Builder::new().name("log".into()).spawn(move || work(&queue, bounds.pause, out, note))?;
        Ok(writer)
    }

    /// How many lines were dropped since the start.
    pub(crate) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Waits until all lines are written, at most for `time`; tells whether they are.
    pub(crate) fn drain(&self, time: Duration) -> bool {
        let is_busy = |state: &mut State| state.is_writing || state.dropped > 0 || !state.waiting.is_empty();
        let waited = self.0.written.wait_timeout_while(self.0.state(), time, is_busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a line, or drops it. After one that was dropped all are, until the thread has taken those before: so the
    /// missing lines are told of in their place.
    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if state.dropped == 0 && state.waiting.len() + line.len() <= self.bytes {
            state.waiting.extend_from_slice(line);
        } else {
            state.dropped += 1;
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        drop(state);
        self.queued.notify_one();
    }

    /// Waits for lines and takes all of them into an empty `batch`; gives how many are missing after them.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let mut state = self.state();
        state.is_writing = false;
        self.written.notify_all();
        let is_idle = |state: &mut State| state.waiting.is_empty() && state.dropped == 0;
        let mut state = self.queued.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        mem::swap(&mut state.waiting, batch);
        mem::take(&mut state.dropped)
    }
}

/// Writes what is queued, for ever.
fn work(queue: &Queue, pause: Duration, mut out: impl Write, note: impl Fn(u64) -> String) {
    let mut batch = Vec::new();
    loop {
        let missing = queue.take(&mut batch);
        if missing > 0 {
            batch.extend_from_slice(note(missing).as_bytes());
        }
        let mut rest = batch.as_slice();
        while !rest.is_empty() {
            match out.write(rest) {
                Ok(written @ 1..) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A disk that is full may have room again, and a pipe a reader.
                Ok(_) | Err(_) => thread::sleep(pause),
            }
        }
        batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver, Sender};

    use super::*;

    /// Longer than any wait that ends.
    const LONG: Duration = Duration::from_secs(20);

    /// An output that does with each write what it is told next, and notes what it wrote.
    struct Told {
        next: Receiver<Next>,
        begun: Sender<()>,
        text: Arc<Mutex<Vec<u8>>>,
    }

    enum Next {
        /// Write so many bytes at most.
        Write(usize),
        Fail(ErrorKind),
    }

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.begun.send(());
            match self.next.recv().unwrap_or(Next::Fail(ErrorKind::BrokenPipe)) {
                Next::Write(most) => {
                    let some = &bytes[..most.min(bytes.len())];
                    self.text.lock().unwrap().extend_from_slice(some);
                    Ok(some.len())
                }
                Next::Fail(kind) => Err(kind.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A writer of 40 bytes, and the other ends of its output.
    struct World {
        writer: LogWriter,
        tell: Sender<Next>,
        begun: Receiver<()>,
        text: Arc<Mutex<Vec<u8>>>,
    }

    impl World {
        fn new() -> Self {
            let ((tell, next), (begin, begun)) = (mpsc::channel(), mpsc::channel());
            let text = Arc::default();
            let out = Told { next, begun: begin, text: Arc::clone(&text) };
            let bounds = Bounds { bytes: 40, pause: Duration::from_millis(1) };
            let writer = LogWriter::start(bounds, out, |missing| format!("{missing} missing\n")).unwrap();
            Self { writer, tell, begun, text }
        }

        fn log(&mut self, line: &str) {
            self.writer.write_all(line.as_bytes()).unwrap();
        }

        fn text(&self) -> String {
            String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn output_that_blocks_holds_up_no_caller_and_missing_lines_are_told_in_their_place() {
        let mut world = World::new();
        world.log("first\n");
        world.begun.recv_timeout(LONG).unwrap();
        // The output blocks now. There is room for four lines of ten bytes.
        for number in 0..9 {
            world.log(&format!("line {number:04}\n"));
        }
        world.log("a\n");
        assert_eq!(world.writer.lost(), 6, "also a line that would fit is dropped after one that was");
        assert!(!world.writer.drain(Duration::from_millis(20)), "a wait for the output ends");

        for _ in 0..3 {
            world.tell.send(Next::Write(usize::MAX)).unwrap();
        }
        assert!(world.writer.drain(LONG));
        world.log("last\n");
        assert!(world.writer.drain(LONG));
        let expected = "first\nline 0000\nline 0001\nline 0002\nline 0003\n6 missing\nlast\n";
        assert_eq!(world.text(), expected);
        assert_eq!(world.writer.lost(), 6);
    }

    #[test]
    fn failures_lose_and_repeat_nothing_that_has_room() {
        let mut world = World::new();
        for next in [
            Next::Fail(ErrorKind::StorageFull),
            Next::Write(2),
            Next::Fail(ErrorKind::Interrupted),
            Next::Write(0),
            Next::Fail(ErrorKind::WouldBlock),
            Next::Write(usize::MAX),
        ] {
            world.tell.send(next).unwrap();
        }
        world.log("a line\n");
        assert!(world.writer.drain(LONG));
        assert_eq!((world.text().as_str(), world.writer.lost()), ("a line\n", 0));
    }

    #[test]
    fn line_that_is_larger_than_the_buffer_is_told_as_missing() {
        let mut world = World::new();
        world.tell.send(Next::Write(usize::MAX)).unwrap();
        world.log(&"x".repeat(41));
        assert!(world.writer.drain(LONG));
        assert_eq!(world.text(), "1 missing\n");
    }

    #[test]
    fn memory_is_bounded_while_nothing_can_be_written() {
        let mut world = World::new();
        for _ in 0..10_000 {
            world.log("0123456789\n");
        }
        let held = world.writer.0.state().waiting.len();
        assert!(held <= 40, "{held}");
        // What the thread has taken is at most as much again.
        assert!(world.writer.lost() >= 10_000 - 8);
    }
}

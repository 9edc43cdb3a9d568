//! Background tasks, which run until the server is told to stop. One that ends before is started again, or ends the
//! server.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The pause before a task is started again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// After a run of this length, the next pause is the first one again.
const STEADY: Duration = Duration::from_secs(300);

/// Starts background tasks and watches over them.
pub(crate) struct Supervisor {
    stop: CancellationToken,
    tasks: TaskTracker,
    failed: mpsc::Sender<&'static str>,
    down: Down,
}

/// The tasks that have ended and wait to be started again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Down(Arc<Mutex<BTreeSet<&'static str>>>);

impl Down {
    /// Their names.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        // A set of names is sound after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells which task has failed that the server can't go on without.
#[derive(Debug)]
pub(crate) struct Failures(mpsc::Receiver<&'static str>);

impl Supervisor {
    /// A supervisor of tasks that end when `stop` is cancelled, and are waited for by `tasks`.
    pub(crate) fn new(stop: CancellationToken, tasks: TaskTracker) -> (Self, Failures) {
        let (failed, failures) = mpsc::channel(1);
        (Self { stop, tasks, failed, down: Down::default() }, Failures(failures))
    }

    /// The tasks that have ended and wait to be started again, at any time.
    pub(crate) fn down(&self) -> Down {
        self.down.clone()
    }

    /// Runs the task that `start` makes, and makes and runs another one whenever it panics or ends before the stop.
    pub(crate) fn keep<T: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        start: impl Fn(CancellationToken) -> T + Send + Sync + 'static,
    ) {
        let (stop, down) = (self.stop.clone(), self.down.clone());
        self.tasks.spawn(async move {
            let mut pause = FIRST_PAUSE;
            loop {
                let mut run = pin!(AssertUnwindSafe(async { start(stop.clone()).await }).catch_unwind());
                let ended = match timeout(STEADY, run.as_mut()).await {
                    Ok(ended) => ended,
                    Err(_) => {
                        pause = FIRST_PAUSE;
                        run.await
                    }
                };
                if stop.is_cancelled() {
                    return;
                }
                tracing::error!(
                    task = name,
                    panicked = ended.is_err(),
                    "a background task has ended: it is started again in {} s",
                    pause.as_secs()
                );
                down.lock().insert(name);
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(pause) => {}
                }
                down.lock().remove(name);
                pause = (2 * pause).min(LONGEST_PAUSE);
            }
        });
    }

    /// Runs a task that can't be started again: if it panics or ends before the stop, [`Failures::next`] tells.
    pub(crate) fn require(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let (stop, failed) = (self.stop.clone(), self.failed.clone());
        self.tasks.spawn(async move {
            let panicked = AssertUnwindSafe(task).catch_unwind().await.is_err();
            if !stop.is_cancelled() {
                tracing::error!(
                    task = name,
                    panicked,
                    "a task has ended that the server can't go on without"
                );
                // One failure is enough to end the server.
                let _ = failed.try_send(name);
            }
        });
    }
}

impl Failures {
    /// Waits until a required task has failed, and gives its name; waits for ever if none does.
    pub(crate) async fn next(&mut self) -> &'static str {
        match self.0.recv().await {
            Some(name) => name,
            // All required tasks have ended at the stop.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Seconds of tokio's clock, which stands still unless everything waits.
    #[expect(clippy::disallowed_methods, reason = "the clock that tests set")]
    fn stopwatch() -> impl Fn() -> u64 + Clone + Send + Sync + 'static {
        let start = tokio::time::Instant::now();
        move || start.elapsed().as_secs()
    }

    fn supervisor() -> (Supervisor, Failures) {
        Supervisor::new(CancellationToken::new(), TaskTracker::new())
    }

    /// Stops the tasks and waits for their end.
    async fn end(supervisor: Supervisor) {
        supervisor.stop.cancel();
        supervisor.tasks.close();
        supervisor.tasks.wait().await;
    }

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn task_that_panics_or_ends_is_started_again_after_pauses_that_grow() {
        for panics in [true, false] {
            let log = Captured::default();
            let writer = log.clone();
            let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
            let _logging = tracing::subscriber::set_default(lines.finish());

            let (supervisor, _failures) = supervisor();
            let (seconds, starts) = (stopwatch(), Arc::new(Mutex::new(Vec::new())));
            let noted = Arc::clone(&starts);
            supervisor.keep("purge", move |_| {
                noted.lock().unwrap().push(seconds());
                async move { assert!(!panics, "a defect") }
            });
            sleep(Duration::from_millis(200_500)).await;
            assert_eq!(supervisor.down().names(), ["purge"], "it waits to be started again");
            end(supervisor).await;

            assert_eq!(*starts.lock().unwrap(), [0, 1, 3, 7, 15, 31, 63, 123, 183]);
            let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            let told = format!(
                "a background task has ended: it is started again in 4 s task=\"purge\" panicked={panics}"
            );
            assert!(log.lines().any(|line| line.contains("ERROR") && line.contains(&told)), "{log}");
            assert_eq!(log.lines().count(), 9, "{log}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn panic_while_a_task_is_made_is_like_one_of_the_task() {
        let (supervisor, _failures) = supervisor();
        let starts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&starts);
        supervisor.keep("purge", move |stop| {
            assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "a defect");
            async move { stop.cancelled().await }
        });
        sleep(Duration::from_secs(100)).await;
        assert!(supervisor.down().names().is_empty(), "it runs");
        end(supervisor).await;
        assert_eq!(starts.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn pause_is_short_again_after_a_steady_run() {
        let (supervisor, _failures) = supervisor();
        let (seconds, starts) = (stopwatch(), Arc::new(Mutex::new(Vec::new())));
        let noted = Arc::clone(&starts);
        supervisor.keep("mail", move |_| {
            let mut starts = noted.lock().unwrap();
            starts.push(seconds());
            let run = if starts.len() == 4 { STEADY + Duration::from_secs(3) } else { Duration::ZERO };
            sleep(run)
        });
        sleep(Duration::from_secs(312)).await;
        end(supervisor).await;
        assert_eq!(*starts.lock().unwrap(), [0, 1, 3, 7, 311]);
    }

    #[tokio::test(start_paused = true)]
    async fn stop_ends_tasks_that_run_and_tasks_that_wait_to_be_started_again() {
        let (supervisor, mut failures) = supervisor();
        let starts = Arc::new(Mutex::new(Vec::new()));
        for (name, runs) in [("mail", true), ("purge", false)] {
            let noted = Arc::clone(&starts);
            supervisor.keep(name, move |stop| {
                noted.lock().unwrap().push(name);
                async move {
                    if runs {
                        stop.cancelled().await;
                    }
                }
            });
        }
        let stop = supervisor.stop.clone();
        supervisor.require("listener", async move { stop.cancelled().await });
        sleep(Duration::from_millis(500)).await;
        end(supervisor).await;
        assert_eq!(*starts.lock().unwrap(), ["mail", "purge"]);
        assert!(timeout(Duration::from_secs(1), failures.next()).await.is_err(), "nothing has failed");
    }

    #[tokio::test(start_paused = true)]
    async fn end_of_a_required_task_is_told() {
        for panics in [true, false] {
            let (supervisor, mut failures) = supervisor();
            supervisor.require("listener", async move {
                sleep(Duration::from_secs(5)).await;
                assert!(!panics, "a defect");
            });
            assert!(timeout(Duration::from_secs(4), failures.next()).await.is_err());
            assert_eq!(failures.next().await, "listener");
        }
    }
}

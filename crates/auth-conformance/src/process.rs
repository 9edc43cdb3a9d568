//! Child processes that end with their owner, and the loopback ports that they listen on.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// How often a wait looks again.
const POLL: Duration = Duration::from_millis(5);

/// Polls until a new process must listen: 20 seconds.
const START_POLLS: u32 = 4000;

/// Polls until a process must have ended: 30 seconds, since a server gives requests ten by default.
const STOP_POLLS: u32 = 6000;

/// A child process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts a command.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.spawn();
        child.map(Self).with_context(|| format!("starting {}", command.get_program().to_string_lossy()))
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Takes the writing end of the standard input, if that is a pipe and was not taken before.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.0.stdin.take()
    }

    /// Takes the reading end of the standard output, if that is a pipe and was not taken before.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.0.stdout.take()
    }

    /// Waits up to 20 seconds until the process accepts connections.
    ///
    /// # Errors
    /// When the process ends first or does not listen in time; with the contents of the file `log`.
    pub fn wait_until_listening(&mut self, address: SocketAddr, log: &Path) -> Result<()> {
        let output = || fs::read_to_string(log).unwrap_or_default();
        for _ in 0..START_POLLS {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if self.0.try_wait()?.is_some() {
                bail!("the process ended at its start:\n{}", output());
            }
            thread::sleep(POLL);
        }
        bail!("the process does not listen after 20 s:\n{}", output())
    }

    /// Sends a signal by its name without `SIG`, such as `TERM`.
    ///
    /// # Errors
    /// When the process has ended.
    pub fn signal(&self, name: &str) -> Result<()> {
        // The standard library can only kill; every POSIX shell has a `kill` for the other signals.
        let script = ["-c", "kill \"-$0\" \"$1\"", name];
        let status = Command::new("sh").args(script).arg(self.id().to_string()).status()?;
        ensure!(status.success(), "kill -{name}: {status}");
        Ok(())
    }

    /// Waits up to 30 seconds until SIGSTOP has taken effect, which may be after the signal was sent.
    ///
    /// # Errors
    /// When it does not within that time.
    pub fn wait_until_stopped(&self) -> Result<()> {
        for _ in 0..STOP_POLLS {
            // The state stands behind the name of the program, which ends with the last parenthesis.
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
            if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("the process is not stopped after 30 s")
    }

    /// Waits up to 30 seconds until the process ends.
    ///
    /// # Errors
    /// When it does not end in time, or ends with another status than 0.
    pub fn wait(mut self) -> Result<()> {
        for _ in 0..STOP_POLLS {
            if let Some(status) = self.0.try_wait()? {
                ensure!(status.success(), "the process ended with {status}");
                return Ok(());
            }
            thread::sleep(POLL);
        }
        bail!("the process does not end within 30 s")
    }

    /// Ends the process by SIGTERM and waits for it.
    ///
    /// # Errors
    /// When it ended before, does not end within 30 seconds, or ends with another status than 0.
    pub fn stop(mut self) -> Result<()> {
        if let Some(status) = self.status()? {
            bail!("the process had ended by itself: {status}");
        }
        self.signal("TERM")?;
        self.wait()
    }

    fn status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Runs a command to its end with `stdin` as its standard input, and returns what it printed.
///
/// # Errors
/// When the program cannot be started.
pub fn run(command: &mut Command, stdin: &str) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("running {name}"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that does not read its input may end before it is written.
        let _unread = pipe.write_all(stdin.as_bytes());
    }
    Ok(child.wait_with_output()?)
}

/// Finds a loopback address with a free port.
///
/// The port lies below those that the system hands out for outgoing connections, so that a server that is restarted
/// finds it free again.
///
/// # Errors
/// When every port of the range is taken.
pub fn free_address() -> Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    // Test programs run side by side: each begins at another port.
    let offset = u16::try_from(std::process::id() * 97 % u32::from(COUNT))?;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (offset.wrapping_add(step)) % COUNT;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no free port")
}

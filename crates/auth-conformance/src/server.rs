//! The server under test: a folder, a port and a process of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Request, Response};
use crate::mailbox::Mailbox;
use crate::proxy::Proxy;
use crate::slapd::Slapd;

/// A configured server with its own store. It is ended when this is dropped.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    dir: TempDir,
    config: PathBuf,
    address: SocketAddr,
    process: Option<Process>,
    proxy: Option<Proxy>,
    mailbox: Option<Mailbox>,
    directory: Option<Slapd>,
}

impl Server {
    /// Writes a configuration (`@PORT@` and `@DIR@` are filled in), imports the users (JSON lines) and starts.
    ///
    /// # Errors
    /// When the import is refused or the server doesn't listen after 20 seconds, with what it said.
    pub fn start(binary: &Path, config: &str, users: &str) -> Result<Self> {
        let mut server = Self::configured(binary, config)?;
        let file = server.dir.path().join("users.jsonl");
        fs::write(&file, users)?;
        let done = server.command(&["import", "--config", "@CONFIG@", &file.to_string_lossy()], "")?;
        ensure!(
            done.status.success(),
            "import failed: {}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        server.resume()?;
        Ok(server)
    }

    /// A server with a configuration but no store yet, not started. Where `@MAIL@` stands in it, there will be the
    /// address of a mail server, and where `@LDAP@` does, that of a directory server.
    ///
    /// # Errors
    /// When no folder or port can be had.
    pub fn configured(binary: &Path, config: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("conformance-").tempdir()?;
        let address = free_address()?;
        let file = dir.path().join("auth.toml");
        let mailbox = if config.contains("@MAIL@") { Some(Mailbox::open()?) } else { None };
        let mail = mailbox.as_ref().map(|mailbox| mailbox.address().to_string()).unwrap_or_default();
        let directory = if config.contains("@LDAP@") { Some(Slapd::start()?) } else { None };
        let ldap = directory.as_ref().map(|slapd| slapd.address().to_string()).unwrap_or_default();
        let config = config
            .replace("@MAIL@", &mail)
            .replace("@LDAP@", &ldap)
            .replace("@PORT@", &address.port().to_string())
            .replace("@DIR@", &dir.path().to_string_lossy());
        fs::write(&file, config)?;
        Ok(Self {
            binary: binary.to_owned(),
            dir,
            config: file,
            address,
            process: None,
            proxy: None,
            mailbox,
            directory,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What it has said on standard output and standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Starts the process on the store as it is.
    ///
    /// # Errors
    /// When it ends at once or doesn't listen after 20 seconds.
    pub fn resume(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.dir.path().join("log"))?;
        let child = Command::new(&self.binary)
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", self.binary.display()))?;
        self.process = Some(Process::listening(child, self.address, &self.dir.path().join("log"))?);
        Ok(())
    }

    /// Puts an nginx in front, which requests go through from then on. Its configuration: see [`Setup::proxy`].
    ///
    /// # Errors
    /// When there is no nginx, or it doesn't listen.
    ///
    /// [`Setup::proxy`]: crate::setup::Setup::proxy
    pub fn put_behind(&mut self, proxy: &str) -> Result<()> {
        self.proxy = Some(Proxy::start(proxy, self.address, self.dir.path())?);
        Ok(())
    }

    /// Ends the process by SIGTERM, and waits for it.
    ///
    /// # Errors
    /// When it had ended before, or ends with another status than 0.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(process) = self.process.take() {
            process.terminate().with_context(|| self.log())?;
        }
        Ok(())
    }

    /// Ends the process by SIGKILL: nothing more of it happens.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Empties the limits: attempt counters live no longer than the process.
    ///
    /// # Errors
    /// See [`Server::stop`] and [`Server::resume`].
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.resume()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When no connection can be made.
    pub fn send(&self, request: &Request) -> Result<Response> {
        let address = self.proxy.as_ref().map_or(self.address, Proxy::address);
        http::send(address, request).with_context(|| self.log())
    }

    /// Its directory server.
    ///
    /// # Errors
    /// When it has none.
    pub fn directory(&mut self) -> Result<&mut Slapd> {
        self.directory.as_mut().context("the configuration has no directory server")
    }

    /// The code in the newest mail to an address that is none of those `used`.
    ///
    /// # Errors
    /// When none comes, or the server has nowhere to send mail to.
    pub(crate) fn mailed_code(&self, to: &str, used: &[String]) -> Result<String> {
        self.mailbox.as_ref().context("the setup has no mail server")?.code(to, used)
    }

    /// Runs one of the server's commands with its configuration in place of `@CONFIG@`.
    ///
    /// # Errors
    /// When the command can't be run; what it says of itself is in the output.
    pub fn command(&self, args: &[&str], stdin: &str) -> Result<Output> {
        let config = self.config.to_string_lossy();
        let args = args.iter().map(|arg| arg.replace("@CONFIG@", &config));
        run(Command::new(&self.binary).args(args), stdin)
    }
}

/// `auth-server dev`: what a newcomer starts, with demo users and all protocols.
#[derive(Debug)]
pub struct DevServer {
    process: Option<Process>,
    /// The line it prints when it is ready.
    pub ready: Value,
    _dir: TempDir,
}

impl DevServer {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When it ends without saying that it is ready.
    pub fn start(binary: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let log = File::create(dir.path().join("log"))?;
        let mut child = Command::new(binary)
            .args(["dev", "--listen", "127.0.0.1:0", "--ready-json", "--data"])
            .arg(dir.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let stdout = child.stdout.take().context("no standard output")?;
        let process = Process(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).with_context(|| {
            let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
            format!("not ready: {line:?}\n{log}")
        })?;
        Ok(Self { process: Some(process), ready, _dir: dir })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When it didn't say.
    pub fn address(&self) -> Result<SocketAddr> {
        let text =
            self.ready.get("address").and_then(Value::as_str).context("no address in the ready line")?;
        Ok(text.parse()?)
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When no connection can be made.
    pub fn send(&self, request: &Request) -> Result<Response> {
        http::send(self.address()?, request)
    }

    /// Ends it by SIGTERM.
    ///
    /// # Errors
    /// When it ends with another status than 0.
    pub fn stop(mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::terminate)
    }
}

/// A child process that doesn't outlive its owner.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// A child that was just started, once it listens.
    pub(crate) fn listening(child: Child, address: SocketAddr, log: &Path) -> Result<Self> {
        let mut process = Self(child);
        let said = || fs::read_to_string(log).unwrap_or_default();
        for _ in 0..4000 {
            if TcpStream::connect(address).is_ok() {
                return Ok(process);
            }
            if process.0.try_wait()?.is_some() {
                bail!("it stopped at start:\n{}", said());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("it doesn't listen after 20 s:\n{}", said())
    }

    fn terminate(mut self) -> Result<()> {
        if let Some(status) = self.0.try_wait()? {
            bail!("the server had ended by itself: {status}");
        }
        // The standard library can only kill; every POSIX shell has a `kill` that asks.
        let asked =
            Command::new("sh").args(["-c", "kill -TERM \"$0\""]).arg(self.0.id().to_string()).status()?;
        ensure!(asked.success(), "kill: {asked}");
        for _ in 0..2000 {
            if let Some(status) = self.0.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        bail!("the server didn't end within 10 s of SIGTERM")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Runs a command to its end with a text as its standard input.
///
/// # Errors
/// When it can't be run.
pub fn run(command: &mut Command, stdin: &str) -> Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("running {name}"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A command that doesn't read its input may end before it is written.
        let _unread = pipe.write_all(stdin.as_bytes());
    }
    Ok(child.wait_with_output()?)
}

/// An address on loopback that nobody listens on, its port below those the system hands out for outgoing connections: a server that is
/// restarted finds it free again.
pub(crate) fn free_address() -> Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    // Test programs run side by side: each begins elsewhere.
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

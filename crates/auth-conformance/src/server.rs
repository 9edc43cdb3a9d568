//! The server under test, with a folder, a port and a process of its own.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::http::{self, Request, Response};
use crate::mailbox::Mailbox;
use crate::process::{Process, free_address, run};
use crate::proxy::Proxy;
use crate::slapd::Slapd;

/// How often a wait for the log reads it again, and how many times: 20 seconds in all.
const LOG_POLL: Duration = Duration::from_millis(10);
const LOG_POLLS: u32 = 2000;

/// A configured server with its own store. The process is ended when this is dropped.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    dir: TempDir,
    config: PathBuf,
    environment: Vec<(OsString, OsString)>,
    address: SocketAddr,
    process: Option<Process>,
    proxy: Option<Proxy>,
    mailbox: Option<Mailbox>,
    directory: Option<Slapd>,
}

impl Server {
    /// Writes the configuration, imports the users (JSON lines) and starts the server. See [`Server::prepare`] for what
    /// is filled into the configuration.
    ///
    /// # Errors
    /// When the import is refused, or the server does not listen after 20 seconds, with what it printed.
    pub fn start(binary: &Path, config: &(impl fmt::Display + ?Sized), users: &str) -> Result<Self> {
        let mut server = Self::prepare(binary, config)?;
        server.import(users)?;
        server.serve()?;
        Ok(server)
    }

    /// Writes the configuration of a server that has no store yet and is not started.
    ///
    /// Filled in are `@PORT@` and `@DIR@`, the server's port and folder; `@MAIL@`, the address of a mail server that is
    /// then started; and `@LDAP@`, that of a directory server.
    ///
    /// # Errors
    /// When there is no folder or port for the server, or one of the other servers does not start.
    pub fn prepare(binary: &Path, config: &(impl fmt::Display + ?Sized)) -> Result<Self> {
        let config = config.to_string();
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
            environment: Vec::new(),
            address,
            process: None,
            proxy: None,
            mailbox,
            directory,
        })
    }

    /// Imports users (JSON lines) into the store.
    ///
    /// # Errors
    /// When the import is refused, with what it printed.
    pub fn import(&self, users: &str) -> Result<()> {
        let file = self.dir.path().join("users.jsonl");
        fs::write(&file, users)?;
        self.run(&["import", "--config", "@CONFIG@", &file.to_string_lossy()], "").map(drop)
    }

    /// Sets an environment variable for the processes and commands that are started from now on.
    pub fn set_env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
    }

    /// Shifts the clock of the processes that are started from now on: `-20m` by twenty minutes into the past, `+0` to
    /// where it is.
    pub fn shift_clock(&mut self, by: &str) {
        // The loader knows the folder of the library.
        self.set_env("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1");
        self.set_env("FAKETIME", by);
        self.set_env("DONT_FAKE_MONOTONIC", "1");
    }

    /// Starts the process on the store as it is.
    ///
    /// # Errors
    /// When the process ends at its start, or does not listen after 20 seconds.
    pub fn serve(&mut self) -> Result<()> {
        let file = self.dir.path().join("log");
        let log = File::options().create(true).append(true).open(&file)?;
        let mut command = self.program();
        command.args(["serve", "--config"]).arg(&self.config);
        let mut process = Process::spawn(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log))?;
        process.wait_until_listening(self.address, &file)?;
        self.process = Some(process);
        Ok(())
    }

    /// Starts an nginx in front, through which requests go from then on. Its configuration: see [`Setup::proxy`].
    ///
    /// # Errors
    /// When nginx is not installed or does not listen.
    ///
    /// [`Setup::proxy`]: crate::setup::Setup::proxy
    pub fn start_proxy(&mut self, config: &str) -> Result<()> {
        self.proxy = Some(Proxy::start(config, self.address, self.dir.path())?);
        Ok(())
    }

    /// The address of the proxy in front.
    ///
    /// # Errors
    /// When none was started.
    pub fn proxy_address(&self) -> Result<SocketAddr> {
        self.proxy.as_ref().map(Proxy::address).context("the server has no proxy")
    }

    /// Asks the process to end, by SIGTERM, and does not wait. See [`Server::wait`].
    ///
    /// # Errors
    /// When the process does not run.
    pub fn terminate(&self) -> Result<()> {
        self.process.as_ref().context("the server does not run")?.signal("TERM")
    }

    /// Waits up to 10 seconds until the process ends.
    ///
    /// # Errors
    /// When it does not end in time, or ends with another status than 0.
    pub fn wait(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::wait).with_context(|| self.log())
    }

    /// Ends the process by SIGTERM and waits for it.
    ///
    /// # Errors
    /// When the process had ended before, or ends with another status than 0.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::stop).with_context(|| self.log())
    }

    /// Ends the process by SIGKILL, as a crash does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops and starts the process. That empties its rate limiters, which count in memory.
    ///
    /// # Errors
    /// See [`Server::stop`] and [`Server::serve`].
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.serve()
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's URL, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The process id, while the server runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// The server's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Everything that the process has written to standard output and standard error.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Waits up to 20 seconds until a line of the log holds `text`, and returns the first such line.
    ///
    /// # Errors
    /// When no line does, with the log.
    pub fn wait_for_log(&self, text: &str) -> Result<String> {
        for _ in 0..LOG_POLLS {
            // The last line may not be written to its end yet.
            let log = self.log();
            let mut lines = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
            if let Some(line) = lines.find(|line| line.contains(text)) {
                return Ok(line.to_owned());
            }
            thread::sleep(LOG_POLL);
        }
        bail!("no line of the log holds {text:?}:\n{}", self.log())
    }

    /// Sends a request to the server, or to the proxy if there is one.
    ///
    /// # Errors
    /// When no connection can be made.
    pub fn send(&self, request: &Request) -> Result<Response> {
        let address = self.proxy.as_ref().map_or(self.address, Proxy::address);
        http::send(address, request).with_context(|| self.log())
    }

    /// The directory server.
    ///
    /// # Errors
    /// When the configuration asked for none.
    pub fn directory(&mut self) -> Result<&mut Slapd> {
        self.directory.as_mut().context("the configuration has no directory server")
    }

    /// The code in the newest mail to an address; waits for one that is not in `used`.
    ///
    /// # Errors
    /// When no such mail comes, or the configuration asked for no mail server.
    pub fn mailed_code(&self, to: &str, used: &[String]) -> Result<String> {
        self.mailbox()?.code(to, used)
    }

    /// The link in the newest mail to an address; waits for one that is not in `used`.
    ///
    /// # Errors
    /// When no such mail comes, or the configuration asked for no mail server.
    pub fn mailed_link(&self, to: &str, used: &[String]) -> Result<String> {
        self.mailbox()?.link(to, used)
    }

    /// How many mails have come so far.
    pub(crate) fn mail_count(&self) -> usize {
        self.mailbox.as_ref().map_or(0, Mailbox::count)
    }

    /// The mails after the first `count`: recipient, and everything that was sent.
    pub(crate) fn mails_after(&self, count: usize) -> Vec<(String, String)> {
        self.mailbox.as_ref().map_or_else(Vec::new, |mailbox| mailbox.after(count))
    }

    /// Waits up to five seconds until one of the mails after the first `count` is what is wanted: its recipient and its text.
    ///
    /// # Errors
    /// When none is, or the configuration asked for no mail server.
    pub(crate) fn wait_for_mail<T>(
        &self,
        count: usize,
        mut wanted: impl FnMut(&(String, String)) -> Option<T>,
    ) -> Result<T> {
        let mailbox = self.mailbox()?;
        for _ in 0..500 {
            if let Some(found) = mailbox.after(count).iter().find_map(&mut wanted) {
                return Ok(found);
            }
            thread::sleep(LOG_POLL);
        }
        bail!("no such mail: {:#?}", mailbox.after(count))
    }

    fn mailbox(&self) -> Result<&Mailbox> {
        self.mailbox.as_ref().context("the configuration has no mail server")
    }

    /// Runs one of the program's commands to its end, with the path of the configuration in place of `@CONFIG@`.
    ///
    /// # Errors
    /// When the program cannot be started. A command that fails is no error here.
    pub fn command(&self, args: &[&str], stdin: &str) -> Result<Output> {
        let config = self.config.to_string_lossy();
        let args = args.iter().map(|arg| arg.replace("@CONFIG@", &config));
        run(self.program().args(args), stdin)
    }

    /// Runs one of the program's commands, which must succeed, and returns its standard output.
    ///
    /// # Errors
    /// When the command fails, with what it printed.
    pub fn run(&self, args: &[&str], stdin: &str) -> Result<String> {
        let output = self.command(args, stdin)?;
        let (stdout, stderr) = (String::from_utf8(output.stdout)?, String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{args:?}: {stdout}{stderr}");
        Ok(stdout)
    }

    fn program(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

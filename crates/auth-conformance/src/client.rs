//! Published clients, unchanged and in exact versions. `cargo xtask clients` installs them, and small scripts in
//! `clients/` drive them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Process, run};

/// A client program with an empty home folder, so that no settings of the developer's apply.
#[derive(Debug)]
pub struct Client {
    command: Command,
    home: TempDir,
}

impl Client {
    /// Prepares a script of `clients/python`.
    ///
    /// # Errors
    /// When the clients are not installed.
    pub fn python(script: &str) -> Result<Self> {
        Self::new(&installed()?.join("python/bin/python"), &scripts().join("python").join(script))
    }

    /// Prepares a script of `clients/node`.
    ///
    /// # Errors
    /// When the clients are not installed.
    pub fn node(script: &str) -> Result<Self> {
        Self::new(Path::new("node"), &scripts().join("node").join(script))
    }

    /// Prepares a program that was installed with the Python clients.
    ///
    /// # Errors
    /// When the clients are not installed.
    pub fn installed(program: &str) -> Result<Self> {
        let folder = installed()?.join("python/bin");
        Self::new(&folder.join("python"), &folder.join(program))
    }

    fn new(program: &Path, script: &Path) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = Command::new(program);
        command
            .arg(script)
            .current_dir(home.path())
            .env_remove("ZULIP_CONFIG")
            .env_remove("ZULIP_API_KEY")
            .env("HOME", home.path())
            .env("NO_PROXY", "127.0.0.1")
            .env("NODE_PATH", installed()?.join("node/node_modules"));
        Ok(Self { command, home })
    }

    /// The client's home folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts the client and does not wait for its end.
    ///
    /// # Errors
    /// When the client cannot be started.
    pub fn spawn(mut self, arguments: &[impl AsRef<OsStr>]) -> Result<RunningClient> {
        let process = Process::spawn(self.command.args(arguments))?;
        Ok(RunningClient { _process: process, _home: self.home })
    }

    /// Starts the client, which answers each line of its input by a line.
    ///
    /// # Errors
    /// When the client cannot be started.
    pub fn converse(mut self) -> Result<Conversation> {
        let command = self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // What it keeps while it runs goes with its home folder.
        let mut process = Process::spawn(command.env("TMPDIR", self.home.path()))?;
        let input = process.take_stdin();
        let output = process.take_stdout().context("no standard output")?;
        Ok(Conversation { input, output: BufReader::new(output), process: Some(process), _home: self.home })
    }

    /// Runs the client to its end.
    ///
    /// # Errors
    /// When the client cannot be started.
    pub fn run(mut self, arguments: &[impl AsRef<OsStr>]) -> Result<Output> {
        self.command.args(arguments).output().context("running the client")
    }

    /// Runs the client to its end with this standard input; returns its standard output.
    ///
    /// # Errors
    /// When the client cannot be started, or fails, with what it printed.
    pub fn answer(mut self, input: &str) -> Result<String> {
        let output = run(&mut self.command, input)?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs the client to its end, and returns whether its login succeeded (exit status 0) and the JSON that it
    /// printed.
    ///
    /// # Errors
    /// When the client cannot be started or prints anything but JSON, with all that it printed.
    pub fn log_in(self, arguments: &[impl AsRef<OsStr>]) -> Result<(bool, Value)> {
        let output = self.run(arguments)?;
        let json = serde_json::from_slice(&output.stdout).with_context(|| {
            let (stdout, stderr) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            format!("the client printed {stdout:?}\n{stderr}")
        })?;
        Ok((output.status.success(), json))
    }
}

/// A client that runs. It is ended when this is dropped.
#[derive(Debug)]
pub struct RunningClient {
    _process: Process,
    _home: TempDir,
}

/// A client that answers each line of its input by a line. Its input ends when this is dropped, and so does the client.
#[derive(Debug)]
pub struct Conversation {
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    process: Option<Process>,
    _home: TempDir,
}

impl Conversation {
    /// Sends a line and reads one.
    ///
    /// # Errors
    /// When the client has ended, or answers anything but JSON.
    pub fn ask(&mut self, line: &Value) -> Result<Value> {
        let input = self.input.as_mut().context("no standard input")?;
        writeln!(input, "{line}")?;
        let mut answer = String::new();
        self.output.read_line(&mut answer)?;
        serde_json::from_str(&answer).with_context(|| format!("{answer:?}"))
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        drop(self.input.take());
        // A client that doesn't end by itself is ended.
        let _ended = self.process.take().map(Process::wait);
    }
}

/// The path of a program that was installed with the Python clients and is none of Python's.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    Ok(installed()?.join("python/bin").join(name))
}

/// The folder that `cargo xtask clients` installs into.
fn installed() -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients");
    ensure!(folder.join("installed").exists(), "the clients are not installed: run cargo xtask clients");
    Ok(folder)
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

//! `auth-server dev`, the server that newcomers start: demo users and all three protocols.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::{self, Request, Response};
use crate::process::Process;

/// A running `auth-server dev`. It is ended when this is dropped.
#[derive(Debug)]
pub struct DevServer {
    process: Process,
    ready: Value,
    address: SocketAddr,
    control: SocketAddr,
    _dir: TempDir,
}

impl DevServer {
    /// Starts the server on a free port.
    ///
    /// # Errors
    /// When the process ends without printing the line that says it is ready.
    pub fn start(binary: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data");
        Self::launch(binary, dir, &[OsStr::new("--data"), data.as_os_str()], "")
    }

    /// Starts the server on a free port with data that is thrown away, with further options and this standard input.
    ///
    /// # Errors
    /// See [`DevServer::start`].
    pub fn start_thrown_away(binary: &Path, options: &[&str], input: &str) -> Result<Self> {
        let options: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
        Self::launch(binary, tempfile::tempdir()?, &options, input)
    }

    fn launch(binary: &Path, dir: TempDir, options: &[&OsStr], input: &str) -> Result<Self> {
        let log = File::create(dir.path().join("log"))?;
        let mut command = Command::new(binary);
        command
            .args(["dev", "--listen", "127.0.0.1:0", "--ready-json"])
            .args(options)
            .env("TMPDIR", dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut process = Process::spawn(&mut command)?;
        process.take_stdin().context("no standard input")?.write_all(input.as_bytes())?;
        let stdout = process.take_stdout().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let (ready, address, control) = read(&line).with_context(|| {
            let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
            format!("not ready: {line:?}\n{log}")
        })?;
        Ok(Self { process, ready, address, control, _dir: dir })
    }

    /// What the line tells that says the server is ready.
    #[must_use]
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// The address of the control endpoints.
    #[must_use]
    pub fn control_address(&self) -> SocketAddr {
        self.control
    }

    /// Sends a request to a control endpoint, with the token.
    ///
    /// # Errors
    /// When no connection can be made.
    pub fn control(&self, request: Request) -> Result<Response> {
        let token = self.ready.pointer("/control/token").and_then(Value::as_str).context("no token")?;
        http::send(self.control, &request.header("Authorization", &format!("Bearer {token}")))
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

    /// Sends a request.
    ///
    /// # Errors
    /// When no connection can be made.
    pub fn send(&self, request: &Request) -> Result<Response> {
        http::send(self.address, request)
    }

    /// Ends the process by SIGTERM and waits for it.
    ///
    /// # Errors
    /// When the process had ended before, or ends with another status than 0.
    pub fn stop(self) -> Result<()> {
        self.process.stop()
    }
}

/// What the line tells that says the server is ready, and in it the addresses of the server and of its control endpoints.
fn read(line: &str) -> Result<(Value, SocketAddr, SocketAddr)> {
    let ready: Value = serde_json::from_str(line)?;
    let text = |pointer: &str| ready.pointer(pointer).and_then(Value::as_str).context("a text is missing");
    let control = text("/control/url")?.strip_prefix("http://").context("no URL")?.parse()?;
    let address = text("/address")?.parse()?;
    Ok((ready, address, control))
}

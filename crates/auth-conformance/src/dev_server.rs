//! `auth-server dev`, the server that newcomers start: demo users and all three protocols.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
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
    address: SocketAddr,
    _dir: TempDir,
}

impl DevServer {
    /// Starts the server on a free port.
    ///
    /// # Errors
    /// When the process ends without printing the line that says it is ready.
    pub fn start(binary: &Path) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let log = File::create(dir.path().join("log"))?;
        let mut command = Command::new(binary);
        command
            .args(["dev", "--listen", "127.0.0.1:0", "--ready-json", "--data"])
            .arg(dir.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut process = Process::spawn(&mut command)?;
        let stdout = process.take_stdout().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = address(&line).with_context(|| {
            let log = fs::read_to_string(dir.path().join("log")).unwrap_or_default();
            format!("not ready: {line:?}\n{log}")
        })?;
        Ok(Self { process, address, _dir: dir })
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

/// The address in the line that says the server is ready.
fn address(line: &str) -> Result<SocketAddr> {
    let ready: Value = serde_json::from_str(line)?;
    let address = ready.get("address").and_then(Value::as_str).context("no address")?;
    Ok(address.parse()?)
}

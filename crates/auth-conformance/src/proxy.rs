//! A real nginx in front of the server, for answers that clients get from both together.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::server::{Process, free_address};

/// An nginx of its own, ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    _process: Process,
}

impl Proxy {
    /// Starts it in front of a server. `@LISTEN@`, `@SERVER@` and `@DIR@` are filled in.
    ///
    /// # Errors
    /// When there is no nginx, or it doesn't listen, with what it said.
    pub(crate) fn start(config: &str, server: SocketAddr, dir: &Path) -> Result<Self> {
        let address = free_address()?;
        let (file, log) = (dir.join("nginx.conf"), dir.join("nginx.log"));
        let config = config
            .replace("@LISTEN@", &address.to_string())
            .replace("@SERVER@", &server.to_string())
            .replace("@DIR@", &dir.to_string_lossy());
        fs::write(&file, config)?;
        // Where a user's path doesn't lead to it, it is among the system's programs.
        let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let child = Command::new(program)
            .args(["-e", "stderr", "-p"])
            .arg(dir)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("starting nginx: cargo xtask test installs it")?;
        let process = Process::listening(child, address, &log)?;
        Ok(Self { address, _process: process })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

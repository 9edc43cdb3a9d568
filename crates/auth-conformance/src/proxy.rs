//! A real nginx in front of the server, for answers that clients get from the two together.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process::{Process, free_address};

/// The configuration of nginx around what an `http` block holds, in the foreground. Bodies stay in memory. `@DIR@` is to be
/// filled in, and the block to be closed.
pub const FRAME: &str = "daemon off;
master_process off;
pid @DIR@/nginx.pid;
error_log stderr warn;
events {
}
http {
    access_log off;
    client_body_temp_path @DIR@/nginx-body;
    proxy_temp_path @DIR@/nginx-proxy;
    fastcgi_temp_path @DIR@/nginx-fastcgi;
    uwsgi_temp_path @DIR@/nginx-uwsgi;
    scgi_temp_path @DIR@/nginx-scgi;
";

/// A running nginx. It is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    _process: Process,
}

impl Proxy {
    /// Starts nginx in front of `server`, with its files in `dir`. In the configuration, `@LISTEN@`, `@SERVER@` and
    /// `@DIR@` are filled in.
    ///
    /// # Errors
    /// When nginx is not installed or does not listen, with what it printed.
    pub(crate) fn start(config: &str, server: SocketAddr, dir: &Path) -> Result<Self> {
        let address = free_address()?;
        let (file, log) = (dir.join("nginx.conf"), dir.join("nginx.log"));
        let config = config
            .replace("@LISTEN@", &address.to_string())
            .replace("@SERVER@", &server.to_string())
            .replace("@DIR@", &dir.to_string_lossy());
        fs::write(&file, config)?;
        // Debian installs nginx where the path of an ordinary user does not lead.
        let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let mut command = Command::new(program);
        command.args(["-e", "stderr", "-p"]).arg(dir).arg("-c").arg(&file);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let mut process = Process::spawn(&mut command).context("cargo xtask test installs nginx")?;
        process.wait_until_listening(address, &log)?;
        Ok(Self { address, _process: process })
    }

    /// The address that nginx listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

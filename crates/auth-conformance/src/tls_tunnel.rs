//! A stream through TLS, by the `openssl` program.

use std::io::{Read, Result, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A stream to a host through TLS. It ends when this is dropped.
#[derive(Debug)]
pub struct TlsTunnel {
    process: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl TlsTunnel {
    /// Connects from an address of this machine to a host at another, which must have a certificate of the authority.
    ///
    /// # Errors
    /// When `openssl` is not installed. If the connection fails, the first read reports it.
    pub fn open(from: IpAddr, address: SocketAddr, host: &str, authority: &Path) -> Result<Self> {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-verify_return_error", "-verify_quiet", "-servername", host]);
        command.args(["-verify_hostname", host, "-alpn", "http/1.1", "-CAfile"]).arg(authority);
        command.arg("-connect").arg(address.to_string()).arg("-bind").arg(format!("{from}:0"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        };
        Ok(Self { process, input, output })
    }
}

impl Read for TlsTunnel {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.output.read(buffer)
    }
}

impl Write for TlsTunnel {
    fn write(&mut self, buffer: &[u8]) -> Result<usize> {
        self.input.write(buffer)
    }

    fn flush(&mut self) -> Result<()> {
        self.input.flush()
    }
}

impl Drop for TlsTunnel {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill();
        let _status = self.process.wait();
    }
}

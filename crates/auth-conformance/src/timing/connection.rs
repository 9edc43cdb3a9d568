//! A kept-alive connection on which responses are timed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clock::Stopwatch;
use crate::http::complete_status;

/// A kept-alive connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    data: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, data: Vec::with_capacity(4096) })
    }

    /// Sends a request as it is, and returns the status of the response and the seconds from the first byte sent to the
    /// last byte received. The watch runs for `delay` longer.
    pub(super) fn time(&mut self, request: &[u8], delay: Duration) -> Result<(u16, f64)> {
        self.data.clear();
        let watch = Stopwatch::start();
        self.stream.write_all(request)?;
        let mut chunk = [0; 4096];
        let status = loop {
            if let Some(status) = complete_status(&self.data) {
                break status;
            }
            let count = self.stream.read(&mut chunk)?;
            ensure!(count > 0, "the server closed the connection");
            self.data.extend(chunk.get(..count).unwrap_or_default());
        };
        if !delay.is_zero() {
            let until = watch.elapsed() + delay;
            while watch.elapsed() < until {
                std::hint::spin_loop();
            }
        }
        Ok((status, watch.elapsed().as_secs_f64()))
    }
}

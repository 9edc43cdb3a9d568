//! One connection, kept alive, on which answers are timed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock::Stopwatch;

/// A connection that is kept.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    data: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("connecting")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, data: Vec::with_capacity(4096) })
    }

    /// Sends a request as it stands; gives the status of the answer, and the seconds from the first byte sent to the
    /// last received. `held_up` passes before the watch is stopped.
    pub(crate) fn time(&mut self, request: &[u8], held_up: Duration) -> Result<(u16, f64)> {
        self.data.clear();
        let watch = Stopwatch::start();
        self.stream.write_all(request)?;
        let mut chunk = [0; 4096];
        while !is_whole(&self.data) {
            let count = self.stream.read(&mut chunk)?;
            if count == 0 {
                bail!("the server closed the connection");
            }
            self.data.extend(chunk.get(..count).unwrap_or_default());
        }
        if !held_up.is_zero() {
            let until = watch.elapsed() + held_up;
            while watch.elapsed() < until {
                std::hint::spin_loop();
            }
        }
        let took = watch.elapsed().as_secs_f64();
        let status = self.data.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        Ok((status.context("no status")?, took))
    }
}

/// Whether an answer is there to its last byte, as its `content-length` says.
fn is_whole(data: &[u8]) -> bool {
    let Some(head) = data.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(data.get(..head).unwrap_or_default()).to_lowercase();
    let length = text
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse::<usize>().ok());
    length.is_some_and(|length| data.len() >= head + 4 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nabc";
        for end in 0..answer.len() {
            assert!(!is_whole(&answer[..end]), "{end}");
        }
        assert!(is_whole(answer));
    }
}

//! Web sockets, opened by a handshake of their own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Result, ensure};
use tungstenite::WebSocket;
use tungstenite::protocol::Role;

/// How long the answer to a frame may take. During an outage a login waits for the store.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Opens a socket at a path of the host that has the address.
pub(crate) fn open(address: SocketAddr, path: &str, headers: &str) -> Result<WebSocket<TcpStream>> {
    open_at(address, &address.to_string(), path, headers)
}

/// Opens a socket at a path of a host. `headers` go along with those of the handshake, each with its line break.
pub(crate) fn open_at(
    address: SocketAddr,
    host: &str,
    path: &str,
    headers: &str,
) -> Result<WebSocket<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    open_on(stream, host, path, headers)
}

/// Opens a socket on a stream, as [`open_at`] does.
pub(crate) fn open_on<S: Read + Write>(
    mut stream: S,
    host: &str,
    path: &str,
    headers: &str,
) -> Result<WebSocket<S>> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    ensure!(head.starts_with("HTTP/1.1 101 "), "{head}");
    Ok(WebSocket::from_raw_socket(stream, Role::Client, None))
}

//! Connections of clients that mean no request: silent ones, halves of requests, bytes that are not HTTP.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::run::Run;

/// Connections that one thread holds at a time.
const HELD: usize = 32;

/// What is sent on a connection before it is left alone.
const BEGINNINGS: [&[u8]; 6] = [
    b"",
    b"P",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{",
    b"GET /api/v1/server_settings HTTP/1.1\r\nHost: x\r\n\r\nGET /api/v1/server_settings HTTP/1.1\r\nHost: x\r\n\r\n",
];

/// Opens such connections and drops the oldest, until the run stops.
pub(super) fn connect_until_stopped(run: &Run, address: SocketAddr) {
    let mut held = Vec::with_capacity(HELD);
    for beginning in BEGINNINGS.iter().cycle() {
        if !run.goes_on() {
            return;
        }
        if held.len() == HELD {
            let mut oldest: TcpStream = held.remove(0);
            // What the server has answered so far; none of it matters but that the server goes on.
            let _ = oldest.set_read_timeout(Some(Duration::from_millis(1)));
            let _ = oldest.read(&mut [0; 4096]);
        }
        if let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(5)) {
            let _ = stream.write_all(beginning);
            held.push(stream);
            run.hostile.fetch_add(1, Ordering::Relaxed);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

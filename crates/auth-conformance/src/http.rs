//! HTTP/1 over a raw socket: requests go out to the byte as a case describes them, each on a connection of its own.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use data_encoding::BASE64;
use serde_json::Value;

use crate::clock::Stopwatch;

/// A request. [`send`] sets `Connection` and `Content-Length` itself.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "tests build it field by field")]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// Whether the version is HTTP/1.0 instead of HTTP/1.1.
    pub http10: bool,
    /// The headers in order, as names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether to send no `Host` header unless the headers hold one.
    pub without_host: bool,
}

impl Request {
    /// Creates a request without headers and body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body to a form that is already encoded.
    #[must_use]
    pub fn form(mut self, body: &str) -> Self {
        self.body = body.as_bytes().to_vec();
        self.header("Content-Type", "application/x-www-form-urlencoded")
    }

    /// Sets the body to a JSON value.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self.header("Content-Type", "application/json")
    }

    /// Adds a user name and a secret by HTTP Basic authentication.
    #[must_use]
    pub fn basic(self, name: &str, secret: &str) -> Self {
        let value = BASE64.encode(format!("{name}:{secret}").as_bytes());
        self.header("Authorization", &format!("Basic {value}"))
    }

    /// The value of a header, whose name is compared without regard to case.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let latin1 = |text: &str| -> Vec<u8> {
            text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
        };
        let version = if self.http10 { "HTTP/1.0" } else { "HTTP/1.1" };
        let mut out = latin1(&format!("{} {} {version}\r\n", self.method, self.path));
        if self.header_value("host").is_none() && !self.http10 && !self.without_host {
            out.extend(format!("Host: {address}\r\n").bytes());
        }
        for (name, value) in &self.headers {
            if !name.eq_ignore_ascii_case("connection") && !name.eq_ignore_ascii_case("content-length") {
                out.extend(format!("{name}: {value}\r\n").bytes());
            }
        }
        out.extend(b"Connection: close\r\n");
        let may_carry = !self.body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if may_carry && self.header_value("transfer-encoding").is_none() {
            out.extend(format!("Content-Length: {}\r\n", self.body.len()).bytes());
        }
        out.extend(b"\r\n");
        out.extend(&self.body);
        out
    }
}

/// A response.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "tests build it field by field")]
pub struct Response {
    /// The status code; 0 when no response came.
    pub status: u16,
    /// The header values by lower-case name; of a repeated header the first.
    pub headers: BTreeMap<String, String>,
    /// The values of all `Set-Cookie` headers, in order.
    pub set_cookies: Vec<String>,
    /// The body, its chunks joined.
    pub body: Vec<u8>,
    /// The time from the first byte sent to the last byte received.
    pub took: Duration,
}

impl Response {
    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as text, in which bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, if it is JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Parses a response as it came off the wire. Interim responses (1xx) are skipped.
    #[must_use]
    pub fn parse(mut data: &[u8]) -> Self {
        loop {
            let (head, after) = split_at(data, b"\r\n\r\n");
            let head: String = head.iter().map(|byte| char::from(*byte)).collect();
            let mut lines = head.split("\r\n");
            let status =
                lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
            if matches!(status, Some(100..=199)) {
                data = after;
                continue;
            }
            let mut headers = BTreeMap::new();
            let mut set_cookies = Vec::new();
            for (name, value) in lines.filter_map(|line| line.split_once(':')) {
                if name.trim().eq_ignore_ascii_case("set-cookie") {
                    set_cookies.push(value.trim().to_owned());
                }
                headers.entry(name.trim().to_lowercase()).or_insert_with(|| value.trim().to_owned());
            }
            let chunked =
                headers.get("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
            let body = if chunked { unchunk(after) } else { after.to_vec() };
            return Self { status: status.unwrap_or(0), headers, set_cookies, body, took: Duration::ZERO };
        }
    }
}

/// The status of a response of which every byte is in `data`, by its `Content-Length`; `None` while bytes are missing.
#[must_use]
pub fn complete_status(data: &[u8]) -> Option<u16> {
    let head = data.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(data.get(..head)?).to_lowercase();
    let length = text.split("\r\n").find_map(|line| line.strip_prefix("content-length:"))?;
    let length: usize = length.trim().parse().ok()?;
    (data.len() >= head + 4 + length).then(|| text.get(9..12)?.parse().ok())?
}

/// Sends a request on a new connection and reads the response to the end of the connection. A server that closes early
/// is no error: the bytes until then are the response.
///
/// # Errors
/// When no connection can be made.
pub fn send(address: SocketAddr, request: &Request) -> Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(10)).context("connecting")?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.set_write_timeout(Some(Duration::from_secs(30)))?;
    let watch = Stopwatch::start();
    // An error response may come before the request is sent; it is read in any case.
    let _early_close = stream.write_all(&request.bytes(address));
    let mut data = Vec::new();
    let mut chunk = [0; 65536];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => data.extend(chunk.get(..n).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    Ok(Response { took: watch.elapsed(), ..Response::parse(&data) })
}

fn split_at<'a>(data: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    match data.windows(mark.len()).position(|window| window == mark) {
        Some(at) => {
            let (before, after) = data.split_at(at);
            (before, after.get(mark.len()..).unwrap_or_default())
        }
        None => (data, &[]),
    }
}

fn unchunk(mut data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while !data.is_empty() {
        let (size, after) = split_at(data, b"\r\n");
        let size = String::from_utf8_lossy(size);
        let size = size.split(';').next().and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok());
        let Some(size @ 1..) = size else { break };
        out.extend(after.get(..size.min(after.len())).unwrap_or_default());
        data = after.get(size + 2..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_parsed_with_and_without_chunks() {
        let plain = Response::parse(b"HTTP/1.1 401 No\r\nA-B: c\r\nA-b: d\r\n\r\nbody");
        assert_eq!((plain.status, plain.header("a-b"), plain.text().as_str()), (401, Some("c"), "body"));
        let chunked = Response::parse(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
        );
        assert_eq!((chunked.status, chunked.text().as_str()), (200, "abcde"));
        assert_eq!(Response::parse(b"").status, 0);
    }

    #[test]
    fn response_is_complete_with_its_last_byte() {
        let response = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nabc";
        for end in 0..response.len() {
            assert_eq!(complete_status(&response[..end]), None, "{end}");
        }
        assert_eq!(complete_status(response), Some(401));
    }

    #[test]
    fn requests_are_sent_as_they_are_described() {
        let address = "127.0.0.1:1".parse().unwrap();
        let request =
            Request::new("POST", "/ä?a=b").header("X", "ü").header("Content-Length", "99").form("a");
        let text: Vec<u8> = b"POST /\xe4?a=b HTTP/1.1\r\nHost: 127.0.0.1:1\r\nX: \xc3\xbc\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\nContent-Length: 1\r\n\r\na".to_vec();
        assert_eq!(request.bytes(address), text);
        let bare = Request { without_host: true, ..Request::new("GET", "/") };
        assert_eq!(bare.bytes(address), b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    }
}

//! The built server under measurement, and connections to it from chosen client addresses.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use auth_conformance::http::complete_status;
use auth_conformance::{Server, ServerConfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// The password of every user.
pub const PASSWORD: &str = "correct-horse-battery-9876";

/// The number of users, who are named `user0` and so on.
pub const USERS: usize = 16;

/// The configuration of the server: without limits, which would refuse most logins, and with the product's defaults for
/// everything else.
#[must_use]
pub fn config() -> ServerConfig {
    ServerConfig::minimal()
        .without_limits()
        .set("log.level", "warn")
        .set("zulip.realm", "main")
        .set("zettelstore.login_delay", "0s")
}

/// Imports the users and starts the server.
///
/// # Errors
/// An error if the server rejects the users or does not start.
pub fn start(binary: &Path, config: &ServerConfig) -> Result<Server> {
    let mut users = format!("{}\n", json!({"kind": "realm", "realm": "main", "subdomain": ""}));
    for number in 0..USERS {
        let user = json!({"kind": "user", "realm": "main", "username": format!("user{number}"),
            "email": format!("user{number}@example.com"), "email_verified": true, "password": PASSWORD});
        users.push_str(&format!("{user}\n"));
    }
    Server::start(binary, config, &users)
}

/// The path of the release build.
#[must_use]
pub fn release_binary() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/auth-server")
}

/// A login request of the Zulip protocol.
#[must_use]
pub fn zulip_login(user: usize, password: &str) -> Vec<u8> {
    let body = format!("username=user{}%40example.com&password={password}", user % USERS);
    form("/api/v1/fetch_api_key", &body)
}

/// A login request of the Rocket.Chat protocol.
#[must_use]
pub fn rocketchat_login(user: usize, password: &str) -> Vec<u8> {
    form("/api/v1/login", &format!("user=user{}&password={password}", user % USERS))
}

/// A login request of the Zettelstore protocol.
#[must_use]
pub fn zettelstore_login(user: usize, password: &str) -> Vec<u8> {
    form("/a", &format!("username=user{}&password={password}", user % USERS))
}

fn form(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The resident memory of the server's process, in KiB.
///
/// # Errors
/// An error if the server is not running.
pub fn resident_kib(server: &Server) -> Result<u64> {
    process_memory_kib(server.pid().context("the server is not running")?, "VmRSS:")
}

/// The value of a line of `/proc/PID/status` that begins with `field`, such as `VmRSS:`, in KiB.
///
/// # Errors
/// An error if there is no such process or its status has no such line.
pub fn process_memory_kib(pid: u32, field: &'static str) -> Result<u64> {
    kib(&format!("/proc/{pid}/status"), field)
}

/// The memory of the machine, in KiB.
///
/// # Errors
/// An error if the system does not tell.
pub fn memory_kib() -> Result<u64> {
    kib("/proc/meminfo", "MemTotal:")
}

fn kib(file: &str, field: &'static str) -> Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).context(field)?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// A kept-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    data: Vec<u8>,
}

/// A response and its time.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "programs read the fields")]
pub struct TimedResponse {
    /// The status code.
    pub status: u16,
    /// The head and the body.
    pub text: String,
    /// The time from the first byte sent to the last byte received.
    pub took: Duration,
}

impl Connection {
    /// Connects from an address of 127.0.0.0/8, all of which belong to this machine.
    ///
    /// # Errors
    /// An error if the connection fails.
    pub async fn open(from: IpAddr, to: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        let stream = socket.connect(to).await.context("connecting")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, data: Vec::with_capacity(4096) })
    }

    /// Sends the bytes of a request and reads the response.
    ///
    /// # Errors
    /// An error if the connection breaks.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    pub async fn send(&mut self, request: &[u8]) -> Result<TimedResponse> {
        self.data.clear();
        let began = Instant::now();
        self.stream.write_all(request).await?;
        loop {
            if let Some(status) = complete_status(&self.data) {
                let text = String::from_utf8_lossy(&self.data).into_owned();
                return Ok(TimedResponse { status, text, took: began.elapsed() });
            }
            if self.stream.read_buf(&mut self.data).await? == 0 {
                bail!("the server closed the connection");
            }
        }
    }
}

//! The built server under measurement, and a connection that asks it from an address of one's choice.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use auth_conformance::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Everybody's password.
pub const PASSWORD: &str = "correct-horse-battery-9876";

/// How many users there are, `user0` and so on.
pub const USERS: usize = 16;

/// Without limits, which would refuse most of what is sent; the rest as it is by default.
const CONFIG: &str = r#"
[server]
listen = ["127.0.0.1:@PORT@"]
[store]
url = "sqlite:@DIR@/auth.db"
[keys]
file = "@DIR@/keys.toml"
[limits]
shared = "off"
[log]
level = "warn"
[zulip]
realm = "main"
login_limit = "off"
api_limit = "off"
[rocketchat]
api_limit = "off"
block_by_user = "off"
block_by_address = "off"
[zettelstore]
login_delay = "0s"
[passwords]
"#;

/// Starts the server, with more lines in the section on passwords.
///
/// # Errors
/// When it doesn't start.
pub fn start(binary: &Path, passwords: &str) -> Result<Server> {
    let mut users = String::from("{\"kind\":\"realm\",\"realm\":\"main\",\"subdomain\":\"\"}\n");
    for number in 0..USERS {
        users.push_str(&format!(
            "{{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"user{number}\",\
             \"email\":\"user{number}@example.com\",\"email_verified\":true,\"password\":\"{PASSWORD}\"}}\n"
        ));
    }
    Server::start(binary, &format!("{CONFIG}{passwords}\n"), &users)
}

/// The release build, unless told otherwise.
#[must_use]
pub fn release_binary() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/auth-server")
}

/// A log-in at the Zulip protocol.
#[must_use]
pub fn zulip_log_in(user: usize, password: &str) -> Vec<u8> {
    let body = format!("username=user{}%40example.com&password={password}", user % USERS);
    form("/api/v1/fetch_api_key", &body)
}

/// A log-in at the Rocket.Chat protocol.
#[must_use]
pub fn rocketchat_log_in(user: usize, password: &str) -> Vec<u8> {
    form("/api/v1/login", &format!("user=user{}&password={password}", user % USERS))
}

/// A log-in at the Zettelstore protocol.
#[must_use]
pub fn zettelstore_log_in(user: usize, password: &str) -> Vec<u8> {
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

/// What the process has in memory, in KiB.
///
/// # Errors
/// When the system doesn't tell.
pub fn resident_kib(server: &Server) -> Result<u64> {
    process_memory_kib(server.pid().context("it doesn't run")?, "VmRSS:")
}

/// What the system says of a process's memory in a line that begins so, in KiB.
///
/// # Errors
/// When the system doesn't tell.
pub fn process_memory_kib(pid: u32, what: &'static str) -> Result<u64> {
    kib(&format!("/proc/{pid}/status"), what)
}

/// The machine's memory, in KiB.
///
/// # Errors
/// When the system doesn't tell.
pub fn memory_kib() -> Result<u64> {
    kib("/proc/meminfo", "MemTotal:")
}

fn kib(file: &str, what: &'static str) -> Result<u64> {
    let told = std::fs::read_to_string(file)?;
    let line = told.lines().find_map(|line| line.strip_prefix(what)).context(what)?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// A connection that is kept.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    data: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "programs read it")]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Head and body.
    pub text: String,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

impl Client {
    /// Connects from an address, which is this machine's like all that begin with 127.
    ///
    /// # Errors
    /// When no connection can be made.
    pub async fn connect(from: IpAddr, to: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        let stream = socket.connect(to).await.context("connecting")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, data: Vec::with_capacity(4096) })
    }

    /// Sends a request as it stands, and reads the answer.
    ///
    /// # Errors
    /// When the connection breaks.
    #[expect(clippy::disallowed_methods, reason = "it measures time")]
    pub async fn ask(&mut self, request: &[u8]) -> Result<Reply> {
        self.data.clear();
        let began = Instant::now();
        self.stream.write_all(request).await?;
        loop {
            if let Some(status) = whole(&self.data) {
                let text = String::from_utf8_lossy(&self.data).into_owned();
                return Ok(Reply { status, text, took: began.elapsed() });
            }
            if self.stream.read_buf(&mut self.data).await? == 0 {
                bail!("the server closed the connection");
            }
        }
    }
}

/// The status of an answer that is there to its last byte, as its `content-length` says.
fn whole(data: &[u8]) -> Option<u16> {
    let head = data.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text = std::str::from_utf8(data.get(..head)?).ok()?.to_lowercase();
    let length = text.split("\r\n").find_map(|line| line.strip_prefix("content-length:"))?;
    let length: usize = length.trim().parse().ok()?;
    (data.len() >= head + 4 + length).then(|| text.get(9..12)?.parse().ok())?
}

//! Several servers on one store: what they keep through crashes and failovers, and how soon one hears of what
//! another has revoked.

pub mod crash;
pub mod failover;
pub mod revocation;

mod load;

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::Server;
use crate::clock::Stopwatch;
use crate::http::{self, Request};

/// Everybody's password.
pub const PASSWORD: &str = "correct-horse-battery-9876";

/// How many users there are: `user0` and so on.
pub const USERS: usize = 48;

/// Servers on one store, with one key ring.
#[derive(Debug)]
pub struct Nodes {
    /// Each in a folder of its own; the first one's holds the key ring, and the store if it is a file.
    pub servers: Vec<Server>,
}

impl Nodes {
    /// Starts so many servers on the store of a URL, where `@DIR@` stands for the first one's folder; limits are off
    /// unless `more` switches them on.
    ///
    /// # Errors
    /// When one doesn't start, with what it said.
    pub fn start(binary: &Path, url: &str, count: usize, more: &str) -> Result<Self> {
        Self::with(binary, url, count, "", more)
    }

    /// The same with other keys in the section of the store.
    ///
    /// # Errors
    /// See [`Nodes::start`].
    pub fn with(binary: &Path, url: &str, count: usize, store: &str, more: &str) -> Result<Self> {
        let mut nodes = Self { servers: Vec::with_capacity(count) };
        for number in 0..count {
            let server = match nodes.servers.first() {
                None => Server::start(binary, &config(url, "@DIR@", store, more), &users())?,
                Some(first) => {
                    let folder = first.dir().display().to_string();
                    let config = config(&url.replace("@DIR@", &folder), &folder, store, more);
                    let mut server = Server::configured(binary, &config)?;
                    server.resume().with_context(|| format!("server {number}"))?;
                    server
                }
            };
            nodes.servers.push(server);
        }
        Ok(nodes)
    }

    /// Where they listen.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::address).collect()
    }

    /// The server of that number.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn server(&mut self, number: usize) -> Result<&mut Server> {
        self.servers.get_mut(number).context("a server of that number")
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    user: String,
    token: String,
}

impl Session {
    /// Logs a user in; `None` when the server answers anything else than a token.
    #[must_use]
    pub fn begin(address: SocketAddr, user: &str, password: &str) -> Option<Self> {
        let body = json!({"user": user, "password": password});
        let answer = http::send(address, &Request::new("POST", "/api/v1/login").json(&body)).ok()?;
        let answer = answer.json().filter(|_| answer.status == 200)?;
        let text = |name: &str| Some(answer.get("data")?.get(name)?.as_str()?.to_owned());
        Some(Self { user: text("userId")?, token: text("authToken")? })
    }

    /// What a server says to its token: 200, or 401 to one it doesn't know; 0 when it doesn't answer.
    #[must_use]
    pub fn status(&self, address: SocketAddr) -> u16 {
        let request = self.sign(Request::new("GET", "/api/v1/me"));
        http::send(address, &request).map_or(0, |answer| answer.status)
    }

    /// Logs out; whether that was acknowledged.
    #[must_use]
    pub fn end(&self, address: SocketAddr) -> bool {
        let request =
            self.sign(Request::new("POST", "/api/v1/logout").json(&Value::Object(serde_json::Map::new())));
        http::send(address, &request).is_ok_and(|answer| answer.status == 200)
    }

    fn sign(&self, request: Request) -> Request {
        request.header("X-Auth-Token", &self.token).header("X-User-Id", &self.user)
    }
}

/// Waits until something holds; gives how long that took.
///
/// # Errors
/// When it doesn't within the given time.
pub fn wait(what: &str, most: Duration, holds: impl Fn() -> bool) -> Result<Duration> {
    let watch = Stopwatch::start();
    while !holds() {
        if watch.elapsed() > most {
            bail!("{what}: not within {most:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(watch.elapsed())
}

/// Runs a command of a server's that must succeed.
fn command(server: &Server, arguments: &[&str], stdin: &str) -> Result<()> {
    let done = server.command(arguments, stdin)?;
    ensure!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

fn config(url: &str, keys: &str, store: &str, more: &str) -> String {
    format!(
        "[server]\nlisten = [\"127.0.0.1:@PORT@\"]\n[store]\nurl = \"{url}\"\n{store}\n\
         [keys]\nfile = \"{keys}/keys.toml\"\n[passwords]\nmemory_kib = 64\n\
         [rocketchat]\nmax_tokens = 1000000\napi_limit = \"off\"\nblock_by_user = \"off\"\n\
         block_by_address = \"off\"\n{}{more}\n",
        if more.contains("[limits]") { "" } else { "[limits]\nshared = \"off\"\n" }
    )
}

fn users() -> String {
    let user = |number: usize| {
        let user = json!({"kind": "user", "realm": "main", "username": format!("user{number}"),
            "email": format!("user{number}@example.org"), "password": PASSWORD});
        format!("{user}\n")
    };
    format!("{}\n", json!({"kind": "realm", "realm": "main", "subdomain": ""}))
        + &(0..USERS).map(user).collect::<String>()
}

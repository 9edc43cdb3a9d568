//! The servers of an experiment, and their users.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use crate::config::ServerConfig;
use crate::server::Server;

/// The password of every user.
pub const PASSWORD: &str = "correct-horse-battery-9876";

/// The number of users, who are named `user0` and so on.
pub const USERS: usize = 48;

/// Servers on one store, with one key ring.
#[derive(Debug)]
#[non_exhaustive]
pub struct Nodes {
    /// The servers, each with a folder of its own. The folder of the first holds the key ring, and the store if that is
    /// a file.
    pub servers: Vec<Server>,
}

impl Nodes {
    /// Starts `count` servers on the store at `url`, in which `@DIR@` stands for the folder of the first server.
    ///
    /// # Errors
    /// When a server does not start, with what it printed.
    pub fn start(binary: &Path, url: &str, count: usize, config: &ServerConfig) -> Result<Self> {
        let config = config.clone().set("store.url", url);
        let mut nodes = Self { servers: Vec::with_capacity(count) };
        for number in 0..count {
            let server = match nodes.servers.first() {
                None => Server::start(binary, &config, &users())?,
                Some(first) => {
                    let text = config.to_string().replace("@DIR@", &first.dir().to_string_lossy());
                    let mut server = Server::prepare(binary, &text)?;
                    server.serve().with_context(|| format!("server {number}"))?;
                    server
                }
            };
            nodes.servers.push(server);
        }
        Ok(nodes)
    }

    /// The addresses that the servers listen on.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::address).collect()
    }

    /// The server of that number.
    ///
    /// # Errors
    /// When there are not so many.
    pub fn server(&mut self, number: usize) -> Result<&mut Server> {
        self.servers.get_mut(number).with_context(|| format!("no server {number}"))
    }
}

/// The configuration of the servers: without limits, and with room for all tokens.
#[must_use]
pub fn config() -> ServerConfig {
    ServerConfig::for_tests().without_limits().set("rocketchat.max_tokens", 1_000_000)
}

/// The import lines of the realm and its users.
fn users() -> String {
    let user = |number: usize| {
        let user = json!({"kind": "user", "realm": "main", "username": format!("user{number}"),
            "email": format!("user{number}@example.org"), "password": PASSWORD});
        format!("{user}\n")
    };
    format!("{}\n", json!({"kind": "realm", "realm": "main", "subdomain": ""}))
        + &(0..USERS).map(user).collect::<String>()
}

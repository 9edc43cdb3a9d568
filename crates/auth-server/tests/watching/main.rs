//! What those who watch the built binary see: health, metrics, log lines, and both stages of its end.
#![cfg(test)]

mod banning;
mod events;
mod health;
mod metrics;
mod rules;
#[path = "../common/server.rs"]
mod server;
mod stopping;
#[cfg(feature = "otlp")]
mod traces;

use std::net::SocketAddr;

use auth_conformance::http::{self, Request, Response};
use auth_conformance::{Server, ServerConfig};
use serde_json::Value;

pub(crate) const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

/// A server, and the address at which it is watched.
pub(crate) struct Watched {
    pub(crate) server: Server,
    address: SocketAddr,
}

impl Watched {
    pub(crate) fn start(config: ServerConfig) -> Self {
        Self::with(config, USERS)
    }

    /// The same with other users.
    pub(crate) fn with(config: ServerConfig, users: &str) -> Self {
        let server = server::start(&config.set("metrics.listen", "127.0.0.1:0"), users);
        let line = server.wait_for_log("\"message\":\"metrics are served at /metrics\"").unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        let address = line["address"].as_str().unwrap().parse().unwrap();
        Self { server, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        http::send(self.address, &Request::new("GET", path)).unwrap()
    }

    /// Waits until a path is answered by a status: for as long as a watcher would.
    pub(crate) fn wait_for(&self, path: &str, status: u16) -> Response {
        let clock = auth_conformance::clock::Stopwatch::start();
        loop {
            let response = self.get(path);
            if response.status == status {
                return response;
            }
            assert!(clock.elapsed().as_secs() < 20, "{path}: {} {}", response.status, response.text());
            std::thread::yield_now();
        }
    }
}

pub(crate) fn config() -> ServerConfig {
    server::config().realm("main").set("zettelstore.login_delay", "0s")
}

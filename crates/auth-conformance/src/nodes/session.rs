//! A client's session at one of the servers.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;

use crate::clock::Stopwatch;
use crate::http::{self, Request};

/// A Rocket.Chat session, by its user id and token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    user: String,
    token: String,
}

impl Session {
    /// Logs a user in; `None` when the response holds no token.
    #[must_use]
    pub fn log_in(address: SocketAddr, user: &str, password: &str) -> Option<Self> {
        let body = json!({"user": user, "password": password});
        let response = http::send(address, &Request::new("POST", "/api/v1/login").json(&body)).ok()?;
        let json = response.json().filter(|_| response.status == 200)?;
        let text = |name: &str| Some(json.get("data")?.get(name)?.as_str()?.to_owned());
        Some(Self { user: text("userId")?, token: text("authToken")? })
    }

    /// The status of a server's response to a call with the token: 200, 401 when the server does not know the token, or
    /// 0 when it does not answer.
    #[must_use]
    pub fn status(&self, address: SocketAddr) -> u16 {
        let request = self.sign(Request::new("GET", "/api/v1/me"));
        http::send(address, &request).map_or(0, |response| response.status)
    }

    /// Logs out, and returns whether the server acknowledged it.
    #[must_use]
    pub fn log_out(&self, address: SocketAddr) -> bool {
        let request = self.sign(Request::new("POST", "/api/v1/logout").json(&json!({})));
        http::send(address, &request).is_ok_and(|response| response.status == 200)
    }

    fn sign(&self, request: Request) -> Request {
        request.header("X-Auth-Token", &self.token).header("X-User-Id", &self.user)
    }
}

/// Waits until a condition holds, and returns how long that took.
///
/// # Errors
/// When the condition does not hold within `timeout`; `what` names it in the message.
pub fn wait_until(what: &str, timeout: Duration, condition: impl Fn() -> bool) -> Result<Duration> {
    let watch = Stopwatch::start();
    while !condition() {
        if watch.elapsed() > timeout {
            bail!("{what}: not within {timeout:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(watch.elapsed())
}

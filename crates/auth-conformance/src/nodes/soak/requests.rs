//! Requests of honest and careless clients of the three protocols, and whether each answer has its protocol's form.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::answers::{self, Protocol};
use super::run::Run;
use crate::http::{self, Request, Response};
use crate::nodes::servers::{PASSWORD, USERS};

/// Client addresses of one thread: few, so that limits have something to refuse.
const ADDRESSES: u32 = 8;

/// Sends requests of all kinds until the run stops.
pub(super) fn send_until_stopped(run: &Run, address: SocketAddr, number: u32) {
    let mut client = Client { run, address, from: String::new(), user: String::new() };
    for round in 0_u32.. {
        if !run.goes_on() {
            return;
        }
        client.from = format!("198.51.100.{}", number * ADDRESSES + round % ADDRESSES);
        client.user = format!("user{}", (number + 7 * round) as usize % USERS);
        match round % 3 {
            0 => client.zulip(round),
            1 => client.rocketchat(round),
            _ => client.zettelstore(round),
        }
    }
}

struct Client<'a> {
    run: &'a Run,
    address: SocketAddr,
    /// The address that the proxy tells of the client.
    from: String,
    user: String,
}

impl Client<'_> {
    fn zulip(&self, round: u32) {
        let zulip = |request| self.send(Protocol::Zulip, request);
        zulip(Request::new("GET", "/api/v1/server_settings"));
        let password = if round.is_multiple_of(9) { "wrong" } else { PASSWORD };
        let form = format!("username={}%40example.org&password={password}", self.user);
        let login = zulip(Request::new("POST", "/api/v1/fetch_api_key").form(&form));
        let key = login
            .as_ref()
            .and_then(Response::json)
            .and_then(|body| Some(body.get("api_key")?.as_str()?.to_owned()));
        if let Some(key) = key {
            let email = format!("{}@example.org", self.user);
            zulip(Request::new("GET", "/api/v1/users/me").basic(&email, &key));
        }
        zulip(Request::new("GET", "/api/v1/users/me").basic("nobody@example.org", "x".repeat(32).as_str()));
        zulip(Request::new("POST", "/api/v1/fetch_api_key").form("username=%ff&%00=&password"));
    }

    fn rocketchat(&self, round: u32) {
        let rocketchat = |request| self.send(Protocol::RocketChat, request);
        let password = if round.is_multiple_of(7) { "wrong" } else { PASSWORD };
        let login = rocketchat(
            Request::new("POST", "/api/v1/login").json(&json!({"user": self.user, "password": password})),
        );
        let session = login.as_ref().and_then(Response::json).and_then(|body| {
            let text = |name: &str| Some(body.get("data")?.get(name)?.as_str()?.to_owned());
            Some((text("userId")?, text("authToken")?))
        });
        if let Some((id, token)) = session {
            let signed = |request: Request| request.header("X-Auth-Token", &token).header("X-User-Id", &id);
            rocketchat(signed(Request::new("GET", "/api/v1/me")));
            rocketchat(Request::new("POST", "/api/v1/login").json(&json!({"resume": token})));
            rocketchat(signed(Request::new("POST", "/api/v1/logout").json(&json!({}))));
        }
        rocketchat(Request::new("GET", "/api/v1/me").header("X-Auth-Token", "x").header("X-User-Id", "y"));
        rocketchat(Request { body: b"{\"user\":".to_vec(), ..Request::new("POST", "/api/v1/login") });
    }

    fn zettelstore(&self, round: u32) {
        let zettelstore = |request| self.send(Protocol::Zettelstore, request);
        let password = if round.is_multiple_of(8) { "wrong" } else { PASSWORD };
        let login = zettelstore(Request::new("POST", "/a").basic(&self.user, password));
        let text = login.as_ref().map(Response::text).unwrap_or_default();
        if let Some(token) = text.split('"').nth(3) {
            let bearer = |request: Request| request.header("Authorization", &format!("Bearer {token}"));
            zettelstore(bearer(Request::new("POST", "/x?cmd=authenticated")));
            zettelstore(bearer(Request::new("PUT", "/a")));
        }
        zettelstore(Request::new("PUT", "/a").header("Authorization", "Bearer x.y.z"));
    }

    /// Sends a request, and notes an answer that must not be.
    fn send(&self, protocol: Protocol, request: Request) -> Option<Response> {
        let run = self.run;
        // Asked before and after: an outage may begin or end in between.
        let before = run.may_be_unavailable();
        let request = request.header("X-Forwarded-For", &self.from);
        let what = format!("{} {}", request.method, request.path);
        let response = match http::send(self.address, &request) {
            Ok(response) => response,
            Err(error) => {
                run.fault(format!("{what}: {error:#}"));
                return None;
            }
        };
        run.answers.fetch_add(1, Ordering::Relaxed);
        if !answers::has_form(protocol, &response) {
            run.fault(format!("{what}: {} {:?}", response.status, response.text()));
        }
        if response.status >= 500 && !before && !run.may_be_unavailable() {
            run.fault(format!("{what}, without an outage: {} {:?}", response.status, response.text()));
        }
        Some(response)
    }
}

//! Clients of listeners, by curl.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use auth_conformance::ServerConfig;
use serde_json::{Value, json};

use crate::server;

pub(crate) const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
"#;

pub(crate) const SETTINGS: &str = "/api/v1/server_settings";

/// The configuration of a server with listeners beside the usual one.
pub(crate) fn config(listeners: &[Value]) -> ServerConfig {
    let mut all = vec![json!("127.0.0.1:@PORT@")];
    all.extend_from_slice(listeners);
    server::config().set("server.listen", all).set("web.url", "https://localhost:@PORT@")
}

/// What curl prints, which must succeed.
pub(crate) fn curl(arguments: &[&str]) -> String {
    let output =
        Command::new("curl").args(["--silent", "--show-error", "--include"]).args(arguments).output();
    let output = output.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {printed}{}", String::from_utf8_lossy(&output.stderr));
    printed
}

/// Sets the flag when it is dropped, also by a test that fails, so that the threads end that wait for it.
pub(crate) struct AtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks again and again, each time on a new connection, until told to stop; returns how many requests succeeded.
pub(crate) fn ask_until(stop: &AtomicBool, ask: impl Fn()) -> usize {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        ask();
        done += 1;
    }
    done
}

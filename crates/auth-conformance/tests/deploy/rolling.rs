//! Two servers on one PostgreSQL behind HAProxy are restarted one after the other, and no client notices.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use auth_conformance::certificates::write_certificates;
use auth_conformance::forward_proxy::ProxyKind;
use auth_conformance::front_proxy::FrontProxy;
use auth_conformance::http::{self, Request};
use auth_conformance::nodes::wait_until;
use auth_conformance::process::free_address;
use auth_conformance::{Server, ServerConfig, server_binary};
use serde_json::json;
use test_postgres::Cluster;

use crate::{PASSWORD, USERS, curl};

/// How long a server may take until it is asked again.
const BACK: Duration = Duration::from_secs(30);

/// Whether a server that has just started has answered clients.
fn is_asked(health: SocketAddr) -> bool {
    let metrics = http::send(health, &Request::new("GET", "/metrics"));
    metrics.is_ok_and(|metrics| metrics.text().contains("auth_server_requests_total{protocol=\"rocketchat\""))
}

fn start(url: &str, first: Option<&Server>) -> (Server, SocketAddr) {
    let health = free_address().unwrap();
    let config = ServerConfig::for_tests()
        .without_limits()
        .set("store.url", url)
        .set("server.listen", json!([{"address": "127.0.0.1:@PORT@", "proxy_protocol": true}]))
        .set("server.trusted_proxies", vec!["127.0.0.1"])
        // What deploy/haproxy/haproxy.cfg asks for.
        .set("server.drain_time", "3s")
        .set("metrics.listen", health.to_string());
    let binary = server_binary().unwrap();
    let server = match first {
        None => Server::start(&binary, &config, USERS).unwrap(),
        Some(first) => {
            let text = config.to_string().replace("@DIR@", &first.dir().to_string_lossy());
            let mut server = Server::prepare(&binary, &text).unwrap();
            server.serve().unwrap();
            server
        }
    };
    (server, health)
}

/// Sends logins and other requests until `stop` is set, over kept connections or over a new one for each request. Returns the
/// status of each answer.
fn ask(proxy: &FrontProxy, folder: &Path, kept: bool, stop: &AtomicBool) -> Vec<String> {
    let mut statuses = Vec::new();
    let connection: &[&str] = if kept { &[] } else { &["-H", "Connection: close"] };
    let login = json!({"user": "ada", "password": PASSWORD}).to_string();
    let wanted = [
        (vec!["-H", "Content-Type: application/json", "--data", &login], "/api/v1/login?[1-10]"),
        (vec![], "/api/v1/server_settings?[1-30]"),
    ];
    let http1: &[&str] = &["--http1.1"];
    let http2: &[&str] = &["--http2"];
    while !stop.load(Ordering::Relaxed) {
        for (options, path) in &wanted {
            let output = ["--output", "/dev/null", "--write-out", "%{http_code}\n"];
            let version = if kept { http2 } else { http1 };
            let options = [&output[..], version, connection, options].concat();
            let asked = curl(proxy, folder, &options, path).output().unwrap();
            let error = String::from_utf8_lossy(&asked.stderr);
            statuses.extend(String::from_utf8_lossy(&asked.stdout).lines().map(str::to_owned));
            if !asked.status.success() {
                statuses.push(format!("{error}"));
            }
        }
    }
    statuses
}

#[test]
fn two_servers_restart_one_after_the_other_and_no_request_fails() {
    let url = Cluster::shared().unwrap().database().unwrap();
    let (first, first_health) = start(&url, None);
    let (second, second_health) = start(&url, Some(&first));
    let folder = first.dir().join("front");
    fs::create_dir(&folder).unwrap();
    write_certificates(&folder).unwrap();
    let behind = [(first.address(), first_health), (second.address(), second_health)];
    let proxy = FrontProxy::start(ProxyKind::Haproxy, &behind, &folder).unwrap();
    let is_up = || curl(&proxy, &folder, &["--fail"], "/api/v1/server_settings").output().unwrap();
    wait_until("the proxy", BACK, || is_up().status.success()).unwrap();

    let stop = AtomicBool::new(false);
    let mut servers = [(first, first_health), (second, second_health)];
    let statuses: Vec<String> = thread::scope(|scope| {
        let asking: Vec<_> = [true, false]
            .map(|kept| {
                let (proxy, folder, stop) = (&proxy, &folder, &stop);
                scope.spawn(move || ask(proxy, folder, kept, stop))
            })
            .into_iter()
            .collect();
        let restarted = servers.iter_mut().try_for_each(|(server, health)| {
            server.stop()?;
            server.serve()?;
            wait_until("the server that was restarted", BACK, || is_asked(*health)).map(drop)
        });
        stop.store(true, Ordering::Relaxed);
        restarted.unwrap();
        asking.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let failed: Vec<_> = statuses.iter().filter(|status| *status != "200").collect();
    assert!(failed.is_empty(), "of {}: {failed:?}{}", statuses.len(), proxy.log());
    assert!(statuses.len() > 200, "{}", statuses.len());
}

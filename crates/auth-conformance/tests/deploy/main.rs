//! The configurations of proxies in `deploy/`, as they stand, before the server.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod rolling;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use auth_conformance::certificates::{HOST, write_certificates};
use auth_conformance::forward_proxy::ProxyKind;
use auth_conformance::front_proxy::FrontProxy;
use auth_conformance::http::{Request, Response};
use auth_conformance::process::free_address;
use auth_conformance::{Server, ServerConfig, server_binary};
use serde_json::{Value, json};
use tungstenite::Message;

const PASSWORD: &str = "correct horse battery";

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":"","name":"Main"}
{"kind":"user","realm":"main","username":"ada","email":"ada@example.org","full_name":"Ada","password":"correct horse battery"}
"#;

/// The address of clients. The proxies are at 127.0.0.1, which alone is trusted.
const CLIENT: &str = "127.0.0.66";

/// A proxy before a server.
struct Site {
    kind: ProxyKind,
    server: Server,
    folder: PathBuf,
    proxy: FrontProxy,
}

/// Asks a host through the TLS of a proxy, by curl.
fn curl(proxy: &FrontProxy, folder: &Path, options: &[&str], path: &str) -> Command {
    let port = proxy.address().port();
    let mut curl = Command::new("curl");
    curl.args(["-q", "-sS", "--max-time", "20", "--noproxy", "*", "--interface", CLIENT, "--cacert"]);
    curl.arg(folder.join("ca.pem")).args(["--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
    curl.args(options).arg(format!("https://{HOST}:{port}{path}"));
    curl
}

impl Site {
    fn start(kind: ProxyKind) -> Self {
        let health = free_address().unwrap();
        let listen = json!([{"address": "127.0.0.1:@PORT@", "proxy_protocol": kind == ProxyKind::Haproxy}]);
        let config = ServerConfig::for_tests()
            .set("server.listen", listen)
            .set("server.trusted_proxies", vec!["127.0.0.1"])
            .set("metrics.listen", health.to_string())
            .set("admin.socket", "@DIR@/admin.sock");
        let server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
        let folder = server.dir().join("front");
        fs::create_dir(&folder).unwrap();
        write_certificates(&folder).unwrap();
        let proxy = FrontProxy::start(kind, &[(server.address(), health)], &folder).unwrap();
        let site = Self { kind, server, folder, proxy };
        site.wait_until_ready();
        site
    }

    /// Traefik listens before it has read its routes, and HAProxy before it knows that the server is healthy.
    fn wait_until_ready(&self) {
        let mut error = String::new();
        let ready = (0..200).any(|_| {
            let asked = curl(&self.proxy, &self.folder, &["--fail"], "/api/v1/server_settings").output();
            let asked = asked.expect("curl");
            error = String::from_utf8_lossy(&asked.stderr).into_owned();
            asked.status.success()
        });
        assert!(ready, "{:?}: {error}{}{}", self.kind, self.proxy.log(), self.server.log());
    }

    fn ask(&self, options: &[&str], path: &str) -> Response {
        let options = [&["-i", "--http1.1", "-H", "Expect:"], options].concat();
        let output = curl(&self.proxy, &self.folder, &options, path).output().expect("curl");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} {path}: {error}{}", self.kind, self.proxy.log());
        Response::parse(&output.stdout)
    }

    /// The client of the newest attempt.
    fn client(&self) -> String {
        let arguments = ["attempts", "--json", "--last", "1", "--config", "@CONFIG@"];
        let printed = self.server.run(&arguments, "").unwrap();
        let row: Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
        row["client"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()
    }

    /// Logs in by Rocket.Chat's socket, through TLS.
    fn log_in_by_socket(&self) -> Value {
        let mut socket = self
            .proxy
            .open_socket(CLIENT.parse().unwrap(), "/websocket", &self.folder.join("ca.pem"))
            .unwrap();
        let login = json!({"msg": "method", "method": "login", "id": "1", "params": [{"user": {"username": "ada"},
            "password": PASSWORD}]});
        for text in [json!({"msg": "connect", "version": "1", "support": ["1"]}), login] {
            socket.send(Message::text(text.to_string())).unwrap();
        }
        loop {
            let message = socket.read().unwrap_or_else(|error| panic!("{:?}: {error}", self.kind));
            let Ok(value) = serde_json::from_str::<Value>(message.to_text().unwrap()) else { continue };
            if value["msg"] == "result" {
                return value;
            }
        }
    }
}

/// Everything that holds for each proxy.
fn holds(kind: ProxyKind) {
    let site = Site::start(kind);
    let path = "/api/v1/fetch_api_key";
    let form = |password: &str| format!("username=ada%40example.org&password={}", password.replace(' ', "+"));

    let wrong = site.ask(&["--data", &form("wrong")], path);
    assert_eq!(wrong.status, 401, "{kind:?}: {}", wrong.text());
    for lie in ["X-Forwarded-For: 203.0.113.1", "Forwarded: for=203.0.113.1", "X-Real-IP: 203.0.113.1"] {
        let answer = site.ask(&["-H", lie, "--data", &form(PASSWORD)], path);
        assert_eq!(answer.status, 200, "{kind:?}, {lie}: {}", answer.text());
        assert_eq!(site.client(), CLIENT, "{kind:?}, {lie}");
    }

    let login = site.log_in_by_socket();
    assert!(login["result"]["token"].is_string(), "{kind:?}: {login}");
    assert_eq!(site.client(), CLIENT, "{kind:?}, by socket");

    // A login of two million bytes is an ordinary refusal, as in the recorded one.
    let large = site.folder.join("large");
    fs::write(&large, form(&"x".repeat(2_000_000))).unwrap();
    let file = format!("@{}", large.display());
    let refused = site.ask(&["--data-binary", &file], path);
    assert_eq!((refused.status, refused.text()), (wrong.status, wrong.text()), "{kind:?}");

    if kind != ProxyKind::Haproxy {
        let direct = site.server.send(&Request::new("POST", path).form(&form("wrong"))).unwrap();
        assert_eq!((direct.status, direct.text()), (wrong.status, wrong.text()), "{kind:?}");
    }
}

#[test]
fn nginx_names_clients_and_passes_everything_on() {
    holds(ProxyKind::Nginx);
}

#[test]
fn caddy_of_debian_names_clients_and_passes_everything_on() {
    holds(ProxyKind::DebianCaddy);
}

#[test]
fn caddy_names_clients_and_passes_everything_on() {
    holds(ProxyKind::Caddy);
}

#[test]
fn traefik_names_clients_and_passes_everything_on() {
    holds(ProxyKind::Traefik);
}

#[test]
fn envoy_names_clients_and_passes_everything_on() {
    holds(ProxyKind::Envoy);
}

#[test]
fn haproxy_names_clients_by_the_proxy_protocol_and_passes_everything_on() {
    holds(ProxyKind::Haproxy);
}

//! Networks that are banned and allowed while the server runs.
#![cfg(test)]

use std::path::Path;
use std::process::Command;

use auth_conformance::http::{Request, Response};
use auth_conformance::{Server, ServerConfig};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
"#;

const PASSWORD: &str = "correct-horse-battery-9876";

/// The path of the built binary.
fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_auth-server"))
}

struct World {
    folder: tempfile::TempDir,
    server: Server,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("run/admin.sock");
        // With the limits that are shared.
        let config = ServerConfig::for_tests()
            .set("admin.socket", socket.to_str().unwrap())
            .set("server.trusted_proxies", vec!["127.0.0.1"])
            .set("web.url", "http://localhost:9")
            .set("zettelstore.login_delay", "0s");
        Self { server: Server::start(binary(), &config, USERS).unwrap(), folder }
    }

    fn limits(&self, arguments: &[&str]) -> String {
        let socket = self.folder.path().join("run/admin.sock");
        let output = Command::new(binary())
            .arg("limits")
            .args(arguments)
            .args(["--socket", socket.to_str().unwrap()])
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].concat();
        String::from_utf8(told).unwrap()
    }

    fn send(&self, request: &Request, from: &str) -> Response {
        self.server.send(&request.clone().header("X-Forwarded-For", from)).unwrap()
    }

    fn log_in(&self, password: &str, from: &str) -> u16 {
        let form = format!("username=iago%40zulip.com&password={password}");
        self.send(&Request::new("POST", "/api/v1/fetch_api_key").form(&form), from).status
    }
}

#[test]
fn nothing_from_a_banned_network_is_answered_but_in_the_form_of_each_protocol_that_it_is_banned() {
    let world = World::new();
    assert_eq!(world.log_in(PASSWORD, "198.51.100.7"), 200);
    assert_eq!(world.limits(&["ban", "198.51.100.9/24", "--until", "7d"]), "banned 198.51.100.0/24\n");
    for (request, told) in [
        (
            Request::new("GET", "/api/v1/server_settings"),
            "{\"result\":\"error\",\"msg\":\"Your network is banned\"",
        ),
        (
            Request::new("POST", "/api/v1/login")
                .json(&serde_json::json!({"user": "iago", "password": PASSWORD})),
            "{\"success\":false,\"error\":\"Your network is banned\"",
        ),
        (Request::new("POST", "/a").basic("iago", PASSWORD), "Forbidden: your network is banned"),
        (Request::new("GET", "/sign-in"), "Your network is banned"),
        (Request::new("GET", "/websocket"), "Your network is banned"),
    ] {
        let refused = world.send(&request, "198.51.100.7");
        let text = refused.text();
        assert_eq!(refused.status, 403, "{}: {text}", request.path);
        assert!(text.contains(told), "{}: {text}", request.path);
        assert_ne!(world.send(&request, "198.51.101.7").status, 403, "{}", request.path);
    }
    assert_eq!(world.limits(&["allow", "198.51.100.7"]), "allowed 198.51.100.7/32\n");
    assert_eq!(world.log_in(PASSWORD, "198.51.100.7"), 200, "the smaller network counts");
    assert_eq!(world.log_in(PASSWORD, "198.51.100.8"), 403);
    assert_eq!(world.limits(&["networks"]).lines().count(), 2);
    assert_eq!(world.limits(&["release", "198.51.100.0/24"]), "released\n");
    assert_eq!(world.log_in(PASSWORD, "198.51.100.8"), 200);
    let told = world.limits(&["release", "198.51.100.0/24"]);
    assert!(told.contains("neither banned nor allowed"), "{told}");
    let told = world.limits(&["ban", "0.0.0.0/0"]);
    assert!(told.contains("never all addresses"), "{told}");
}

#[test]
fn an_allowed_network_is_not_limited_as_one_client_but_by_its_accounts() {
    let world = World::new();
    let guess = |from: &str, name: &str| {
        let form = format!("username={name}%40zulip.com&password=wrong");
        world.send(&Request::new("POST", "/api/v1/fetch_api_key").form(&form), from).status
    };
    world.limits(&["allow", "203.0.113.0/24", "--note", "the office"]);
    for (from, is_limited) in [("203.0.113.7", false), ("198.51.100.7", true)] {
        let statuses: Vec<u16> = (0..150).map(|number| guess(from, &format!("user{number}"))).collect();
        assert_eq!(statuses.contains(&429), is_limited, "{from}");
    }
    let statuses: Vec<u16> = (0..12).map(|_| guess("203.0.113.8", "iago")).collect();
    assert!(statuses.contains(&429), "an account is limited as ever: {statuses:?}");
}

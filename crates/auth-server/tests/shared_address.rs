//! One address for all three protocols: whose a path is, what its slashes stand for, and what clients find there before they
//! log in.
#![cfg(test)]

#[path = "common/server.rs"]
mod server;

use auth_conformance::http::{Request, Response};
use auth_conformance::{Server, ServerConfig};
use serde_json::json;

const USERS: &str = r#"{"kind":"realm","realm":"main"}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","email_verified":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"due","must_change_password":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","email":"ada@example.org","email_verified":true,"full_name":"Ada Lovelace","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"unproved","email":"unproved@example.org","password":"correct-horse-battery-9876"}
"#;

const PASSWORD: &str = "correct-horse-battery-9876";

fn config() -> ServerConfig {
    server::config().without_limits().realm("main")
}

fn start(config: &ServerConfig) -> Server {
    server::start(config, USERS)
}

fn get(server: &Server, path: &str) -> Response {
    server.send(&Request::new("GET", path)).unwrap()
}

fn log_in(server: &Server, user: &str, password: &str) -> Response {
    server
        .send(&Request::new("POST", "/api/v1/login").json(&json!({"user": user, "password": password})))
        .unwrap()
}

/// A call by a user who logs in first.
fn call(server: &Server, login: &Response, request: Request) -> Response {
    let login = login.json().unwrap();
    let header = |name: &str| login["data"][name].as_str().unwrap().to_owned();
    let request = request.header("X-User-Id", &header("userId")).header("X-Auth-Token", &header("authToken"));
    server.send(&request).unwrap()
}

#[test]
fn runs_of_slashes_count_as_one_at_every_protocol() {
    let server = start(&config());
    let form = "username=iago%40zulip.com&password=correct-horse-battery-9876";
    for (request, status, told) in [
        (Request::new("GET", "//api/v1/server_settings"), 200, "zulip_version"),
        (Request::new("GET", "///api//v1/%2Fserver_settings"), 200, "zulip_version"),
        (Request::new("POST", "//api/v1/fetch_api_key").form(form), 200, "api_key"),
        (Request::new("GET", "//api/info"), 200, "minimumClientVersions"),
        (Request::new("GET", "//api/v1//settings.public?_id=Site_Url"), 200, "Site_Url"),
        (
            Request::new("POST", "/api//v1/login").json(&json!({"user": "iago", "password": PASSWORD})),
            200,
            "authToken",
        ),
        (Request::new("GET", "//websocket"), 426, "WebSocket"),
        (Request::new("GET", "//"), 200, "no web client"),
        // Zettelstore itself leads on, and keeps the query.
        (Request::new("POST", "//x?cmd=authenticated"), 301, ""),
    ] {
        let response = server.send(&request).unwrap();
        let path = &request.path;
        assert_eq!(response.status, status, "{path}: {}", response.text());
        assert!(response.text().contains(told), "{path}: {}", response.text());
        if status == 301 {
            assert_eq!(response.header("location"), Some("/x?cmd=authenticated"));
        }
    }
    // What the log and the limits see is the pattern of the merged path.
    let log = server::stop(server);
    assert!(log.contains(r#""route":"/api/v1/login""#), "{log}");
}

#[test]
fn exact_point_slashes_finds_nothing_behind_two() {
    let server =
        start(&config().set("zulip.exact", vec!["slashes"]).set("rocketchat.exact", vec!["slashes"]));
    for path in ["//api/v1/server_settings", "//api/info", "/api/v1//login"] {
        assert_eq!(get(&server, path).status, 404, "{path}");
    }
    assert_eq!(get(&server, "/api/v1/server_settings").status, 200);
}

#[test]
fn names_with_a_dot_are_rocketchats_and_others_below_api_are_zulips() {
    let server = start(&config());
    for (path, is_json) in [
        ("/api/v1/users.info?username=iago", true),
        ("/api/v1/channels.list", true),
        ("/api/v1/method.call/a/b", true),
        ("/api/v1/users/iago@zulip.com", false),
        ("/api/v1/messages", false),
    ] {
        let response = get(&server, path);
        assert_eq!(response.status, 404, "{path}");
        assert_eq!(response.json().is_some_and(|answer| answer["status"] == "error"), is_json, "{path}");
        assert_eq!(response.text().contains("<html"), !is_json, "{path}");
    }
}

#[test]
fn json_behind_a_byte_order_mark_is_read() {
    let server = start(&config());
    let mut request =
        Request::new("POST", "/api/v1/login").json(&json!({"user": "iago", "password": PASSWORD}));
    request.body.splice(0..0, [0xEF, 0xBB, 0xBF]);
    assert_eq!(server.send(&request).unwrap().status, 200);
}

#[test]
fn installation_has_a_name_that_stays_and_tells_the_version_of_its_configuration() {
    let mut server = start(&config().set("rocketchat.version", "9.1.2"));
    let name = |server: &Server| {
        let answer = get(server, "/api/v1/settings.public?_id=uniqueID").json().unwrap();
        answer["settings"][0]["value"].as_str().unwrap().to_owned()
    };
    let first = name(&server);
    assert_eq!(first.len(), 17);
    assert_eq!(get(&server, "/api/info").json().unwrap()["version"], "9.1");
    server.restart().unwrap();
    assert_eq!(name(&server), first);
    assert_ne!(name(&start(&config())), first, "another installation has another name");
}

#[test]
fn zettelstore_tells_its_version_before_a_login() {
    for (answer, version) in [("list", r#"(1 0 2 "" "")"#), ("json", r#"(0 11 0 "" "")"#)] {
        let server = start(&config().set("zettelstore.answer", answer));
        let response = get(&server, "/x");
        assert_eq!((response.status, response.text().as_str()), (200, version));
        assert_eq!(server.send(&Request::new("HEAD", "/x")).unwrap().status, 405);
    }
}

#[test]
fn account_without_a_user_name_chooses_one_and_has_the_other_calls_then() {
    let server = start(&config());
    let login = log_in(&server, "ada@example.org", PASSWORD);
    let make = || {
        Request::new("POST", "/api/v1/users.generatePersonalAccessToken").json(&json!({"tokenName": "bot"}))
    };
    assert_eq!(call(&server, &login, make()).status, 401);
    let suggested = call(&server, &login, Request::new("GET", "/api/v1/users.getUsernameSuggestion"));
    assert_eq!(suggested.text(), r#"{"result":"ada.lovelace","success":true}"#);
    let change = Request::new("POST", "/api/v1/users.updateOwnBasicInfo");
    let changed = call(&server, &login, change.json(&json!({"data": {"username": "ada.lovelace"}})));
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(changed.json().unwrap()["user"]["username"], "ada.lovelace");
    assert_eq!(call(&server, &login, make()).status, 200);
    assert_eq!(log_in(&server, "ada.lovelace", PASSWORD).status, 200);
}

#[test]
fn password_that_must_be_changed_is_changed_with_the_token_of_the_login() {
    let server = start(&config());
    let login = log_in(&server, "due", PASSWORD);
    assert_eq!(login.json().unwrap()["data"]["me"]["requirePasswordChange"], true);
    let change = Request::new("POST", "/api/v1/users.updateOwnBasicInfo");
    let changed =
        call(&server, &login, change.json(&json!({"data": {"newPassword": "another-horse-battery-1234"}})));
    assert_eq!(changed.status, 200, "{}", changed.text());
    let me = call(&server, &login, Request::new("GET", "/api/v1/me")).json().unwrap();
    assert_eq!(me.get("requirePasswordChange"), None, "{me}");
    assert_eq!(log_in(&server, "due", PASSWORD).status, 401);
    assert_eq!(log_in(&server, "due", "another-horse-battery-1234").status, 200);
}

#[test]
fn unverified_address_is_verified_by_a_command_and_the_account_logs_in() {
    let server = start(&config().set("rocketchat.email_verification", true));
    let refused = log_in(&server, "unproved", PASSWORD);
    assert_eq!(refused.json().unwrap()["error"], "error-invalid-email");
    let asked = Request::new("POST", "/api/v1/users.sendConfirmationEmail");
    let asked = server.send(&asked.json(&json!({"email": "unproved@example.org"}))).unwrap();
    assert_eq!(asked.text(), r#"{"success":true}"#);
    let verify = || server.run(&["user", "verify-email", "--config", "@CONFIG@", "unproved"], "").unwrap();
    assert_eq!((verify(), verify()), ("verified\n".to_owned(), "was verified already\n".to_owned()));
    assert_eq!(log_in(&server, "unproved", PASSWORD).status, 200);
    let due = server.command(&["user", "verify-email", "--config", "@CONFIG@", "due"], "").unwrap();
    assert!(String::from_utf8_lossy(&due.stderr).contains("the account has no e-mail address"));
}

#[test]
fn origins_of_the_configuration_may_call_from_a_browser() {
    let origin = "https://app.example.com";
    let server = start(&config().set("rocketchat.allowed_origins", vec![origin]));
    let preflight = |origin: &str| {
        let request = Request::new("OPTIONS", "/api/v1/login").header("Origin", origin);
        server.send(&request.header("Access-Control-Request-Method", "POST")).unwrap()
    };
    let allowed = preflight(origin);
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, Some(origin)));
    assert_eq!(preflight("https://evil.example").status, 403);
}

//! A second factor from end to end: enrolled by the calls that apps make, with codes of an independent program
//! (oathtool), required at every login, and removed again.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use auth_conformance::http::Request;
use auth_conformance::{Server, server_binary};
use serde_json::{Value, json};

const CONFIG: &str = include_str!("../data/fixtures/rocketchat.toml");
const USERS: &str = include_str!("../data/fixtures/rocketchat.jsonl");

/// The contract's fixture, without `exact`: the real server accepts a code twice.
fn start() -> Server {
    let config = CONFIG.replace("exact = true", "exact = false");
    Server::start(&server_binary().unwrap(), &config, USERS).unwrap()
}

/// The code of a secret at a time, in seconds from now.
fn oathtool(secret: &str, ahead: u32) -> String {
    let now = format!("now + {ahead} seconds");
    let output =
        Command::new("oathtool").args(["--totp", "--base32", "--now", &now, secret]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Logs in, and returns the status and the body of the response.
fn log_in(server: &Server, code: Option<&str>) -> (u16, Value) {
    let mut body = json!({"user": "myusername", "password": "mypassword"});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    let response = server.send(&Request::new("POST", "/api/v1/login").json(&body)).unwrap();
    (response.status, response.json().unwrap())
}

/// Makes a call with the token of a session, and returns the body of the response.
fn call(server: &Server, session: &Value, path: &str, body: &Value) -> Value {
    let (id, token) = (&session["data"]["userId"], &session["data"]["authToken"]);
    let request = Request::new("POST", &format!("/api/v1/{path}"))
        .header("X-User-Id", id.as_str().unwrap())
        .header("X-Auth-Token", token.as_str().unwrap())
        .json(body);
    server.send(&request).unwrap().json().unwrap()
}

#[test]
fn device_is_enrolled_over_rest_and_required_from_then_on() {
    let mut server = start();
    let (status, session) = log_in(&server, None);
    assert_eq!(status, 200, "{session}");
    let enrolment = call(&server, &session, "users.enableTotp", &json!({}));
    let secret = enrolment["secret"].as_str().unwrap_or_else(|| panic!("{enrolment}"));
    assert_eq!(log_in(&server, None).0, 200, "an unconfirmed device is not required");
    let confirmed = call(&server, &session, "users.validateTotp", &json!({"code": oathtool(secret, 0)}));
    let codes = confirmed["codes"].as_array().unwrap_or_else(|| panic!("{confirmed}"));
    assert_eq!(codes.len(), 12);

    let (status, asked) = log_in(&server, None);
    assert_eq!((status, &asked["error"]), (401, &json!("totp-required")), "{asked}");
    let (status, refused) = log_in(&server, Some("000000"));
    assert_eq!((status, &refused["error"]), (401, &json!("totp-invalid")), "{refused}");
    // The code that confirmed the device is used up, and a client may be up to a step ahead.
    let ahead = oathtool(secret, 30);
    assert_eq!(log_in(&server, Some(&ahead)).0, 200);
    assert_eq!(log_in(&server, Some(&ahead)).0, 401, "a code is valid once");
    let backup = codes[0].as_str().unwrap();
    let (status, session) = log_in(&server, Some(backup));
    assert_eq!(status, 200, "{session}");
    assert_eq!(log_in(&server, Some(backup)).0, 401, "a backup code is valid once");

    let code = codes[1].as_str().unwrap();
    let removed = call(&server, &session, "users.disableTotp", &json!({"code": code}));
    assert_eq!(removed["disabled"], true, "{removed}");
    assert_eq!(log_in(&server, None).0, 200);
    server.stop().unwrap();
}

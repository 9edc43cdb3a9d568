//! The curl commands of the three manuals, word for word except for the host, against `auth-server dev`; and those of the manual for tests.

#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use auth_conformance::{DevServer, server_binary};
use serde_json::Value;

/// Runs a command with the address in place of `HOST`, and returns what it prints.
fn curl(server: &DevServer, line: &str) -> String {
    let line = line.replace("HOST", &server.address().to_string());
    let output =
        Command::new("bash").args(["-c", &line]).env("NO_PROXY", "*").env("CURL_HOME", "/dev/null").output();
    let output = output.expect("bash and curl are needed: cargo xtask test installs them");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn zulip() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let answer = json(&curl(
        &server,
        "curl -sSX POST http://HOST/api/v1/fetch_api_key \
         --data-urlencode username=iago@zulip.com \
         --data-urlencode password=abcd1234",
    ));
    assert_eq!(answer["result"], "success", "{answer}");
    assert_eq!(answer["email"], "iago@zulip.com");
    assert_eq!(answer["user_id"], 5);
    assert_eq!(answer["api_key"].as_str().unwrap().len(), 32);
    let refused = json(&curl(
        &server,
        "curl -sSX POST http://HOST/api/v1/fetch_api_key \
         --data-urlencode username=iago@zulip.com --data-urlencode password=wrong",
    ));
    assert_eq!(refused["code"], "AUTHENTICATION_FAILED");
    server.stop().unwrap();
}

#[test]
fn rocketchat() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    for line in [
        r#"curl -s http://HOST/api/v1/login -d "user=myusername&password=mypassword""#,
        r#"curl -s http://HOST/api/v1/login -d "user=my@email.com&password=mypassword""#,
        r#"curl -s -H "Content-type:application/json" http://HOST/api/v1/login -d '{ "user": "myusername", "password": "mypassword" }'"#,
        r#"curl -s -H "Content-type:application/json" http://HOST/api/v1/login -d '{ "user": "my@email.com", "password": "mypassword" }'"#,
        r#"curl -s http://HOST/api/v1/login -d "user=myusername&password=mypassword&code=224610""#,
        r#"curl -s -H "Content-type:application/json" http://HOST/api/v1/login -d '{ "user": "myusername", "password": "mypassword", "code": "224610" }'"#,
    ] {
        let answer = json(&curl(&server, line));
        assert_eq!(answer["status"], "success", "{line}: {answer}");
        assert_eq!(answer["data"]["me"]["username"], "myusername");
        let (id, token) = (answer["data"]["userId"].as_str(), answer["data"]["authToken"].as_str());
        let me = json(&curl(
            &server,
            &format!(
                r#"curl -s -H "X-Auth-Token: {}" -H "X-User-Id: {}" http://HOST/api/v1/me"#,
                token.unwrap(),
                id.unwrap()
            ),
        ));
        assert_eq!(me["username"], "myusername", "{me}");
    }
    server.stop().unwrap();
}

#[test]
fn zettelstore() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    for line in [
        "curl -s -X POST -u IDENT:PASSWORD http://HOST/a",
        "curl -s -X POST http://IDENT:PASSWORD@HOST/a",
        "curl -s -X POST -d 'username=IDENT&password=PASSWORD' http://HOST/a",
    ] {
        let answer = json(&curl(&server, line));
        assert_eq!(answer["token_type"], "Bearer", "{line}: {answer}");
        assert_eq!(answer["access_token"], answer["token"]);
        let token = answer["token"].as_str().unwrap();
        let renewed =
            json(&curl(&server, &format!("curl -s -X PUT -H 'Authorization: Bearer {token}' http://HOST/a")));
        assert_eq!(renewed["token"], token, "a fresh token is returned again");
    }
    assert_eq!(curl(&server, "curl -s -X POST -u IDENT:wrong http://HOST/a"), "Authentication failed\n");
    server.stop().unwrap();
}

#[test]
fn lines_for_shells_in_the_manual_of_tests_print_the_link_in_a_mail_and_leave_no_server_behind() {
    let manual = include_str!("../../../docs/testing-clients.md");
    let (_, rest) = manual.split_once("```bash\n").unwrap();
    let (lines, _) = rest.split_once("```").unwrap();
    let binary = server_binary().unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let script = format!("PATH=\"$0:$PATH\"\n{lines}");
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).arg(binary.parent().unwrap());
    bash.env("TMPDIR", temporary.path()).env("NO_PROXY", "*");
    let output = bash.env("CURL_HOME", "/dev/null").output().expect("bash is needed");
    let told = String::from_utf8(output.stderr).unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.contains("/reset-password/"), "{printed}{told}");
    let is_gone = || fs::read_dir(temporary.path()).unwrap().next().is_none();
    for _ in 0..1000 {
        if is_gone() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the server does not end with the shell");
}

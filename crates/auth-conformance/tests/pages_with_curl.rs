//! `docs/pages-with-curl.sh`: every flow of the pages by curl alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use auth_conformance::http::Request;
use auth_conformance::pages::{NEW_PASSWORD, PASSWORD, USERS, config, site};
use auth_conformance::{Server, server_binary, totp};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pages-with-curl.sh");

/// Runs the script; returns the lines that it prints, or what it says went wrong.
fn run(server: &Server, browser: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
    let output = Command::new("bash")
        .arg(SCRIPT)
        .args(arguments)
        .env("SITE", site(server))
        .env("COOKIES", server.dir().join(browser))
        .env("NO_PROXY", "*")
        .env("CURL_HOME", "/dev/null")
        .output()
        .unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

#[test]
fn every_flow_of_the_pages_is_possible_with_curl_alone() {
    let mut server = Server::start(&server_binary().unwrap(), &config(), USERS).unwrap();
    let curl = |arguments: &[&str]| run(&server, "browser", arguments);
    let notes =
        |password: &str| server.send(&Request::new("POST", "/a").basic("ada", password)).unwrap().status;
    let refused = curl(&["sign-in", "ada", "wrong"]).unwrap_err();
    assert!(refused.contains("That name and password don’t match."), "{refused}");

    curl(&["sign-in", "ada", PASSWORD]).unwrap();
    assert_eq!(curl(&["sessions"]).unwrap(), ["Browser This session"]);
    run(&server, "other", &["sign-in", "ada", PASSWORD]).unwrap();
    assert_eq!(curl(&["sessions"]).unwrap(), ["Browser This session", "Browser"]);
    curl(&["end-others"]).unwrap();
    assert_eq!(curl(&["sessions"]).unwrap(), ["Browser This session"]);
    assert!(curl(&["change-password", "wrong", NEW_PASSWORD]).is_err());
    curl(&["change-password", PASSWORD, NEW_PASSWORD]).unwrap();
    assert_eq!((notes(PASSWORD), notes(NEW_PASSWORD)), (401, 200));

    let zuliprc = curl(&["zuliprc"]).unwrap();
    let key = zuliprc[2].strip_prefix("key=").unwrap();
    let me = Request::new("GET", "/api/v1/users/me").basic("ada@example.org", key);
    assert_eq!(server.send(&me).unwrap().status, 200, "{zuliprc:?}");

    let app_password = curl(&["app-password", "Notes", "zettelstore"]).unwrap().concat();
    assert_eq!(notes(&app_password), 200);
    curl(&["revoke-app-password", "Notes"]).unwrap();
    assert_eq!(notes(&app_password), 401);

    curl(&["change-details", "Ada Byron", "ada@new.example.org"]).unwrap();
    let link = server.mailed_link("ada@new.example.org", &[]).unwrap();
    curl(&["confirm-address", &link]).unwrap();
    let new = Request::new("GET", "/api/v1/users/me").basic("ada@new.example.org", key);
    assert_eq!(server.send(&new).unwrap().status, 200);
    assert_eq!(server.send(&me).unwrap().status, 401);

    let enrolled = curl(&["enrol"]).unwrap();
    assert_eq!(enrolled.len(), 13, "{enrolled:?}");
    curl(&["sign-out"]).unwrap();
    assert!(curl(&["sign-in", "ada", NEW_PASSWORD]).unwrap_err().contains("a code is asked for"));
    curl(&["sign-in", "ada", NEW_PASSWORD, &totp(&enrolled[0], 1).unwrap()]).unwrap();
    curl(&["mailed-codes"]).unwrap();

    curl(&["request-reset", "ada@new.example.org"]).unwrap();
    let link = server.mailed_link("ada@new.example.org", &[link]).unwrap();
    curl(&["reset", &link, PASSWORD]).unwrap();
    assert!(curl(&["reset", &link, NEW_PASSWORD]).is_err(), "a link is good once");
    curl(&["sign-in", "ada", PASSWORD, &enrolled[1]]).unwrap();
    server.stop().unwrap();
}

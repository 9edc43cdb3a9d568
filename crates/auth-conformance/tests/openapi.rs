//! The description of the Zulip protocol (`openapi.yaml` of auth-proto-zulip), checked against `auth-server dev` by
//! schemathesis: whatever it makes up from the description, the answer is one that is described.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::{DevServer, server_binary};

/// What a description can't say of Zulip: forms are checked beyond their schema (a user name is an address), a
/// few routes take any method, and of `User-Agent`, which schemathesis always sends, it can't see the lack.
const NOT_ZULIP: &str =
    "negative_data_rejection,positive_data_acceptance,missing_required_header,unsupported_method";

fn description() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth-proto-zulip/openapi.yaml");
    fs::read_to_string(file).unwrap()
}

/// Whether the server answers as described, and what schemathesis says of it. It asks in iago's name.
fn check(server: &DevServer, description: &str, more: &[&str]) -> (bool, String) {
    let log_in =
        Request::new("POST", "/api/v1/fetch_api_key").form("username=iago%40zulip.com&password=abcd1234");
    let answer = server.send(&log_in).unwrap().json().unwrap();
    let key = answer.pointer("/api_key").and_then(|key| key.as_str()).unwrap();
    let schemathesis = Client::installed("st").unwrap();
    let file = schemathesis.home().join("openapi.yaml");
    fs::write(&file, description).unwrap();
    let (file, url) = (file.to_string_lossy().into_owned(), format!("http://{}", server.address().unwrap()));
    let auth = format!("iago@zulip.com:{key}");
    let fixed = ["run", &file, "--url", &url, "--auth", &auth, "--checks", "all"];
    // The same on every run: seeded, and bounded in number, not by the clock.
    let bounds = ["--exclude-checks", NOT_ZULIP, "--seed", "1", "--max-examples", "30", "--no-color"];
    let arguments: Vec<&str> = fixed.iter().chain(&bounds).chain(more).copied().collect();
    let done = schemathesis.run(&arguments).unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    (done.status.success(), said)
}

#[test]
fn answers_are_as_described() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    // A new key ends the one that schemathesis holds: that call comes last, alone.
    for (which, operations) in [("--exclude-operation-id", 11), ("--include-operation-id", 1)] {
        let more = [which, "regenerateOwnApiKey", "--phases", "examples,coverage,fuzzing"];
        let (holds, said) = check(&server, &description(), &more);
        assert!(holds, "{said}");
        assert!(said.contains(&format!("Selected: {operations}/12")), "{said}");
    }
    server.stop().unwrap();
}

#[test]
fn an_answer_that_is_not_described_is_found() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    for (described, doctored) in [
        ("'200':\n          description: Logged in.", "'204':\n          description: Logged in."),
        ("required: [api_key, email, user_id]", "required: [api_key, email, user_id, name]"),
        ("user_id: {type: integer}\n            ignored", "user_id: {type: string}\n            ignored"),
    ] {
        let wrong = description().replacen(described, doctored, 1);
        assert_ne!(wrong, description(), "{described}");
        let only = ["--include-operation-id", "fetchApiKey", "--phases", "examples"];
        let (holds, said) = check(&server, &wrong, &only);
        assert!(!holds, "{doctored}: {said}");
        assert!(said.contains("Failures:"), "{said}");
    }
    server.stop().unwrap();
}

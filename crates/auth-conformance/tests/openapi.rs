//! The OpenAPI description of the Zulip protocol (`openapi.yaml` of auth-proto-zulip), checked against `auth-server
//! dev` by schemathesis: every request that it generates gets a response that is described.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::{DevServer, server_binary};

/// The checks that do not apply to Zulip: forms are validated beyond their schema (a user name is an address), a few
/// routes take any method, and schemathesis always sends a `User-Agent`.
const EXCLUDED_CHECKS: &str =
    "negative_data_rejection,positive_data_acceptance,missing_required_header,unsupported_method";

fn description() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth-proto-zulip/openapi.yaml");
    fs::read_to_string(file).unwrap()
}

/// Runs schemathesis as the user iago, and returns whether every response was as described, and its output.
fn check(server: &DevServer, description: &str, more: &[&str]) -> (bool, String) {
    let log_in =
        Request::new("POST", "/api/v1/fetch_api_key").form("username=iago%40zulip.com&password=abcd1234");
    let answer = server.send(&log_in).unwrap().json().unwrap();
    let key = answer.pointer("/api_key").and_then(|key| key.as_str()).unwrap();
    let schemathesis = Client::installed("st").unwrap();
    let file = schemathesis.home().join("openapi.yaml");
    fs::write(&file, description).unwrap();
    let (file, url) = (file.to_string_lossy().into_owned(), server.url());
    let auth = format!("iago@zulip.com:{key}");
    let fixed = ["run", &file, "--url", &url, "--auth", &auth, "--checks", "all"];
    // With a seed, and bounded by a number and not by time: the same on every run.
    let bounds = ["--exclude-checks", EXCLUDED_CHECKS, "--seed", "1", "--max-examples", "30", "--no-color"];
    let arguments: Vec<&str> = fixed.iter().chain(&bounds).chain(more).copied().collect();
    let output = schemathesis.run(&arguments).unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), format!("{stdout}{stderr}"))
}

#[test]
fn responses_are_as_described() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    // A new key revokes the one that schemathesis sends, so that this call comes last and alone.
    for (which, operations) in [("--exclude-operation-id", 11), ("--include-operation-id", 1)] {
        let more = [which, "regenerateOwnApiKey", "--phases", "examples,coverage,fuzzing"];
        let (holds, printed) = check(&server, &description(), &more);
        assert!(holds, "{printed}");
        assert!(printed.contains(&format!("Selected: {operations}/12")), "{printed}");
    }
    server.stop().unwrap();
}

#[test]
fn response_that_is_not_described_is_detected() {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    for (described, doctored) in [
        ("'200':\n          description: Logged in.", "'204':\n          description: Logged in."),
        ("required: [api_key, email, user_id]", "required: [api_key, email, user_id, name]"),
        ("user_id: {type: integer}\n            ignored", "user_id: {type: string}\n            ignored"),
    ] {
        let wrong = description().replacen(described, doctored, 1);
        assert_ne!(wrong, description(), "{described}");
        let only = ["--include-operation-id", "fetchApiKey", "--phases", "examples"];
        let (holds, printed) = check(&server, &wrong, &only);
        assert!(!holds, "{doctored}: {printed}");
        assert!(printed.contains("Failures:"), "{printed}");
    }
    server.stop().unwrap();
}

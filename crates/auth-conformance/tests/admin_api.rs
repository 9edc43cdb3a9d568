//! The HTTP API of operators, judged by programs of others: schemathesis checks that each response is as its OpenAPI document
//! describes it, and scim2-tester that the resources of `/scim/v2` behave as RFC 7643 and RFC 7644 demand.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::net::SocketAddr;

use auth_conformance::client::Client;
use auth_conformance::http::{Request, send};
use auth_conformance::process::free_address;
use auth_conformance::{Server, ServerConfig, server_binary};

const USERS: &str = r#"{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"correct-horse-battery-9876"}
"#;

/// What each response is checked for. That arguments are taken or refused as their schema says is not: names are judged beyond
/// it.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// What scim2-tester finds wrong, and what is meant so: a user keeps its `externalId`, and a group has none.
const KNOWN: [&str; 6] = [
    "GET /Resource/{id}: requested attribute 'externalId' missing from Group response",
    "GET /Resource: requested attribute 'externalId' missing from Group response",
    "PATCH modify() did not remove attribute 'externalId'",
    "PATCH modify() returned unexpected value for 'externalId'.",
    "PATCH modify() returned unexpected value for 'externalId'.",
    "POST /.search: requested attribute 'externalId' missing from Group response",
];

/// A server with a listener for programs, and a key for it: of the realm `main`, or of all.
fn start(realm: &[&str]) -> (Server, SocketAddr, String) {
    let address = free_address().unwrap();
    let config = ServerConfig::for_tests().without_limits();
    let config = config.set("admin.listen", address.to_string()).set("admin.socket", "off");
    let server = Server::start(&server_binary().unwrap(), &config, USERS).unwrap();
    let fixed = ["key", "add", "judge", "--scope", "admin", "--config", "@CONFIG@"];
    let line: Vec<&str> = fixed.iter().chain(realm).copied().collect();
    let output = server.command(&line, "").unwrap();
    assert!(output.status.success(), "{output:?}");
    let key = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
    (server, address, key)
}

fn description(address: SocketAddr, key: &str) -> String {
    let request = Request::new("GET", "/admin/v1/openapi.json");
    let answer = send(address, &request.header("authorization", &format!("Bearer {key}"))).unwrap();
    let mut document = answer.json().unwrap();
    // Schemathesis would send keys of its own making, and be told to wait.
    document.as_object_mut().unwrap().remove("security").unwrap();
    document.to_string()
}

/// Runs schemathesis; returns whether every response was as described, and what it printed.
fn check(address: SocketAddr, key: &str, description: &str, more: &[&str]) -> (bool, String) {
    let schemathesis = Client::installed("st").unwrap();
    let file = schemathesis.home().join("openapi.json");
    fs::write(&file, description).unwrap();
    let (file, url) = (file.to_string_lossy().into_owned(), format!("http://{address}"));
    let header = format!("Authorization: Bearer {key}");
    let fixed = ["run", &file, "--url", &url, "--header", &header, "--checks", CHECKS];
    let bounds = ["--seed", "1", "--max-examples", "10", "--no-color"];
    let arguments: Vec<&str> = fixed.iter().chain(&bounds).chain(more).copied().collect();
    let output = schemathesis.run(&arguments).unwrap();
    let printed = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.success(), printed.concat())
}

#[test]
fn responses_are_as_the_document_describes_them() {
    let (mut server, address, key) = start(&["--all-realms"]);
    let described = description(address, &key);
    let (holds, printed) = check(address, &key, &described, &["--phases", "examples,coverage,fuzzing"]);
    assert!(holds, "{printed}");
    server.stop().unwrap();
}

#[test]
fn response_that_the_document_does_not_describe_is_detected() {
    let (mut server, address, key) = start(&["--all-realms"]);
    let described = description(address, &key);
    let doctored = described.replace("\"password_login\"", "\"password_logins\"");
    assert_ne!(doctored, described);
    let only = ["--include-operation-id", "realm.list", "--phases", "examples,coverage,fuzzing"];
    let (holds, printed) = check(address, &key, &doctored, &only);
    assert!(!holds && printed.contains("password_logins"), "{printed}");
    server.stop().unwrap();
}

#[test]
fn resources_behave_as_the_standard_demands() {
    let (mut server, address, key) = start(&["--realm", "main"]);
    let tester = Client::installed("scim2").unwrap();
    let (url, header) = (format!("http://{address}/scim/v2"), format!("Authorization: Bearer {key}"));
    let output = tester.run(&["--url", &url, "--header", &header, "test", "--verbose"]).unwrap();
    let printed =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(printed.matches("SUCCESS ").count() > 40, "{printed}");
    // Each finding is a line with its check, and one with what was found.
    let mut found = Vec::new();
    let lines: Vec<&str> = printed.lines().collect();
    for (line, next) in lines.iter().zip(lines.iter().skip(1)) {
        if ["ERROR ", "CRITICAL "].iter().any(|word| line.starts_with(word)) {
            found.push(next.trim());
        }
    }
    found.sort_unstable();
    assert_eq!(found, KNOWN, "{printed}");
    server.stop().unwrap();
}

//! Bodies of forms, as Django reads them: Django from PyPI says what each holds, and the built server must have read the
//! same. A user is made for each body, whose password is the one that Django found; so a login shows what the server found.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use auth_conformance::client::Client;
use auth_conformance::http::{Request, Response};
use auth_conformance::{ExpectedFailures, Options, Report, Server, ServerConfig, server_binary};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

/// A body, of which Latin-1 letters are the bytes.
#[derive(Deserialize)]
struct Case {
    id: String,
    content_type: Option<String>,
    body: Vec<Piece>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Repeated { repeat: String, times: usize },
}

/// What Django makes of a body.
#[derive(Deserialize)]
struct Reading {
    status: u16,
    #[serde(default)]
    fields: Vec<(String, String)>,
}

impl Case {
    fn bytes(&self, user: &str) -> Vec<u8> {
        let text: String = self.body.iter().map(Piece::text).collect();
        text.replace("USER", user).chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect()
    }
}

impl Piece {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Repeated { repeat, times } => repeat.repeat(*times),
        }
    }
}

impl Reading {
    /// The value that counts: the last.
    fn last(&self, name: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// How the server's answer differs from that of a server that reads the body so.
    fn difference(&self, user: &str, response: &Response) -> Vec<String> {
        let answer = response.json().unwrap_or_default();
        let told = format!("{}: {:.200}", response.status, response.text());
        if self.status != 200 {
            // The bare page, in front of every route.
            let is_refused = response.status == 400 && answer.is_null();
            return if is_refused { Vec::new() } else { vec![format!("read, as {told}")] };
        }
        let password = self.last("password");
        if self.last("username") != Some(user) || password.is_none() {
            let is_missing = answer["code"] == "REQUEST_VARIABLE_MISSING";
            return if is_missing { Vec::new() } else { vec![format!("a field is found, as {told}")] };
        }
        if password == Some("") {
            let is_read = response.status >= 400 && answer["result"] == "error";
            return if is_read { Vec::new() } else { vec![told] };
        }
        if response.status != 200 {
            return vec![format!("another password is read than {password:?}, as {told}")];
        }
        let known = ["username", "password", "client"];
        let names: BTreeSet<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        let ignored: Vec<&str> = names.into_iter().filter(|name| !known.contains(name)).collect();
        let told = answer.get("ignored_parameters_unsupported").cloned().unwrap_or_else(|| json!([]));
        if told == json!(ignored) { Vec::new() } else { vec![format!("{told} instead of {ignored:?}")] }
    }
}

#[test]
fn server_reads_bodies_as_django_does_but_for_the_listed_departures() {
    let options = Options::new(server_binary().unwrap());
    let read = |name: &str| std::fs::read_to_string(options.data.join(name)).unwrap();
    let cases: Vec<Case> =
        read("django-bodies.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= 150, "only {} bodies", cases.len());
    let user = |number: usize| format!("case{number}@example.org");
    let bodies: Vec<_> = cases.iter().enumerate().map(|(number, case)| case.bytes(&user(number))).collect();

    let questions = cases.iter().zip(&bodies).map(|(case, body)| {
        json!({"content_type": case.content_type, "body": BASE64.encode(body)}).to_string() + "\n"
    });
    let told = Client::python("django_oracle.py").unwrap().answer(&questions.collect::<String>()).unwrap();
    let readings: Vec<Reading> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(readings.len(), cases.len());

    let mut users = json!({"kind": "realm", "realm": "main"}).to_string();
    for (number, reading) in readings.iter().enumerate() {
        if let Some(password) = reading.last("password").filter(|password| !password.is_empty()) {
            let email = user(number);
            let line: Value = json!({"kind": "user", "realm": "main", "email": email, "password": password});
            users += &format!("\n{line}");
        }
    }
    let config = ServerConfig::for_tests().without_limits().realm("main");
    let mut server = Server::start(&options.binary, &config, &users).unwrap();
    let mut report = Report::default();
    for (number, ((case, body), reading)) in cases.iter().zip(&bodies).zip(&readings).enumerate() {
        let mut request = Request::new("POST", "/api/v1/fetch_api_key");
        if let Some(content_type) = &case.content_type {
            request = request.header("Content-Type", content_type);
        }
        let response = server.send(&Request { body: body.clone(), ..request }).unwrap();
        report.add(&case.id, reading.difference(&user(number), &response));
    }
    server.stop().unwrap();
    let departures = ExpectedFailures::parse(&read("django-departures.txt")).unwrap();
    let surprises = report.surprises(&departures);
    assert!(surprises.is_empty(), "\n{surprises}");
}

//! Runs the transcripts of a real Zulip server (docs/contract/zulip-live.md).
//!
//! The requests are sent as they were recorded, and the responses compared to the byte, except for values that differ
//! from run to run.

use std::collections::BTreeMap;

use anyhow::Result;
use regex::Regex;
use serde_json::Value;

use crate::carried::Carried;
use crate::comparison::excerpt;
use crate::http::Response;
use crate::options::Options;
use crate::recorded::Transcript;
use crate::report::{Report, Verdict};
use crate::server::Server;
use crate::setup::{self, Setup};

/// Patterns of values that differ from run to run, each with the text that replaces it before bodies are compared.
const MASKS: &[(&str, &str)] = &[
    (r#""retry-after":[0-9.]+"#, r#""retry-after":0"#),
    (r"Try again in \d+ seconds", "Try again in 0 seconds"),
    (r#""max_message_id":-?\d+"#, r#""max_message_id":0"#),
    (r#""avatar_url":"[^"]*""#, r#""avatar_url":"""#),
    (r#""avatar_version":\d+"#, r#""avatar_version":1"#),
    (r#""date_joined":"[^"]*""#, r#""date_joined":"""#),
    (r#""full_name":"[^"]*""#, r#""full_name":"""#),
];

/// The value that differs in the response to a request for a new key.
const NEW_KEY: (&str, &str) = (r#""api_key":"[A-Za-z0-9]{32}""#, r#""api_key":"""#);

/// The compared headers of the server itself.
const SERVER_HEADERS: &[&str] = &[
    "content-type",
    "allow",
    "www-authenticate",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "cache-control",
    "location",
];

/// The compared headers that a proxy in front of the server adds.
pub(crate) const PROXY_HEADERS: &[&str] = &[
    "strict-transport-security",
    "x-frame-options",
    "x-content-type-options",
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
];

/// Runs the transcripts, grouped by the front that recorded them; `setups/zulip-live.toml` has a setup for each front.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let transcripts: Vec<Transcript> = options.read_lines("zulip-live.jsonl")?;
    let setups = setup::read(&options.data.join("setups/zulip-live.toml"))?;
    let mut report = Report::default();
    let mut groups: BTreeMap<Option<usize>, Vec<&Transcript>> = BTreeMap::new();
    for transcript in &transcripts {
        let index = setup::find(&setups, &transcript.id, &transcript.front);
        groups.entry(index).or_default().push(transcript);
    }
    for (index, group) in groups {
        if !group.iter().any(|transcript| options.selects(&transcript.id)) {
            continue;
        }
        match index.and_then(|index| setups.get(index)) {
            Some(setup) => run_group(options, setup, &transcripts, &group, &mut report)?,
            None => {
                for transcript in group.iter().filter(|transcript| options.selects(&transcript.id)) {
                    let reason = format!("no setup for front {}", transcript.front);
                    report.add(&transcript.id, Verdict::NotRun(reason));
                }
            }
        }
    }
    Ok(report)
}

fn run_group(
    options: &Options,
    setup: &Setup,
    all: &[Transcript],
    group: &[&Transcript],
    report: &mut Report,
) -> Result<()> {
    let config = options.configuration(setup)?;
    let users = options.users(setup, "zulip-live")?;
    let mut server = Server::start(&options.binary, &config, &users)?;
    if let Some(name) = &setup.proxy {
        server.start_proxy(&options.read(&format!("setups/{name}"))?)?;
    }
    let mut series = Series::default();
    let mut carried = Carried::default();
    for transcript in group {
        series.prepare(transcript, &mut server)?;
        let mut request = carried.apply(transcript.request.request());
        for (name, value) in &setup.request.headers {
            request = request.header(name, value);
        }
        let response = server.send(&request)?;
        carried.learn(transcript, &response);
        if options.selects(&transcript.id) {
            let expected = setup.answer_of.as_ref().map_or(Some(*transcript), |id| named(all, id));
            report.add(
                &transcript.id,
                match expected {
                    Some(expected) => differences(expected, &response, setup)?.into(),
                    None => {
                        Verdict::NotRun("the transcript whose response is expected is missing".to_owned())
                    }
                },
            );
        }
    }
    server.stop()
}

/// The position of the server in a numbered series of requests (`rl-wrong-3`). Only some requests of a series were
/// recorded; those in between are sent again.
#[derive(Debug, Default)]
struct Series {
    last: Option<(String, u32)>,
}

impl Series {
    /// Brings the server's rate limiters into the state that the transcript was recorded in: empty, or after the
    /// preceding requests of its series.
    fn prepare(&mut self, transcript: &Transcript, server: &mut Server) -> Result<()> {
        let numbered = Regex::new(r"^((?:ng-|np-|dev-)?rl(?:-.*?)?)-(\d+)$")?;
        let follows = Regex::new(r"^rl-(wrong-then|me-|reset)")?;
        let id = &transcript.id;
        if let Some((name, number)) = numbered.captures(id).and_then(|found| {
            Some((found.get(1)?.as_str().to_owned(), found.get(2)?.as_str().parse::<u32>().ok()?))
        }) {
            let before = match &self.last {
                Some((last, count)) if *last == name => *count,
                _ => {
                    server.restart()?;
                    0
                }
            };
            // Each request of this series was for another user.
            let repeats = if name == "rl-manyusers" { 0 } else { number.saturating_sub(before + 1) };
            for _ in 0..repeats {
                server.send(&transcript.request.request())?;
            }
            self.last = Some((name, number));
        } else if !follows.is_match(id) && transcript.response.header("x-ratelimit-limit").is_some() {
            server.restart()?;
        }
        Ok(())
    }
}

fn named<'a>(transcripts: &'a [Transcript], id: &str) -> Option<&'a Transcript> {
    transcripts.iter().find(|transcript| transcript.id == id)
}

fn differences(transcript: &Transcript, response: &Response, setup: &Setup) -> Result<Vec<String>> {
    let recorded = &transcript.response;
    let mut found = Vec::new();
    if response.status != recorded.status {
        found.push(format!("status {} instead of {}", response.status, recorded.status));
    }
    let proxy_headers = if setup.proxy.is_some() { PROXY_HEADERS } else { &[] };
    for name in SERVER_HEADERS.iter().chain(proxy_headers) {
        let (expected, actual) = (recorded.header(name), response.header(name));
        if expected != actual && !(*name == "cache-control" && expected.is_none()) {
            found.push(format!("{name}: {actual:?} instead of {expected:?}"));
        }
    }
    for name in ["retry-after", "x-ratelimit-reset"] {
        match (recorded.header(name), response.header(name)) {
            (Some(_), None) => found.push(format!("{name}: missing")),
            (None, Some(_)) => found.push(format!("{name}: surplus")),
            _ => {}
        }
    }
    if let Some(body) = &recorded.body {
        let is_html = recorded.header("content-type").is_some_and(|kind| kind.contains("text/html"));
        let is_page = is_html && !body.trim_start().starts_with('{');
        if !is_page && transcript.request.method != "HEAD" {
            let new_key = transcript.request.path.contains("/regenerate") && response.status == 200;
            let expected = masked(&sorted(body, &setup.unordered), new_key)?;
            let actual = masked(&sorted(&response.text(), &setup.unordered), new_key)?;
            if expected != actual {
                found.push(format!("body {:?} instead of {:?}", excerpt(&actual), excerpt(&expected)));
            }
        }
    }
    Ok(found)
}

/// The body with the lists at these JSON pointers sorted; unchanged where it has none of them.
fn sorted(body: &str, unordered: &[String]) -> String {
    let Ok(mut json) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    let mut found = false;
    for pointer in unordered {
        if let Some(list) = json.pointer_mut(pointer).and_then(Value::as_array_mut) {
            list.sort_by_key(Value::to_string);
            found = true;
        }
    }
    if found { json.to_string() } else { body.to_owned() }
}

/// The body with the values that differ from run to run replaced.
pub(crate) fn masked(body: &str, new_key: bool) -> Result<String> {
    let mut body = body.to_owned();
    for (pattern, replacement) in MASKS.iter().chain(new_key.then_some(&NEW_KEY)) {
        body = Regex::new(pattern)?.replace_all(&body, *replacement).into_owned();
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn transcript(status: u16, headers: &[(&str, &str)], body: &str) -> Transcript {
        let headers: Vec<Value> =
            headers.iter().map(|(name, value)| Value::from(vec![*name, *value])).collect();
        let request: Map<String, Value> = serde_json::from_str(
            r#"{"method":"POST","path":"/x","http_version":"HTTP/1.1","headers":[["A","b"]],"body":"ab","body_len":4}"#,
        )
        .unwrap();
        serde_json::from_value(serde_json::json!({
            "id": "x", "front": "app", "request": request,
            "response": {"status": status, "headers": headers, "body": body},
        }))
        .unwrap()
    }

    #[test]
    fn values_that_differ_from_run_to_run_are_not_compared() {
        let recorded =
            transcript(429, &[("Retry-After", "1.5"), ("Allow", "POST")], "{\"retry-after\":1.5,\"a\":1}\n");
        let check = |response: &[u8], count: usize| {
            let found = differences(&recorded, &Response::parse(response), &Setup::default()).unwrap();
            assert_eq!(found.len(), count, "{found:?}");
        };
        check(b"HTTP/1.1 429 X\r\nretry-after: 9\r\nallow: POST\r\n\r\n{\"retry-after\":9,\"a\":1}\n", 0);
        check(b"HTTP/1.1 429 X\r\nretry-after: 9\r\nallow: POST\r\n\r\n{\"retry-after\":9,\"a\":2}\n", 1);
        check(b"HTTP/1.1 429 X\r\nallow: GET\r\n\r\n{\"retry-after\":9,\"a\":1}\n", 2);
        check(b"HTTP/1.1 401 X\r\nretry-after: 9\r\nallow: POST\r\nlocation: /\r\n\r\n{\"retry-after\":9,\"a\":1}\n", 2);
    }
}

//! Transcripts of a real Zulip server, which auth-conformance keeps: the same requests must get the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use auth_core::{Answer, Exact, Timestamp};
use auth_proto_zulip::{Config, EXACT_POINTS};
use bytes::Bytes;
use data_encoding::BASE64;
use serde_json::Value;

use crate::server::{Server, body, header, request};
use crate::world::Ways;

const TRANSCRIPTS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../auth-conformance/data/zulip-live.jsonl"));

/// Records that this test leaves out, with the reason.
const LEFT_OUT: [(&str, &[&str]); 4] = [
    (
        "they need a key that an earlier record regenerated",
        &["me-old-key-after-regen", "me-new-key-after-regen", "fak-after-regen"],
    ),
    (
        "their answers are translated",
        &[
            "ss-lang-de",
            "fak-lang-de-wrong",
            "fak-lang-zh-deactivated",
            "me-lang-de",
            "me-lang-de-malformed",
            "rl-wrong-then-de",
        ],
    ),
    (
        "they need the session of a browser",
        &[
            "jfak-login",
            "jfak-ok",
            "jfak-wrong",
            "jfak-missing",
            "jfak-empty",
            "jfak-no-csrf",
            "jfak-bad-csrf",
            "jfak-extra",
        ],
    ),
    ("the listener refuses the body", &["fak-body-27m"]),
];

/// Headers of the HTTP server before Zulip, and of sessions, of which this server has none.
const HEADERS_OF_OTHERS: [&str; 3] = ["connection", "server", "set-cookie"];

const PRODUCTION_USERS: &str = include_str!("../data/live-users.jsonl");
const DEVELOPMENT_USERS: &str = include_str!("../data/dev-users.jsonl");

fn server(front: &str) -> Server {
    let production = Config {
        external_host: "zulip.example.org".into(),
        version: "11.0-dev+git".into(),
        feature_level: 372,
        exact: Exact::only(EXACT_POINTS),
        ..Config::default()
    };
    let with_assertions = Ways { assertions: Some("main"), ..Ways::default() };
    match front {
        "app" => Server::new(production, PRODUCTION_USERS, with_assertions),
        "app-nopw" => {
            Server::new(production, PRODUCTION_USERS, Ways { without_passwords: true, ..Ways::default() })
        }
        _ => {
            let development = Config {
                external_host: "zulipdev.com:9991".into(),
                url_scheme: "http".into(),
                realm_hosts: [("localhost:9991".to_owned(), "zulip".to_owned())].into(),
                development: true,
                ..production
            };
            Server::new(development, DEVELOPMENT_USERS, Ways { development: true, ..Ways::default() })
        }
    }
}

#[tokio::test]
async fn recorded_requests_get_the_recorded_bytes() {
    let mut series = (String::new(), 0_u32, server("app"));
    let (mut judged, mut wrong) = (0, Vec::new());
    for line in TRANSCRIPTS.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let id = record["id"].as_str().unwrap();
        // What nginx adds and refuses is not Zulip's.
        if record["front"] == "nginx" || LEFT_OUT.iter().any(|(_, ids)| ids.contains(&id)) {
            continue;
        }
        // A series starts with empty limits; what it leaves out is sent again; what follows it uses its state.
        let (name, number) = match id.rsplit_once('-') {
            Some((name, number)) if id.contains("rl-") && number.parse::<u32>().is_ok() => {
                (name, number.parse().unwrap())
            }
            _ => ("", 1),
        };
        let follows = name.is_empty() && id.starts_with("rl-");
        if !follows && (name.is_empty() || series.0 != name) {
            series = (name.to_owned(), 0, server(record["front"].as_str().unwrap()));
        }
        let asked = &record["request"];
        let recorded = Recorded::read(&record["response"]);
        series.2.set_clock(recorded.date());
        let repeats = if follows || name == "rl-manyusers" { 1 } else { number - series.1 };
        let mut answer = None;
        for _ in 0..repeats {
            answer = Some(series.2.send(as_request(asked)).await);
        }
        series.1 = if follows { series.1 } else { number };
        judged += 1;
        wrong.extend(recorded.differences(&answer.unwrap(), id));
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(judged, 258);
}

fn as_request(asked: &Value) -> http::Request<Bytes> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let headers: Vec<_> =
        asked["headers"].as_array().unwrap().iter().map(|h| (text(&h[0]), text(&h[1]))).collect();
    let body = match asked["body_b64"].as_str() {
        Some(encoded) => BASE64.decode(encoded.as_bytes()).unwrap(),
        None => text(&asked["body"]).into_bytes(),
    };
    let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    request(&text(&asked["method"]), &text(&asked["path"]), headers, body)
}

/// The recorded answer.
struct Recorded {
    status: u64,
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

impl Recorded {
    fn read(response: &Value) -> Self {
        let header =
            |pair: &Value| (pair[0].as_str().unwrap().to_lowercase(), pair[1].as_str().unwrap().to_owned());
        Self {
            status: response["status"].as_u64().unwrap(),
            headers: (response["headers"].as_array().unwrap().iter().map(header))
                .filter(|(name, _)| !HEADERS_OF_OTHERS.contains(&name.as_str()))
                .collect(),
            body: response["body"].as_str().map(str::to_owned),
        }
    }

    /// The moment of the answer. All records are of one day.
    fn date(&self) -> Timestamp {
        const MIDNIGHT: i64 = 1_795_305_600;
        let time = self.headers["date"].strip_prefix("Sun, 22 Nov 2026 ").unwrap();
        let parts: Vec<i64> = time[..8].split(':').map(|part| part.parse().unwrap()).collect();
        Timestamp::from_secs(MIDNIGHT + parts[0] * 3600 + parts[1] * 60 + parts[2])
    }

    fn differences(&self, answer: &Answer, id: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        if u64::from(answer.response.status().as_u16()) != self.status {
            wrong.push(format!("{id}: status {} instead of {}", answer.response.status(), self.status));
        }
        // This server's pages have texts of their own, so that their length differs; so does that of masked bodies.
        let is_page = self.body.is_none();
        let is_masked = self.body.as_deref().is_some_and(|body| mask(body) != body) || is_page;
        // The real server opened a session there.
        let with_session = self.headers.get("vary").is_some_and(|vary| vary.starts_with("Cookie,"));
        let names = self.headers.keys().map(String::as_str);
        let all = names.chain(answer.response.headers().keys().map(http::HeaderName::as_str));
        for name in all.collect::<BTreeSet<_>>() {
            let (want, got) = (self.headers.get(name).map(String::as_str), header(answer, name));
            let same = match name {
                "date" => true,
                "content-length" if is_masked || want.is_none() || self.body.as_deref() == Some("") => {
                    got.is_some() || want.is_none()
                }
                "retry-after" => want.is_some() == got.is_some(),
                "vary" if with_session => true,
                "x-ratelimit-reset" => match (want, got) {
                    (Some(want), Some(got)) => {
                        want.parse::<i64>().unwrap().abs_diff(got.parse().unwrap()) <= 1
                    }
                    (want, got) => want == got,
                },
                _ => want == got,
            };
            if !same {
                wrong.push(format!("{id}: {name}: {got:?} instead of {want:?}"));
            }
        }
        if let Some(want) = &self.body
            && mask(want) != mask(body(answer))
        {
            wrong.push(format!("{id}: body {:?} instead of {want:?}", body(answer)));
        }
        wrong
    }
}

/// Replaces values that differ from run to run or that this server chooses itself.
fn mask(body: &str) -> String {
    let mut body = body.to_owned();
    for key in ["retry-after", "avatar_url", "max_message_id"] {
        let start = format!("\"{key}\":");
        if let Some(at) = body.find(&start) {
            let from = at + start.len();
            let length = body[from..].find([',', '}']).unwrap();
            body.replace_range(from..from + length, "0");
        }
    }
    body
}

//! The cases of auth-conformance that need no store: `cases.txt` names them.

use std::sync::Arc;

use auth_core::{Exact, PasswordPolicy};
use auth_proto_rocketchat::{Config, EXACT_POINTS};
use serde_json::Value;

use crate::fixture;
use crate::support::{ask, config, header, request, services, text};

const CASES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../auth-conformance/data/rocketchat-cases.jsonl"));

/// Replaces `{{token.USER}}` and its like.
fn fill(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap();
        filled.push_str(before);
        filled.push_str(&match name.split('.').collect::<Vec<_>>()[..] {
            ["id", user] => fixture::id(user),
            ["token", user] => fixture::token(user),
            ["totp", ..] => "123456".into(),
            ["backup", ..] => "aBcD2345".into(),
            ["mailcode", ..] => "654321".into(),
            _ => panic!("{name}"),
        });
        rest = after;
    }
    filled + rest
}

/// The first difference between the wanted value and the one that came, in words.
fn difference(want: &Value, got: Option<&Value>, exact: bool, at: &str) -> Option<String> {
    let differs = |got: Option<&Value>| Some(format!("{at}: {got:?} instead of {want}"));
    if want == "<absent>" {
        return got.and_then(|_| differs(got));
    }
    let Some(found) = got else { return differs(None) };
    match (want, found) {
        (Value::String(text), _) if text.starts_with('<') => {
            let fits = match text.as_str() {
                "<string>" => found.is_string(),
                "<object>" => found.is_object(),
                "<iso-date>" => found.as_str().is_some_and(|date| date.len() == 24 && date.ends_with('Z')),
                "<re:^[A-Za-z0-9_-]{43}$>" => found.as_str().is_some_and(|token| {
                    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
                    token.len() == 43 && token.bytes().all(allowed)
                }),
                _ => panic!("{text}"),
            };
            if fits { None } else { differs(got) }
        }
        (Value::Object(wanted), Value::Object(entries)) => {
            let surplus = entries.keys().find(|key| exact && !wanted.contains_key(*key));
            surplus.map(|key| format!("{at}: surplus {key}")).or_else(|| {
                wanted
                    .iter()
                    .find_map(|(key, want)| difference(want, entries.get(key), exact, &format!("{at}.{key}")))
            })
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => {
            wanted.iter().zip(found).find_map(|(want, found)| difference(want, Some(found), exact, at))
        }
        _ => (want != found).then(|| differs(got)).flatten(),
    }
}

#[tokio::test]
async fn every_case_that_needs_no_store_holds() {
    let mut judged = 0;
    let selected: Vec<&str> = include_str!("cases.txt").lines().collect();
    for line in CASES.lines() {
        let id = serde_json::from_str::<Value>(line).unwrap()["id"].clone();
        if !selected.iter().any(|selected| id == *selected) {
            continue;
        }
        let case: Value = serde_json::from_str(&fill(line)).unwrap();
        let (name, asked, expected) = (&case["id"], &case["request"], &case["expect"]);
        let headers: Vec<_> = asked["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let body = match &asked["body"] {
            Value::Null => String::new(),
            Value::String(body) => body.clone(),
            body => body.to_string(),
        };
        let policy = case["given"].as_str().unwrap().starts_with("policy enabled");
        let config = Config {
            exact: Exact::only(EXACT_POINTS),
            password_policy: policy.then(PasswordPolicy::default),
            ..config()
        };
        let (method, path) = (asked["method"].as_str().unwrap(), asked["path"].as_str().unwrap());
        let response = ask(config, Arc::new(services()), request(method, path, &headers, body)).await;

        assert_eq!(Value::from(response.status().as_u16()), expected["status"], "{name}");
        for (wanted, value) in expected["headers"].as_object().into_iter().flatten() {
            let found = header(&response, wanted).map(Value::from);
            assert_eq!(difference(value, found.as_ref(), true, wanted), None, "{name}");
        }
        if let Some(want) = expected.get("json") {
            let got: Value = serde_json::from_slice(response.body()).unwrap();
            let exact = expected["match"] == "exact";
            assert_eq!(difference(want, Some(&got), exact, "$"), None, "{name}: {}", text(&response));
        }
        judged += 1;
    }
    assert_eq!(judged, 67);
}

#[test]
fn judging_sees_every_kind_of_difference() {
    use serde_json::json;
    for (want, got, exact) in [
        (json!({"a": 1}), json!({}), false),
        (json!({"a": 1}), json!({"a": 2}), false),
        (json!({"a": "<absent>"}), json!({"a": 2}), false),
        (json!({"a": "<string>"}), json!({"a": 2}), false),
        (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), true),
        (json!([1]), json!([]), false),
        (json!(1), json!("1"), false),
    ] {
        assert!(difference(&want, Some(&got), exact, "$").is_some(), "{want} {got}");
    }
    assert_eq!(
        difference(&json!({"a": {"b": "<string>"}}), Some(&json!({"a": {"b": "x"}})), true, "$"),
        None
    );
}

//! Compares a response with what a case expects, and describes every difference.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use regex::Regex;
use serde_json::{Map, Value};

use crate::html::Page;
use crate::http::Response;
use crate::issued_token::{IssuedToken, read_list};

/// The keys that an expectation may have. Any other key is a difference, so that nothing goes unchecked.
const KNOWN_KEYS: &[&str] = &[
    "status",
    "headers",
    "json",
    "json_exact",
    "body_exact",
    "absent",
    "note",
    "match",
    "token_key",
    "token_claims",
    "token_list",
    "min_ms",
    "max_ms",
    "text",
    "text_regex",
    "title",
    "contains",
    "doc_status",
    "same_token",
    "expires_in_range",
];

/// How strictly responses are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strictness {
    /// Whether JSON keys beyond the expected ones are differences.
    pub(crate) exact: bool,
    /// The factor by which expected upper bounds of time are multiplied.
    pub(crate) patience: f64,
}

/// Compares a response with the expectation of a case, and returns the differences. `sent_token` is the token that the
/// request carried.
#[must_use]
pub(crate) fn compare(
    expect: &Value,
    strictness: Strictness,
    response: &Response,
    sent_token: Option<&str>,
) -> Vec<String> {
    let mut differences = Vec::new();
    for key in expect.as_object().into_iter().flat_map(|object| object.keys()) {
        if !KNOWN_KEYS.contains(&key.as_str()) {
            differences.push(format!("unknown key {key} in the expectation"));
        }
    }
    let recorded = expect.get("status").and_then(Value::as_u64).unwrap_or(0);
    let status = expect.get("doc_status").and_then(Value::as_u64).unwrap_or(recorded);
    if u64::from(response.status) != status {
        differences.push(format!("status {} instead of {status}", response.status));
    }
    if status == recorded {
        for (name, expected) in expect.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let actual = response.header(&name.to_lowercase());
            if !(actual.is_none() && is_text(expected, "<absent>")) {
                differences.extend(difference(
                    expected,
                    &actual.map_or(Value::Null, Value::from),
                    true,
                    name,
                ));
            }
        }
    }
    if expect.get("doc_status").is_some() {
        return differences;
    }
    compare_body(expect, strictness.exact, response, &mut differences);
    compare_token(expect, response, sent_token, &mut differences);
    compare_time(expect, strictness.patience, response.took, &mut differences);
    differences
}

fn compare_body(expect: &Value, exact: bool, response: &Response, differences: &mut Vec<String>) {
    let text = response.text();
    for key in ["body_exact", "text"] {
        if let Some(expected) = expect.get(key).and_then(Value::as_str)
            && expected != text
        {
            differences.push(format!("body {:?} instead of {:?}", excerpt(&text), excerpt(expected)));
        }
    }
    if let Some(pattern) = expect.get("text_regex").and_then(Value::as_str)
        && !matches(pattern, &text)
    {
        differences.push(format!("body {:?} does not match {pattern}", excerpt(&text)));
    }
    if expect.get("title").is_some() || expect.get("contains").is_some() {
        compare_page(expect, &Page::parse(&text), differences);
    }
    let json = response.json().unwrap_or(Value::Null);
    if let Some(expected) = expect.get("json").filter(|expected| !expected.is_null()) {
        differences.extend(difference(expected, &json, exact, "$"));
    }
    for key in expect.get("absent").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        if json.get(key).is_some() {
            differences.push(format!("{key}: must be absent"));
        }
    }
}

fn compare_page(expect: &Value, page: &Page, differences: &mut Vec<String>) {
    if let Some(title) = expect.get("title").and_then(Value::as_str)
        && page.title.as_deref() != Some(title)
    {
        differences.push(format!("title {:?} instead of {title:?}", page.title));
    }
    for part in texts(expect.get("contains")) {
        if !page.text.contains(part) {
            differences.push(format!("the page does not say {part:?}"));
        }
    }
}

/// A text, or the texts of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    value.and_then(Value::as_str).into_iter().chain(list.iter().filter_map(Value::as_str))
}

fn compare_token(
    expect: &Value,
    response: &Response,
    sent_token: Option<&str>,
    differences: &mut Vec<String>,
) {
    let IssuedToken { token, expires_in } = IssuedToken::read(response);
    let token = token.unwrap_or_default();
    if let Some(names) = expect.get("token_key").and_then(Value::as_array) {
        let json = response.json().unwrap_or(Value::Null);
        let found: Vec<_> = names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| json.get(name).and_then(Value::as_str))
            .collect();
        if found.iter().any(|one| one.is_none_or(str::is_empty) || Some(one) != found.first()) {
            differences.push(format!("not the same token under {names:?}"));
        } else if let Some(expected) = expect.get("token_claims") {
            let claims =
                token.split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
            match claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
                Some(claims) => differences.extend(difference(expected, &claims, false, "claims")),
                None => differences.push("not a JSON web token".to_owned()),
            }
        }
    }
    if let Some(same) = expect.get("same_token").and_then(Value::as_bool)
        && (Some(token.as_str()) == sent_token) != same
    {
        differences
            .push(if same { "the same token was expected" } else { "a new token was expected" }.to_owned());
    }
    if let Some(range) = expect.get("expires_in_range").and_then(Value::as_array) {
        let bound = |at: usize| range.get(at).and_then(Value::as_i64).unwrap_or(i64::MIN);
        if !expires_in.is_some_and(|seconds| (bound(0)..=bound(1)).contains(&seconds)) {
            differences.push(format!("expires_in {expires_in:?} is not in {}..{}", bound(0), bound(1)));
        }
    }
    if let Some(expected) = expect.get("token_list") {
        let list = token.split('.').next().and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
        let list = list.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let actual = read_list(&list).map_or(Value::Null, |(kind, user, zid)| {
            Value::from(vec![Value::from(kind), Value::from(user), Value::from(zid)])
        });
        differences.extend(difference(expected, &actual, true, "token"));
    }
}

fn compare_time(expect: &Value, patience: f64, took: Duration, differences: &mut Vec<String>) {
    let bound = |key: &str| expect.get(key).and_then(Value::as_f64);
    let ms = took.as_secs_f64() * 1000.0;
    if let Some(least) = bound("min_ms").filter(|least| ms < *least) {
        differences.push(format!("{ms:.0} ms, below {least}"));
    }
    if let Some(most) = bound("max_ms").filter(|most| ms > most * patience) {
        differences.push(format!("{ms:.0} ms, above {most}"));
    }
}

/// Returns the first difference between an expected JSON value, which may hold placeholders, and an actual one; `None`
/// when they match. With `exact`, unexpected keys are differences. `at` names the place in the message.
#[must_use]
pub(crate) fn difference(expected: &Value, actual: &Value, exact: bool, at: &str) -> Option<String> {
    match (expected, actual) {
        (Value::String(text), _) => text_difference(text, actual, at),
        (Value::Object(expected), Value::Object(actual)) => member_difference(expected, actual, exact, at),
        (Value::Object(_), _) => Some(format!("{at}: {actual} is no object")),
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            expected.iter().zip(actual).enumerate().find_map(|(index, (expected, actual))| {
                difference(expected, actual, exact, &format!("{at}[{index}]"))
            })
        }
        _ => (expected != actual).then(|| format!("{at}: {actual} instead of {expected}")),
    }
}

fn member_difference(
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
    exact: bool,
    at: &str,
) -> Option<String> {
    for (key, expected) in expected {
        match actual.get(key) {
            Some(_) if is_text(expected, "<absent>") => return Some(format!("{at}.{key}: must be absent")),
            None if is_text(expected, "<absent>") => {}
            None => return Some(format!("{at}.{key}: missing")),
            Some(actual) => {
                let found = difference(expected, actual, exact, &format!("{at}.{key}"));
                if found.is_some() {
                    return found;
                }
            }
        }
    }
    let surplus: Vec<_> = actual.keys().filter(|key| exact && !expected.contains_key(*key)).collect();
    (!surplus.is_empty()).then(|| format!("{at}: surplus {surplus:?}"))
}

fn text_difference(expected: &str, actual: &Value, at: &str) -> Option<String> {
    let placeholder = |holds: bool| (!holds).then(|| format!("{at}: {actual} is not {expected}"));
    match expected {
        "<absent>" => Some(format!("{at}: must be absent")),
        "<string>" => placeholder(actual.is_string()),
        "<object>" => placeholder(actual.is_object()),
        "<bool>" => placeholder(actual.is_boolean()),
        "<iso-date>" => placeholder(actual.as_str().is_some_and(|text| matches(r"^\d{4}-\d\d-\d\dT", text))),
        _ if expected.starts_with("<array") => placeholder(actual.is_array()),
        _ if expected.starts_with("<float") => {
            placeholder(actual.as_f64().is_some_and(|number| number > 0.0 && number <= 1800.0))
        }
        _ if expected.starts_with("<json:") => {
            placeholder(actual.as_str().is_some_and(|text| serde_json::from_str::<Value>(text).is_ok()))
        }
        _ => match expected.strip_prefix("<re:").and_then(|pattern| pattern.strip_suffix('>')) {
            Some(pattern) => {
                let text = match actual {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return placeholder(false),
                };
                (!matches(pattern, &text)).then(|| format!("{at}: {text:?} does not match {pattern}"))
            }
            None => {
                (actual.as_str() != Some(expected)).then(|| format!("{at}: {actual} instead of {expected:?}"))
            }
        },
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    value.as_str() == Some(text)
}

/// Whether the regular expression matches somewhere in the text. An invalid expression matches nowhere.
fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

/// The beginning of a text, for messages.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_placeholder_holds_and_fails() {
        for (expected, good, bad) in [
            (json!("<string>"), json!("x"), json!(1)),
            (json!("<object>"), json!({}), json!([])),
            (json!("<bool>"), json!(false), json!("false")),
            (json!("<array of 2>"), json!([]), json!({})),
            (json!("<float seconds>"), json!(1799.5), json!(1800.5)),
            (json!("<float>"), json!(1), json!(0)),
            (json!("<iso-date>"), json!("2026-11-22T00:00:00Z"), json!("22.11.2026")),
            (json!("<re:^[0-9]+$>"), json!(12), json!("12a")),
            (json!("<re:(>"), json!("never"), json!("(")),
            (json!("<json: anything>"), json!("{\"a\":1}"), json!("{")),
            (json!("plain"), json!("plain"), json!("Plain")),
            (json!(1), json!(1), json!(1.0)),
            (json!(null), json!(null), json!(0)),
            (json!([1, 2]), json!([1, 2]), json!([1])),
            (json!({"a": "<absent>"}), json!({"b": 1}), json!({"a": null})),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}), json!({"a": {}})),
        ] {
            let unreadable = expected == json!("<re:(>");
            assert_eq!(difference(&expected, &good, false, "$").is_some(), unreadable, "{expected} {good}");
            assert!(difference(&expected, &bad, false, "$").is_some(), "{expected} {bad}");
        }
    }

    #[test]
    fn exact_comparison_finds_surplus_keys_at_any_depth() {
        let (expected, actual) = (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}));
        assert_eq!(difference(&expected, &actual, false, "$"), None);
        assert_eq!(difference(&expected, &actual, true, "$").unwrap(), "$.a: surplus [\"c\"]");
    }

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        Response {
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
            took: Duration::from_millis(500),
            ..Response::default()
        }
    }

    fn check(expect: &Value, response: &Response, differences: usize) {
        let strictness = Strictness { exact: true, patience: 1.5 };
        let found = compare(expect, strictness, response, Some("old"));
        assert_eq!(found.len(), differences, "{expect}: {found:?}");
    }

    #[test]
    fn each_part_of_an_expectation_can_fail() {
        let good = response(200, &[("x-y", "1")], "{\"a\":1}");
        check(&json!({"status": 200, "headers": {"X-Y": "1", "Z": null}, "json": {"a": 1}}), &good, 0);
        check(&json!({"status": 401}), &good, 1);
        check(&json!({"status": 200, "headers": {"X-Y": null, "Z": "2"}}), &good, 2);
        check(&json!({"status": 200, "headers": {"X-Y": "<absent>", "Z": "<absent>"}}), &good, 1);
        check(&json!({"status": 200, "json": {"a": 2}}), &good, 1);
        check(&json!({"status": 200, "body_exact": "{\"a\":1}\n"}), &good, 1);
        check(&json!({"status": 200, "text": "", "text_regex": "b"}), &good, 2);
        check(&json!({"status": 200, "absent": ["a", "b"]}), &good, 1);
        let page = response(200, &[], "<title>Log in | Zulip</title><p>Your account a&amp;b is here.");
        check(&json!({"status": 200, "title": "Log in | Zulip", "contains": "account a&b"}), &page, 0);
        check(
            &json!({"status": 200, "title": "Zulip", "contains": ["account", "elsewhere", "there"]}),
            &page,
            3,
        );
        check(&json!({"status": 200, "min_ms": 501}), &good, 1);
        check(&json!({"status": 200, "max_ms": 400}), &good, 0);
        check(&json!({"status": 200, "max_ms": 300}), &good, 1);
        check(&json!({"status": 200, "unheard_of": 1}), &good, 1);
        check(&json!({"status": 401, "doc_status": 200, "json": {"never": "looked at"}}), &good, 0);
    }

    #[test]
    fn tokens_are_compared_in_both_forms() {
        let claims = BASE64URL_NOPAD.encode(b"{\"sub\":\"abc\",\"_tk\":1}");
        let body =
            format!("{{\"token\":\"h.{claims}.s\",\"access_token\":\"h.{claims}.s\",\"expires_in\":600}}");
        let good = response(200, &[], &body);
        let both = json!(["token", "access_token"]);
        check(&json!({"status": 200, "token_key": both, "token_claims": {"sub": "abc"}}), &good, 0);
        check(&json!({"status": 200, "token_key": both, "token_claims": {"sub": "abd"}}), &good, 1);
        check(&json!({"status": 200, "token_key": ["token", "other"]}), &good, 1);
        check(&json!({"status": 200, "same_token": false, "expires_in_range": [599, 600]}), &good, 0);
        check(&json!({"status": 200, "same_token": true, "expires_in_range": [0, 599]}), &good, 2);
        let list = BASE64URL_NOPAD.encode(b"(1 \"abc\" 10 20 30)");
        let good = response(200, &[], &format!("(\"Bearer\" \"{list}.mac\" 600)"));
        check(
            &json!({"status": 200, "token_list": [1, "abc", 30], "expires_in_range": [600, 600]}),
            &good,
            0,
        );
        check(&json!({"status": 200, "token_list": [2, "abc", 30]}), &good, 1);
    }
}

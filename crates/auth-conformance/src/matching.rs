//! Whether an answer is what a case expects; every difference in words.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use regex::Regex;
use serde_json::Value;

use crate::http::Response;

/// What an expectation may consist of. Anything else in a case is a difference: nothing goes unjudged.
const KNOWN: &[&str] = &[
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
    "doc_status",
    "same_token",
    "expires_in_range",
];

/// How strictly an answer is judged.
#[derive(Clone, Copy, Debug)]
pub struct Strictness {
    /// Keys beside the expected ones are differences.
    pub exact: bool,
    /// Expected upper bounds of time are multiplied by this.
    pub patience: f64,
}

/// Compares an answer with a case's expectation. `presented` is the token that the request carried.
#[must_use]
pub fn judge(expect: &Value, how: Strictness, answer: &Response, presented: Option<&str>) -> Vec<String> {
    let mut why = Vec::new();
    for key in expect.as_object().into_iter().flat_map(|object| object.keys()) {
        if !KNOWN.contains(&key.as_str()) {
            why.push(format!("this program does not know {key}"));
        }
    }
    let real = expect.get("status").and_then(Value::as_u64).unwrap_or(0);
    let status = expect.get("doc_status").and_then(Value::as_u64).unwrap_or(real);
    if u64::from(answer.status) != status {
        why.push(format!("status {} instead of {status}", answer.status));
    }
    if status == real {
        for (name, want) in expect.get("headers").and_then(Value::as_object).into_iter().flatten() {
            let got = answer.header(&name.to_lowercase());
            if !(got.is_none() && is_text(want, "<absent>")) {
                why.extend(difference(want, &got.map_or(Value::Null, Value::from), true, name));
            }
        }
    }
    if expect.get("doc_status").is_some() {
        return why;
    }
    judge_body(expect, how.exact, answer, &mut why);
    judge_token(expect, answer, presented, &mut why);
    judge_time(expect, how.patience, answer.took, &mut why);
    why
}

fn judge_body(expect: &Value, exact: bool, answer: &Response, why: &mut Vec<String>) {
    let text = answer.text();
    for key in ["body_exact", "text"] {
        if let Some(want) = expect.get(key).and_then(Value::as_str)
            && want != text
        {
            why.push(format!("body {:?} instead of {:?}", shown(&text), shown(want)));
        }
    }
    if let Some(pattern) = expect.get("text_regex").and_then(Value::as_str)
        && !matches(pattern, &text)
    {
        why.push(format!("body {:?} does not match {pattern}", shown(&text)));
    }
    let json = answer.json().unwrap_or(Value::Null);
    if let Some(want) = expect.get("json").filter(|want| !want.is_null()) {
        why.extend(difference(want, &json, exact, "$"));
    }
    for key in expect.get("absent").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        if json.get(key).is_some() {
            why.push(format!("{key}: must be absent"));
        }
    }
}

fn judge_token(expect: &Value, answer: &Response, presented: Option<&str>, why: &mut Vec<String>) {
    let (token, expires_in) = answered_token(answer);
    let token = token.unwrap_or_default();
    if let Some(names) = expect.get("token_key").and_then(Value::as_array) {
        let json = answer.json().unwrap_or(Value::Null);
        let found: Vec<_> = names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| json.get(name).and_then(Value::as_str))
            .collect();
        if found.iter().any(|one| one.is_none_or(str::is_empty) || Some(one) != found.first()) {
            why.push(format!("not the same token under {names:?}"));
        } else if let Some(want) = expect.get("token_claims") {
            let claims =
                token.split('.').nth(1).and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
            match claims.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
                Some(claims) => why.extend(difference(want, &claims, false, "claims")),
                None => why.push("not a JSON web token".to_owned()),
            }
        }
    }
    if let Some(same) = expect.get("same_token").and_then(Value::as_bool)
        && (Some(token.as_str()) == presented) != same
    {
        why.push(if same { "the same token was expected" } else { "a new token was expected" }.to_owned());
    }
    if let Some(range) = expect.get("expires_in_range").and_then(Value::as_array) {
        let bound = |at: usize| range.get(at).and_then(Value::as_i64).unwrap_or(i64::MIN);
        if !expires_in.is_some_and(|seconds| (bound(0)..=bound(1)).contains(&seconds)) {
            why.push(format!("expires_in {expires_in:?} is not in {}..{}", bound(0), bound(1)));
        }
    }
    if let Some(want) = expect.get("token_list") {
        let list = token.split('.').next().and_then(|part| BASE64URL_NOPAD.decode(part.as_bytes()).ok());
        let list = list.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let got = signed_list(&list).map_or(Value::Null, |(kind, user, zid)| {
            Value::from(vec![Value::from(kind), Value::from(user), Value::from(zid)])
        });
        why.extend(difference(want, &got, true, "token"));
    }
}

fn judge_time(expect: &Value, patience: f64, took: Duration, why: &mut Vec<String>) {
    let bound = |key: &str| expect.get(key).and_then(Value::as_f64);
    let ms = took.as_secs_f64() * 1000.0;
    if let Some(least) = bound("min_ms").filter(|least| ms < *least) {
        why.push(format!("{ms:.0} ms, below {least}"));
    }
    if let Some(most) = bound("max_ms").filter(|most| ms > most * patience) {
        why.push(format!("{ms:.0} ms, above {most}"));
    }
}

/// The token and its seconds in a Zettelstore answer of either form.
#[must_use]
pub fn answered_token(answer: &Response) -> (Option<String>, Option<i64>) {
    if let Some(Value::Object(json)) = answer.json() {
        let token = json.get("token").or_else(|| json.get("access_token"));
        return (
            token.and_then(Value::as_str).map(str::to_owned),
            json.get("expires_in").and_then(Value::as_i64),
        );
    }
    let text = answer.text();
    let list = text.trim().strip_prefix("(\"Bearer\" \"").and_then(|rest| rest.strip_suffix(')'));
    match list.and_then(|rest| rest.split_once("\" ")) {
        Some((token, seconds)) => (Some(token.to_owned()), seconds.parse().ok()),
        None => (None, None),
    }
}

/// Kind, user and zettel of `(KIND "USER" IAT EXP ZID)`.
fn signed_list(text: &str) -> Option<(u64, &str, u64)> {
    let (kind, rest) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(" \"")?;
    let (user, rest) = rest.split_once("\" ")?;
    let mut numbers = rest.split(' ').map(str::parse::<u64>);
    let (_iat, _exp, zid) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    numbers.next().is_none().then_some((kind.parse().ok()?, user, zid))
}

/// The first difference between an expected JSON value, which may hold placeholders, and the one that came;
/// `None` when it matches. With `exact`, keys that aren't expected are differences.
#[must_use]
pub fn difference(want: &Value, got: &Value, exact: bool, at: &str) -> Option<String> {
    match want {
        Value::String(text) => text_difference(text, got, at),
        Value::Object(wanted) => {
            let Some(have) = got.as_object() else { return Some(format!("{at}: {got} is no object")) };
            for (key, want) in wanted {
                match have.get(key) {
                    Some(_) if is_text(want, "<absent>") => {
                        return Some(format!("{at}.{key}: must be absent"));
                    }
                    None if is_text(want, "<absent>") => {}
                    None => return Some(format!("{at}.{key}: missing")),
                    Some(got) => {
                        let found = difference(want, got, exact, &format!("{at}.{key}"));
                        if found.is_some() {
                            return found;
                        }
                    }
                }
            }
            let surplus: Vec<_> = have.keys().filter(|key| exact && !wanted.contains_key(*key)).collect();
            (!surplus.is_empty()).then(|| format!("{at}: surplus {surplus:?}"))
        }
        Value::Array(wanted) => match got.as_array() {
            Some(have) if have.len() == wanted.len() => wanted
                .iter()
                .zip(have)
                .enumerate()
                .find_map(|(index, (want, got))| difference(want, got, exact, &format!("{at}[{index}]"))),
            _ => Some(format!("{at}: {got} instead of {want}")),
        },
        _ => (want != got).then(|| format!("{at}: {got} instead of {want}")),
    }
}

fn text_difference(want: &str, got: &Value, at: &str) -> Option<String> {
    let placeholder = |holds: bool| (!holds).then(|| format!("{at}: {got} is not {want}"));
    match want {
        "<absent>" => Some(format!("{at}: must be absent")),
        "<string>" => placeholder(got.is_string()),
        "<object>" => placeholder(got.is_object()),
        "<bool>" => placeholder(got.is_boolean()),
        "<iso-date>" => placeholder(got.as_str().is_some_and(|text| matches(r"^\d{4}-\d\d-\d\dT", text))),
        _ if want.starts_with("<array") => placeholder(got.is_array()),
        _ if want.starts_with("<float") => {
            placeholder(got.as_f64().is_some_and(|number| number > 0.0 && number <= 1800.0))
        }
        _ if want.starts_with("<json:") => {
            placeholder(got.as_str().is_some_and(|text| serde_json::from_str::<Value>(text).is_ok()))
        }
        _ => match want.strip_prefix("<re:").and_then(|rest| rest.strip_suffix('>')) {
            Some(pattern) => {
                let text = match got {
                    Value::String(text) => text.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return placeholder(false),
                };
                (!matches(pattern, &text)).then(|| format!("{at}: {text:?} does not match {pattern}"))
            }
            None => (got.as_str() != Some(want)).then(|| format!("{at}: {got} instead of {want:?}")),
        },
    }
}

fn is_text(value: &Value, text: &str) -> bool {
    value.as_str() == Some(text)
}

/// Whether the pattern is found in the text. A pattern that can't be read is found nowhere.
fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

/// The beginning of a text, for messages.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_placeholder_holds_and_fails() {
        for (want, good, bad) in [
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
            let unreadable = want == json!("<re:(>");
            assert_eq!(difference(&want, &good, false, "$").is_some(), unreadable, "{want} {good}");
            assert!(difference(&want, &bad, false, "$").is_some(), "{want} {bad}");
        }
    }

    #[test]
    fn exactness_is_about_surplus_keys_at_any_depth() {
        let (want, got) = (json!({"a": {"b": 1}}), json!({"a": {"b": 1, "c": 2}}));
        assert_eq!(difference(&want, &got, false, "$"), None);
        assert_eq!(difference(&want, &got, true, "$").unwrap(), "$.a: surplus [\"c\"]");
    }

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        Response {
            status,
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.as_bytes().to_vec(),
            took: Duration::from_millis(500),
        }
    }

    fn check(expect: &Value, answer: &Response, differences: usize) {
        let how = Strictness { exact: true, patience: 1.5 };
        let why = judge(expect, how, answer, Some("old"));
        assert_eq!(why.len(), differences, "{expect}: {why:?}");
    }

    #[test]
    fn each_part_of_an_expectation_can_fail() {
        let good = answer(200, &[("x-y", "1")], "{\"a\":1}");
        check(&json!({"status": 200, "headers": {"X-Y": "1", "Z": null}, "json": {"a": 1}}), &good, 0);
        check(&json!({"status": 401}), &good, 1);
        check(&json!({"status": 200, "headers": {"X-Y": null, "Z": "2"}}), &good, 2);
        check(&json!({"status": 200, "headers": {"X-Y": "<absent>", "Z": "<absent>"}}), &good, 1);
        check(&json!({"status": 200, "json": {"a": 2}}), &good, 1);
        check(&json!({"status": 200, "body_exact": "{\"a\":1}\n"}), &good, 1);
        check(&json!({"status": 200, "text": "", "text_regex": "b"}), &good, 2);
        check(&json!({"status": 200, "absent": ["a", "b"]}), &good, 1);
        check(&json!({"status": 200, "min_ms": 501}), &good, 1);
        check(&json!({"status": 200, "max_ms": 400}), &good, 0);
        check(&json!({"status": 200, "max_ms": 300}), &good, 1);
        check(&json!({"status": 200, "unheard_of": 1}), &good, 1);
        check(&json!({"status": 401, "doc_status": 200, "json": {"never": "looked at"}}), &good, 0);
    }

    #[test]
    fn tokens_are_judged_in_both_forms() {
        let claims = BASE64URL_NOPAD.encode(b"{\"sub\":\"abc\",\"_tk\":1}");
        let body =
            format!("{{\"token\":\"h.{claims}.s\",\"access_token\":\"h.{claims}.s\",\"expires_in\":600}}");
        let good = answer(200, &[], &body);
        let both = json!(["token", "access_token"]);
        check(&json!({"status": 200, "token_key": both, "token_claims": {"sub": "abc"}}), &good, 0);
        check(&json!({"status": 200, "token_key": both, "token_claims": {"sub": "abd"}}), &good, 1);
        check(&json!({"status": 200, "token_key": ["token", "other"]}), &good, 1);
        check(&json!({"status": 200, "same_token": false, "expires_in_range": [599, 600]}), &good, 0);
        check(&json!({"status": 200, "same_token": true, "expires_in_range": [0, 599]}), &good, 2);
        let list = BASE64URL_NOPAD.encode(b"(1 \"abc\" 10 20 30)");
        let good = answer(200, &[], &format!("(\"Bearer\" \"{list}.mac\" 600)"));
        check(
            &json!({"status": 200, "token_list": [1, "abc", 30], "expires_in_range": [600, 600]}),
            &good,
            0,
        );
        check(&json!({"status": 200, "token_list": [2, "abc", 30]}), &good, 1);
    }
}

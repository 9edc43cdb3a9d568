//! The oracles against what a real Zulip was recorded to answer: both apps take each of its addresses, and find the key of the
//! account; its tokens of forms hold the secret of their cookie; the desktop program opens its sealed tokens.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;

use auth_conformance::Options;
use auth_conformance::oracle::{csrf, desktop, one_time_pad, web_auth};
use serde_json::Value;

fn lines(name: &str) -> Vec<Value> {
    let options = Options::new("unused".into());
    let text = std::fs::read_to_string(options.data.join(name)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn header<'a>(headers: &'a Value, name: &str) -> Option<&'a str> {
    let pairs = headers.as_array().unwrap();
    let named = pairs.iter().find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name))?;
    named[1].as_str()
}

/// The value of a name in the query or form; the last one counts.
fn value(text: &str, name: &str) -> Option<String> {
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let url = url::Url::parse(&format!("http://x/?{query}")).unwrap();
    url.query_pairs().filter(|(known, _)| known == name).last().map(|(_, value)| value.into_owned())
}

#[test]
fn both_apps_take_every_recorded_address_and_find_the_account_s_key() {
    let users = lines("fixtures/zulip-web-live.jsonl");
    let key =
        |user: &Value| Some((user["email"].as_str()?.to_owned(), user["zulip_api_key"].as_str()?.to_owned()));
    let keys: HashMap<String, Vec<String>> =
        users.iter().filter_map(key).fold(HashMap::new(), |mut keys, (email, key)| {
            keys.entry(email).or_default().push(key);
            keys
        });
    // Where the pad is not in the request itself, it is the one of the recording.
    let recorded_pad = "1234abcd".repeat(8);
    let mut seen = 0;
    for transcript in lines("zulip-web-live.jsonl") {
        let Some(location) = header(&transcript["response"]["headers"], "location") else { continue };
        let pad = value(transcript["request"]["path"].as_str().unwrap(), "mobile_flow_otp");
        let pad = pad.unwrap_or_else(|| recorded_pad.clone());
        if !location.starts_with("zulip:") || !one_time_pad::is_pad(&pad) {
            continue;
        }
        let query = location.split_once('?').unwrap().1;
        let names: Vec<&str> = query.split('&').map(|pair| pair.split('=').next().unwrap()).collect();
        assert_eq!(names, ["otp_encrypted_api_key", "email", "user_id", "realm"], "{location}");
        // A callback may be at another host than the realm.
        let realm = value(location, "realm").unwrap();
        let auth = web_auth::flutter(location, &realm).unwrap();
        let by_mobile = web_auth::mobile(location, &realm, &pad).unwrap();
        let key = auth.api_key(&pad).unwrap();
        assert_eq!(by_mobile.api_key_by_digits(&pad).as_deref(), Some(key.as_str()), "{location}");
        assert_eq!(
            (key.len(), key.bytes().all(|byte| byte.is_ascii_alphanumeric())),
            (32, true),
            "{location}"
        );
        // An account that signed up during the recording is not in the fixture.
        assert!(keys.get(&auth.email).is_none_or(|keys| keys.contains(&key)), "{}", transcript["id"]);
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} addresses were recorded");
}

#[test]
fn recorded_tokens_of_forms_hold_the_secret_of_their_cookie() {
    let mut seen = 0;
    for transcript in lines("zulip-web-live.jsonl") {
        let request = &transcript["request"];
        let token = request["body"].as_str().and_then(|body| value(body, "csrfmiddlewaretoken"));
        let cookie = header(&request["headers"], "cookie").and_then(|cookies| {
            cookies.split("; ").find_map(|cookie| cookie.strip_prefix("__Host-csrftoken=").map(str::to_owned))
        });
        let is_refused = transcript["response"]["status"] == 403;
        if let (Some(token), Some(cookie), false) = (token, cookie, is_refused) {
            assert_eq!(csrf::unmask(&token), Some(cookie), "{}", transcript["id"]);
            seen += 1;
        }
    }
    assert!(seen >= 30, "only {seen} tokens were recorded");
}

#[test]
fn desktop_program_opens_every_recorded_token() {
    let mut seen = 0;
    for transcript in lines("zulip-web-live.jsonl") {
        let Some(data) = transcript["response"]["body_html_page"]["desktop_data"].as_str() else { continue };
        let pad = value(transcript["request"]["path"].as_str().unwrap(), "desktop_flow_otp").unwrap();
        assert_eq!(desktop::open(data, &pad).map(|token| token.len()), Some(32), "{}", transcript["id"]);
        seen += 1;
    }
    assert!(seen >= 1, "no token was recorded");
}

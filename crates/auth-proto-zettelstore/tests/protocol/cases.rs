//! The cases of auth-conformance, as far as they need no store: passwords and tokens stand in a table here, so that
//! the protocol's decoding of requests and the bytes of its answers are judged.

use std::sync::Arc;

use auth_core::testing::FakeServices;
use auth_core::{FailureReason, LoginError, TokenError};
use auth_proto_zettelstore::{AnswerForm, Config};
use serde_json::Value;

use crate::fixtures::{
    NOT_BEFORE, ask, body, checked, config, grant, granted, header, password_of, refused, request, services,
    token_of,
};

const CASES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../auth-conformance/data/zettelstore-cases.jsonl"));

/// The users of fixture F1 with their passwords.
const USERS: [(&str, &str); 11] = [
    ("owner", "0wner-secret"),
    ("writer", "wr1ter-secret"),
    ("reader", "r3ader-secret"),
    ("creator", "cr3ator-secret"),
    ("dup", "older-wins"),
    ("hash2b", "two-b-secret"),
    ("hash2y", "two-y-secret"),
    ("zoë", "päss wörd"),
    ("empty", ""),
    ("long", "LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL"),
    ("col:on", "has-colon"),
];

/// Cases that show the work of another crate, or behaviour that this server does not copy.
const LEFT_OUT: [(&str, &str); 3] = [
    (
        "zs-broken-hash",
        "a broken record is refused like a wrong password (docs/contract/zettelstore.md, section 9)",
    ),
    ("zs-jwt-unknown-claims", "the token's content is the engine's"),
    ("zs-check-webui-token-in-cookie", "the token's content is the engine's"),
];

/// The token that a login gives, in the shape of a signed list.
fn token(user: &str) -> String {
    let user: String = user.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{user}.{}", "A".repeat(64))
}

/// Services that know the users; their tokens live for `lifetime` seconds.
fn services_with_users(lifetime: u64) -> Arc<FakeServices> {
    let is_known = |sent: &str| USERS.iter().any(|(user, _)| token(user) == sent);
    let services = services()
        .on_log_in(move |attempt| {
            let (user, password) = password_of(attempt);
            if USERS.contains(&(&user, &password)) {
                granted(grant(&token(&user), lifetime))
            } else {
                refused(LoginError::Credentials(FailureReason::WrongPassword))
            }
        })
        .on_check(move |check| checked(is_known(&token_of(check))))
        .on_renew(move |check, _| match token_of(check) {
            token if is_known(&token) => Ok(grant(&token, 599)),
            _ => Err(TokenError::Invalid),
        });
    Arc::new(services)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Sends a case's request to the protocol and compares the answer with the expected one.
async fn judge(case: &Value) {
    let id = text(&case["id"]);
    let (given, asked, expected) = (&case["given"], &case["request"], &case["expect"]);
    // The lifetime of a token is the engine's.
    let services = services_with_users(match &given["config"]["token-lifetime-api"] {
        wish if wish == "0" => 0,
        wish if wish == "1000" => 3600,
        _ => 600,
    });
    let config = Config {
        authentication: given["auth"] == "on",
        answer: if given["profile"] == "list" { AnswerForm::List } else { AnswerForm::Json },
        url_prefix: given["config"]["url-prefix"].as_str().unwrap_or("/").to_owned(),
        ..config()
    };
    let presented = given["token"]["login"].as_str().map_or_else(|| "forged".to_owned(), token);
    let headers: Vec<(String, String)> = asked["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), text(value).replace("${TOKEN}", &presented)))
        .collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let sent = request(text(&asked["method"]), text(&asked["path"]), &headers, text(&asked["body"]));
    let answer = ask(config, &services, sent).await;

    if let Some(documented) = expected["doc_status"].as_u64() {
        assert_eq!(u64::from(answer.response.status().as_u16()), documented, "{id}");
        return;
    }
    assert_eq!(u64::from(answer.response.status().as_u16()), expected["status"].as_u64().unwrap(), "{id}");
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        assert_eq!(header(&answer, name), text(value), "{id}");
    }
    if let Some(exact) = expected["text"].as_str() {
        assert_eq!(body(&answer), exact, "{id}");
    }
    if expected["min_ms"].is_u64() {
        assert_eq!(answer.not_before, Some(NOT_BEFORE), "{id}: the engine's delay");
    }
    if expected["max_ms"] == 100 {
        assert_eq!(answer.not_before, None, "{id}: at once");
    }
    let (json, list) = (serde_json::from_str::<Value>(body(&answer)).ok(), body(&answer));
    for (key, value) in expected["json"].as_object().into_iter().flatten() {
        assert_eq!(json.as_ref().map(|json| &json[key]), Some(value), "{id}: {key}");
    }
    for key in expected["token_key"].as_array().into_iter().flatten() {
        let found = json.as_ref().map(|json| text(&json[text(key)])).unwrap_or_default();
        assert_eq!(found, token(text(&expected["token_claims"]["sub"])), "{id}: {key}");
    }
    if expected["text_regex"].is_string() {
        assert_eq!(list, format!("(\"Bearer\" \"{}\" 600)", token("writer")), "{id}");
    }
    if expected["same_token"] == true {
        assert!(list.contains(&format!("\"{presented}\"")), "{id}: the same token");
        assert!(list.contains("599"), "{id}: the rest of its lifetime");
    }
}

#[tokio::test]
async fn protocol_answers_as_the_contract_says() {
    let mut judged = 0;
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if !LEFT_OUT.iter().any(|(id, _)| case["id"] == *id) {
            judge(&case).await;
            judged += 1;
        }
    }
    assert_eq!(judged, 69);
}

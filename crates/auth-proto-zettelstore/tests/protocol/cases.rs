//! The contract's cases, as far as they can be judged without a store: passwords and tokens stand in a table
//! here, so that what is judged is the protocol's reading of requests and its bytes.

use std::sync::Arc;

use auth_core::{FailureReason, LoginError, LoginOutcome, TokenError};
use auth_proto_zettelstore::{AnswerForm, Config};
use serde_json::Value;

use crate::requests::{ask, body, header, request, settings};
use crate::services::{Fixed, NOT_BEFORE, grant, granted};

/// Fixture F1: who has which password.
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

/// Cases that show what another crate does, or what was decided otherwise.
const LEFT_OUT: [(&str, &str); 3] = [
    ("zs-broken-hash", "a broken record is refused like a wrong password (zettelstore.md 9)"),
    ("zs-jwt-unknown-claims", "the token's content is the engine's"),
    ("zs-check-webui-token-in-cookie", "the token's content is the engine's"),
];

/// The token that a log-in gives; its shape is that of the list era.
fn token(user: &str) -> String {
    let user: String = user.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{user}.{}", "A".repeat(64))
}

fn services(lifetime: u64) -> Arc<Fixed> {
    let known = |sent: &str| USERS.iter().any(|(user, _)| token(user) == sent);
    Fixed::new()
        .log_in(move |(user, password)| {
            Ok(if USERS.contains(&(&user, &password)) {
                granted(grant(&token(&user), lifetime))
            } else {
                LoginOutcome::Refused(LoginError::Credentials(FailureReason::WrongPassword))
            })
        })
        .check(move |sent| Ok(known(&sent)))
        .renew(move |sent| Ok(if known(&sent) { Ok(grant(&sent, 599)) } else { Err(TokenError::Invalid) }))
        .shared()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Puts the case's question to the protocol and compares what it expects.
async fn judge(case: &Value) {
    let id = text(&case["id"]);
    let (given, asked, expected) = (&case["given"], &case["request"], &case["expect"]);
    // How long a token lives is the engine's.
    let services = services(match &given["config"]["token-lifetime-api"] {
        wish if wish == "0" => 0,
        wish if wish == "1000" => 3600,
        _ => 600,
    });
    let config = Config {
        authentication: given["auth"] == "on",
        answer: if given["profile"] == "list" { AnswerForm::List } else { AnswerForm::Json },
        url_prefix: given["config"]["url-prefix"].as_str().unwrap_or("/").to_owned(),
        ..settings()
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
        assert!(list.contains("599"), "{id}: what is left of its life");
    }
}

#[tokio::test]
async fn protocol_answers_as_the_contract_says() {
    let mut judged = 0;
    for line in include_str!("cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if !LEFT_OUT.iter().any(|(id, _)| case["id"] == *id) {
            judge(&case).await;
            judged += 1;
        }
    }
    assert_eq!(judged, 69);
}

//! The researched cases of auth-conformance, as far as they need no other state than a few users and a setting.

use auth_core::Exact;
use auth_proto_zulip::{Config, EXACT_POINTS};
use serde_json::Value;

use crate::server::{Server, body, header, request};
use crate::world::Ways;

const CASES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../auth-conformance/data/zulip-cases.jsonl"));

/// A case that needs development logins switched off in the configuration, as `routes.rs` has them.
const LEFT_OUT: &str = "dev-backend-disabled-before-email";

/// A server in the state that a case is given; `None` for states that the fake services don't have.
fn server(given: &str) -> Option<Server> {
    let plain = Config {
        external_host: "testserver".into(),
        url_scheme: "http".into(),
        version: "11.0-dev+git".into(),
        feature_level: 387,
        exact: Exact::only(EXACT_POINTS),
        ..Config::default()
    };
    let (config, ways) = match given.strip_prefix("fixture F0")?.trim_start_matches("; ") {
        "" | "real production server" => (plain, Ways::default()),
        "development server with Dev backend" => {
            (Config { development: true, ..plain }, Ways { development: true, ..Ways::default() })
        }
        "development server without Dev backend" => (Config { development: true, ..plain }, Ways::default()),
        "JWT_AUTH_KEYS {zulip: key1, HS256}" => {
            (plain, Ways { assertions: Some("zulip"), ..Ways::default() })
        }
        "ROOT_DOMAIN_LANDING_PAGE true" => {
            (Config { root_domain_landing_page: true, ..plain }, Ways::default())
        }
        other if other.starts_with("server installs only an external backend") => {
            (plain, Ways { without_passwords: true, ..Ways::default() })
        }
        _ => return None,
    };
    Some(Server::new(config, include_str!("../data/f0-users.jsonl"), ways))
}

#[tokio::test]
async fn researched_cases_hold() {
    let (mut judged, mut wrong) = (0, Vec::new());
    for line in CASES.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let Some(server) = server(case["given"].as_str().unwrap()) else { continue };
        if case["id"] == LEFT_OUT {
            continue;
        }
        let (id, asked, expected) = (&case["id"], &case["request"], &case["expect"]);
        let headers = asked["headers"].as_object().unwrap().iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
        let text = asked["body"].as_str().unwrap_or_default().to_owned();
        let (method, path) = (asked["method"].as_str().unwrap(), asked["path"].as_str().unwrap());
        let answer = server.send(request(method, path, headers, text)).await;
        judged += 1;
        if expected["status"] != answer.response.status().as_u16() {
            wrong.push(format!(
                "{id}: status {} instead of {}",
                answer.response.status(),
                expected["status"]
            ));
        }
        for (name, value) in expected["headers"].as_object().into_iter().flatten() {
            if header(&answer, name) != value.as_str() {
                wrong.push(format!("{id}: {name}: {:?} instead of {value}", header(&answer, name)));
            }
        }
        if let Some(exact) = expected["body_exact"].as_str()
            && exact != body(&answer)
        {
            wrong.push(format!("{id}: body {:?} instead of {exact:?}", body(&answer)));
        }
        if let Some(json) = expected["json"].as_object() {
            let got: Value = serde_json::from_str(body(&answer)).unwrap_or_default();
            let exact = expected["json_exact"] == true;
            let surplus = exact && got.as_object().is_none_or(|got| got.len() != json.len());
            if surplus || !contains(&got, &expected["json"]) {
                wrong.push(format!("{id}: {got} instead of {}", expected["json"]));
            }
            for key in expected["absent"].as_array().into_iter().flatten() {
                assert!(got.get(key.as_str().unwrap()).is_none(), "{id}: {key}");
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(judged, 103);
}

/// Whether a document has every value of another.
fn contains(got: &Value, want: &Value) -> bool {
    match want {
        Value::Object(want) => {
            want.iter().all(|(key, want)| got.get(key).is_some_and(|got| contains(got, want)))
        }
        want => got == want,
    }
}

//! Paths, methods, headers and the public routes.

use std::sync::Arc;

use auth_core::testing::FakeServices;
use auth_core::{BodyRule, BodyTooLarge, Exact, PasswordPolicy, Protocol, ProtocolName, Realm, RouteMatch};
use auth_proto_rocketchat::exact::UNKNOWN_PATH_TEXT;
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use serde_json::{Value, json};

use crate::fixture;
use crate::support::{ask, config, header, request, services, text};

async fn get(config: Config, path: &str) -> Response<Bytes> {
    ask(config, Arc::new(services()), request("GET", path, &[], "")).await
}

#[test]
fn documented_paths_are_distinguished_from_the_rest_below_api() {
    let protocol = RocketChatProtocol::new(config(), Arc::new(services()));
    assert_eq!(protocol.name(), ProtocolName::ROCKETCHAT);
    for (path, matched) in [
        ("/api/v1/login", RouteMatch::Documented),
        ("/api/v1/logout", RouteMatch::Documented),
        ("/api/info", RouteMatch::Documented),
        ("/api/v1/settings.public", RouteMatch::Documented),
        ("/", RouteMatch::Documented),
        ("/verify-email/token", RouteMatch::Documented),
        ("/api/v1/users.info", RouteMatch::OwnForm),
        ("/api/v1/im.list/x", RouteMatch::OwnForm),
        ("/api/v1/users/iago@zulip.com", RouteMatch::Prefix),
        ("/api/v1/login/", RouteMatch::Prefix),
        ("/api/v1/info", RouteMatch::Prefix),
        ("/api/v1/LOGIN", RouteMatch::Prefix),
        ("/api/", RouteMatch::Prefix),
        ("/api", RouteMatch::Prefix),
        ("/apis", RouteMatch::None),
        ("/a", RouteMatch::None),
        ("", RouteMatch::None),
    ] {
        let route = protocol.route(path);
        assert_eq!(route.matched, matched, "{path}");
        for (method, rule) in [
            (Method::POST, BodyRule::UpTo(65_536)),
            (Method::PUT, BodyRule::UpTo(65_536)),
            (Method::GET, BodyRule::Ignored),
            (Method::HEAD, BodyRule::Ignored),
        ] {
            assert_eq!(protocol.body_rule(&route, &method, &HeaderMap::new()), rule, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_not_found() {
    let exact = || Config { exact: Exact::only([UNKNOWN_PATH_TEXT]), ..config() };
    for (method, path) in [
        ("GET", "/api/v1/nothing"),
        ("GET", "/api/v1/login"),
        ("HEAD", "/api/v1/login"),
        ("PUT", "/api/v1/login"),
        ("POST", "/api/v1/me"),
        ("POST", "/api/info"),
        ("GET", "/api/v1/login/"),
        ("BREW", "/api/v1/me"),
    ] {
        let response = ask(config(), Arc::new(services()), request(method, path, &[], "")).await;
        assert_eq!(response.status(), 404);
        assert_eq!(header(&response, "content-type"), Some("application/json"));
        if method != "HEAD" {
            assert_eq!(text(&response), r#"{"status":"error","message":"API endpoint does not exist"}"#);
        }
        let response = ask(exact(), Arc::new(services()), request(method, path, &[], "")).await;
        assert_eq!(response.status(), 404);
        assert_eq!(header(&response, "content-type"), Some("text/plain; charset=UTF-8"));
        if method != "HEAD" {
            assert_eq!(text(&response), "404 Not Found");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_its_length_and_the_common_headers() {
    for (method, path) in
        [("POST", "/api/v1/login"), ("GET", "/api/v1/me"), ("GET", "/api/info"), ("GET", "/nothing")]
    {
        let response = ask(config(), Arc::new(services()), request(method, path, &[], "")).await;
        let length = response.body().len().to_string();
        for (name, value) in [
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
            ("cache-control", "no-store"),
            ("pragma", "no-cache"),
            ("access-control-allow-origin", "*"),
            (
                "access-control-allow-headers",
                "Origin, X-Requested-With, Content-Type, Accept, X-User-Id, X-Auth-Token, x-visitor-token, \
                 Authorization",
            ),
            ("x-xss-protection", "1"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "sameorigin"),
        ] {
            assert_eq!(header(&response, name), Some(value), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let whole = get(config(), "/api/info").await;
    let head = ask(config(), Arc::new(services()), request("HEAD", "/api/info", &[], "")).await;
    assert_eq!((head.status(), head.headers()), (whole.status(), whole.headers()));
    assert!(head.body().is_empty() && !whole.body().is_empty());
}

#[tokio::test]
async fn preflights_are_refused() {
    const REFUSAL: &str = "Pages of other origins may not call this server: its configuration lists none in [rocketchat] allowed_origins";
    for (headers, status, body) in [
        (&[("Origin", "http://a"), ("Access-Control-Request-Method", "POST")][..], 405, REFUSAL),
        (&[("Origin", "http://a")], 405, REFUSAL),
        (&[("Access-Control-Request-Method", "POST")], 405, REFUSAL),
        (&[], 200, "OK"),
    ] {
        let asked = request("OPTIONS", "/api/v1/login", headers, "");
        let response = ask(config(), Arc::new(services()), asked).await;
        assert_eq!((response.status().as_u16(), text(&response)), (status, body));
        assert_eq!(header(&response, "access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn body_that_is_too_large_is_refused() {
    let mut asked = request("POST", "/api/v1/login", &[], "");
    asked.extensions_mut().insert(BodyTooLarge);
    let services = Arc::new(services());
    let response = ask(config(), services.clone(), asked).await;
    assert_eq!(response.status(), 413);
    assert_eq!(
        text(&response),
        r#"{"success":false,"errorType":"error-body-too-large","error":"must be a smaller body"}"#
    );
    assert!(services.attempts().is_empty());
}

#[tokio::test]
async fn info_has_the_patch_level_for_administrators_alone() {
    const OLDEST: &str = r#""minimumClientVersions":{"desktop":"3.9.6","mobile":"4.39.0"},"success":true}"#;
    let anonymous = format!(r#"{{"version":"8.8",{OLDEST}"#);
    let administrator = format!(
        concat!(
            r#"{{"version":"8.8.0","info":{{"version":"8.8.0","build":{{}},"commit":{{}},"#,
            r#""marketplaceApiVersion":"0.0.0"}},{}"#
        ),
        OLDEST
    );
    let newer = Config { version: "9.1.2".into(), ..config() };
    assert!(text(&get(newer, "/api/info").await).starts_with(r#"{"version":"9.1","#));
    for (user, expected) in [("admin", &administrator), ("myusername", &anonymous), ("nobody", &anonymous)] {
        let (id, token) = (fixture::id(user), fixture::token(user));
        let headers = [("X-User-Id", id.as_str()), ("X-Auth-Token", token.as_str())];
        let response = ask(config(), Arc::new(services()), request("GET", "/api/info", &headers, "")).await;
        assert_eq!((response.status().as_u16(), text(&response)), (200, expected.as_str()), "{user}");
    }
    assert_eq!(text(&get(config(), "/api/info").await), anonymous);
}

#[tokio::test]
async fn public_settings_are_picked_by_id_and_paged() {
    for (query, expected) in [
        (
            "_id=Site_Url,LDAP_Enable,nothing",
            json!({
                "settings": [
                    {"_id": "LDAP_Enable", "value": true},
                    {"_id": "Site_Url", "value": "http://localhost:3000"},
                ],
                "count": 2, "offset": 0, "total": 2, "success": true,
            }),
        ),
        (
            "_id=Site_Url%2CLDAP_Enable&offset=1&count=5",
            json!({
                "settings": [{"_id": "Site_Url", "value": "http://localhost:3000"}],
                "count": 1, "offset": 1, "total": 2, "success": true,
            }),
        ),
        ("_id=nothing", json!({"settings": [], "count": 0, "offset": 0, "total": 0, "success": true})),
    ] {
        let with_directory = Realm { backends: vec!["corp".into(), "local".into()], ..fixture::realm() };
        let services = FakeServices::new().realm(with_directory);
        let path = format!("/api/v1/settings.public?{query}");
        let response = ask(config(), Arc::new(services), request("GET", &path, &[], "")).await;
        assert_eq!(serde_json::from_slice::<Value>(response.body()).unwrap(), expected, "{query}");
    }
}

/// What the mobile app asks for: before a login, and after it.
const ASKED_BY_THE_APP: &str = include_str!("settings.txt");

#[tokio::test]
async fn each_setting_that_the_app_asks_for_is_answered_at_once_but_for_the_icon() {
    let ids: Vec<&str> = ASKED_BY_THE_APP.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(ids.len(), 101);
    let config = Config { unique_id: "aB2cD3eF4gH5jK6mN".into(), email_verification: true, ..config() };
    for query in [
        format!("_id={}", ids.join(",")),
        format!("_id={}&count={}", ids.join(","), ids.len()),
        format!("query={{%22_id%22:{{%22$in%22:[%22{}%22]}}}}", ids.join("%22,%22")),
    ] {
        let response = get(config.clone(), &format!("/api/v1/settings.public?{query}")).await;
        let answer: Value = serde_json::from_slice(response.body()).unwrap();
        let settings = answer["settings"].as_array().unwrap();
        let has =
            |id: &&&str| settings.iter().any(|setting| setting["_id"] == **id && !setting["value"].is_null());
        let missing: Vec<_> = ids.iter().filter(|id| !has(id)).collect();
        assert_eq!(missing, [&"Assets_favicon_512"], "there is no icon here");
        assert!(settings.contains(&json!({"_id": "uniqueID", "value": "aB2cD3eF4gH5jK6mN"})));
        assert!(settings.contains(&json!({"_id": "Accounts_EmailVerification", "value": true})));
        assert!(settings.contains(&json!({"_id": "Accounts_Password_Policy_MinLength", "value": 14})));
    }
}

#[tokio::test]
async fn public_settings_are_ordered_by_id() {
    let response = get(config(), "/api/v1/settings.public?count=0").await;
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let settings = answer["settings"].as_array().unwrap();
    let ids: Vec<_> = settings.iter().map(|setting| setting["_id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(answer["total"], ids.len());
    assert!(settings.contains(&json!({"_id": "Site_Name", "value": "Chat"})));
}

#[tokio::test]
async fn there_are_no_other_services_to_sign_in_with() {
    for (path, expected) in [
        ("/api/v1/settings.oauth", r#"{"services":[],"success":true}"#),
        ("/api/v1/service.configurations", r#"{"configurations":[],"success":true}"#),
        ("/api/v1/pw.getPolicy", r#"{"enabled":false,"policy":[],"success":true}"#),
    ] {
        let response = get(config(), path).await;
        assert_eq!((response.status().as_u16(), text(&response)), (200, expected));
    }
}

#[tokio::test]
async fn password_policy_has_only_the_rules_that_are_on() {
    let policy = PasswordPolicy {
        min_length: None,
        max_length: Some(64),
        max_repeats: None,
        lowercase: false,
        uppercase: false,
        number: true,
        special: false,
    };
    let response = get(Config { password_policy: Some(policy), ..config() }, "/api/v1/pw.getPolicy").await;
    assert_eq!(
        text(&response),
        concat!(
            r#"{"enabled":true,"policy":[["get-password-policy-maxLength",{"maxLength":64}],"#,
            r#"["get-password-policy-mustContainAtLeastOneNumber"]],"success":true}"#
        )
    );
}

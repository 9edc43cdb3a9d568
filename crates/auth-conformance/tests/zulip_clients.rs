//! Zulip's published clients, unchanged, against `auth-server dev`: they log in, use their API key, and report a wrong
//! password in their own way. The apps for phones are represented by their requests.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::{DevServer, server_binary};
use serde_json::{Value, json};

const EMAIL: &str = "iago@zulip.com";
const PASSWORD: &str = "abcd1234";

fn start() -> (DevServer, String) {
    let server = DevServer::start(&server_binary().unwrap()).unwrap();
    let url = server.url();
    (server, url)
}

/// Checks that a client prints the user's profile, and for a wrong password the server's error.
fn check(client: impl Fn() -> Client) {
    let (server, url) = start();
    let (logged_in, profile) = client().log_in(&[&url, EMAIL, PASSWORD]).unwrap();
    assert!(logged_in, "{profile}");
    assert_eq!((&profile["user_id"], &profile["email"]), (&5.into(), &EMAIL.into()));
    let (logged_in, refusal) = client().log_in(&[&url, EMAIL, "wrong"]).unwrap();
    assert!(!logged_in);
    assert_eq!(refusal["code"], "AUTHENTICATION_FAILED", "{refusal}");
    server.stop().unwrap();
}

#[test]
fn python_zulip() {
    check(|| Client::python("zulip_client.py").unwrap());
}

#[test]
fn node_zulip_js() {
    check(|| Client::node("zulip_client.js").unwrap());
}

#[test]
fn zulip_terminal_gets_a_key_by_its_own_function() {
    let (server, url) = start();
    let (logged_in, printed) =
        Client::python("zulip_term_login.py").unwrap().log_in(&[&url, EMAIL, PASSWORD]).unwrap();
    assert!(logged_in, "{printed}");
    assert_eq!(printed["labels"], json!(["Email: "]), "the label follows from server_settings");
    assert_eq!(printed["login_id"], EMAIL);
    assert_eq!(printed["answer"]["api_key"].as_str().map(str::len), Some(32));
    let (logged_in, printed) =
        Client::python("zulip_term_login.py").unwrap().log_in(&[&url, EMAIL, "wrong"]).unwrap();
    assert!(!logged_in);
    assert_eq!(
        (&printed["status"], &printed["answer"]["code"]),
        (&401.into(), &"AUTHENTICATION_FAILED".into())
    );
    server.stop().unwrap();
}

#[test]
fn node_zulip_js_with_a_slash_at_the_end() {
    let (server, url) = start();
    let client = Client::node("zulip_client.js").unwrap();
    let (logged_in, profile) = client.log_in(&[format!("{url}/").as_str(), EMAIL, PASSWORD]).unwrap();
    assert!(logged_in, "{profile}");
    assert_eq!((&profile["user_id"], &profile["email"]), (&5.into(), &EMAIL.into()));
    server.stop().unwrap();
}

#[test]
fn zulip_terminal_gets_a_key_from_a_server_with_a_slash_at_the_end() {
    let (server, url) = start();
    let client = Client::python("zulip_term_login.py").unwrap();
    let (logged_in, printed) = client.log_in(&[format!("{url}/").as_str(), EMAIL, PASSWORD]).unwrap();
    assert!(logged_in, "{printed}");
    assert_eq!(printed["labels"], json!(["Email: "]), "the label follows from server_settings");
    server.stop().unwrap();
}

#[test]
fn zulip_terminal_on_a_terminal_asks_again_and_writes_its_zuliprc() {
    let (server, url) = start();
    let client = Client::python("zulip_term_program.py").unwrap();
    let file = client.home().join("zuliprc").to_string_lossy().into_owned();
    let (_, printed) = client.log_in(&[&url, EMAIL, PASSWORD, &file]).unwrap();
    assert_eq!((&printed["refused"], &printed["saved"]), (&true.into(), &true.into()), "{printed}");
    assert_eq!(printed["mode"], 0o600);
    let written = printed["written"].as_str().unwrap();
    let value = |name: &str| {
        written.lines().find_map(|line| line.strip_prefix(&format!("{name}="))).unwrap().to_owned()
    };
    assert_eq!((value("email").as_str(), value("site")), (EMAIL, url.clone()));
    let me = Request::new("GET", "/api/v1/users/me").basic(EMAIL, &value("key"));
    assert_eq!(server.send(&me).unwrap().json().unwrap()["user_id"], 5, "the key that the client wrote");
    server.stop().unwrap();
}

type Predicate = fn(&Value) -> bool;

/// The login of an app, request by request as the app sends them.
struct App {
    user_agent: &'static str,
    /// The path of the first request.
    settings: &'static str,
    /// The content type that the app sends with every request, GET or not.
    content_type: Option<&'static str>,
    /// The form of the login.
    form: &'static str,
    /// The values that the app reads in the server's settings, and what it needs of them.
    reads: &'static [(&'static str, Predicate)],
    /// The values that the app takes from the response to its login.
    takes: &'static [&'static str],
}

/// From the table of clients in docs/contract/zulip.md, section 8.
const APPS: [App; 2] = [
    App {
        user_agent: "ZulipFlutter/30.0.274+274 (Android 14)",
        settings: "/api/v1/server_settings",
        content_type: None,
        form: "username=iago%40zulip.com&password=abcd1234",
        reads: &[
            ("/authentication_methods/ldap", Value::is_boolean),
            ("/external_authentication_methods", Value::is_array),
            ("/zulip_feature_level", |level| level.as_i64() >= Some(277)),
            ("/zulip_version", Value::is_string),
            ("/zulip_merge_base", Value::is_string),
            ("/push_notifications_enabled", Value::is_boolean),
            ("/is_incompatible", |value| value == &Value::Bool(false)),
            ("/email_auth_enabled", Value::is_boolean),
            ("/require_email_format_usernames", Value::is_boolean),
            ("/realm_uri", Value::is_string),
            ("/realm_name", Value::is_string),
            ("/realm_icon", Value::is_string),
            ("/realm_description", Value::is_string),
            ("/realm_web_public_access_enabled", Value::is_boolean),
        ],
        takes: &["api_key", "email", "user_id"],
    },
    App {
        user_agent: "ZulipMobile/27.232 (Android 13)",
        settings: "/api/v1/server_settings?",
        content_type: Some("application/x-www-form-urlencoded; charset=utf-8"),
        form: "username=iago%40zulip.com&password=abcd1234",
        reads: &[
            ("/zulip_version", |version| {
                let major = version.as_str().and_then(|text| text.split('.').next()?.parse::<u32>().ok());
                major >= Some(7)
            }),
            ("/realm_name", Value::is_string),
            ("/realm_uri", Value::is_string),
            ("/authentication_methods/password", Value::is_boolean),
            ("/external_authentication_methods", Value::is_array),
        ],
        takes: &["email", "api_key"],
    },
];

#[test]
fn phone_apps_find_every_value_that_they_read() {
    let (server, url) = start();
    for app in APPS {
        let request = |method: &str, path: &str| {
            let request = Request::new(method, path).header("User-Agent", app.user_agent);
            app.content_type.map_or(request.clone(), |kind| request.header("Content-Type", kind))
        };
        let settings = server.send(&request("GET", app.settings)).unwrap();
        assert_eq!(settings.status, 200, "{}", app.user_agent);
        let settings = settings.json().unwrap();
        for (pointer, predicate) in app.reads {
            assert!(
                settings.pointer(pointer).is_some_and(predicate),
                "{}: {pointer} in {settings}",
                app.user_agent
            );
        }
        assert_eq!(settings["realm_uri"], url, "later requests go there");

        let log_in = |form: &str| {
            let mut log_in = request("POST", "/api/v1/fetch_api_key");
            log_in.headers.retain(|(name, _)| name != "Content-Type");
            log_in.body = form.as_bytes().to_vec();
            log_in.header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        };
        let response = server.send(&log_in(app.form)).unwrap();
        let granted = response.json().unwrap();
        assert_eq!(response.status, 200, "{}: {granted}", app.user_agent);
        for name in app.takes {
            assert!(!granted[name].is_null(), "{}: {name} in {granted}", app.user_agent);
        }

        let response = server.send(&log_in(&app.form.replace(PASSWORD, "wrong%20one"))).unwrap();
        let refused = response.json().unwrap();
        assert_eq!(response.status, 401, "the app takes 400 or 403 for another error");
        assert_eq!(refused["result"], "error", "{refused}");
        assert!(refused["msg"].is_string() && refused["code"].is_string(), "{refused}");

        // The first call of a session. The status 401 logs the app out.
        let key = granted["api_key"].as_str().unwrap().to_owned();
        let me = request("GET", "/api/v1/users/me").basic(EMAIL, &key);
        assert_eq!(server.send(&me).unwrap().json().unwrap()["user_id"], 5);
        let me = request("GET", "/api/v1/users/me").basic(EMAIL, &"x".repeat(32));
        assert_eq!(server.send(&me).unwrap().status, 401);
    }
    server.stop().unwrap();
}

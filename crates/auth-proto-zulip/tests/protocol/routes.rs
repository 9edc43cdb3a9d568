//! Behaviour that no transcript shows: settings, methods, pages and the order of checks.

use auth_core::{Answer, BodyTooLarge, Timestamp};
use auth_proto_zulip::Config;
use serde_json::{Value, json};

use crate::server::{Server, body, header, request};
use crate::world::Ways;

pub(crate) const USERS: &str = concat!(
    r#"{"kind":"realm","realm":"main","subdomain":"","name":"Main"}"#,
    "\n",
    r#"{"kind":"realm","realm":"corp","subdomain":"corp","name":"Corp","backends":["ldap"]}"#,
    "\n",
    r#"{"kind":"realm","realm":"both","subdomain":"both","name":"Both","backends":["local","ldap"]}"#,
    "\n",
    r#"{"kind":"realm","realm":"shut","subdomain":"shut","name":"Shut","password_login":false}"#,
    "\n",
    r#"{"kind":"user","realm":"main","id":5,"email":"iago@zulip.com","full_name":"Iago","password":"abcd1234","zulip_api_key":"gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv"}"#,
    "\n",
    r#"{"kind":"user","realm":"main","id":6,"email":"bot@zulip.com","full_name":"Bot","bot":"default","zulip_api_key":"Qm7sDLUExQ2w5QhV1mZ7yPj0cT9aKf3R"}"#,
    "\n",
    r#"{"kind":"user","realm":"corp","id":7,"email":"hamlet","full_name":"Hamlet","password":"secret","zulip_api_key":"X1WT4LyLFTp8ybKRbTVXs3UPzvG0CkCZ"}"#,
);

/// iago's address and key.
pub(crate) const IAGO: (&str, &str) =
    ("authorization", "Basic aWFnb0B6dWxpcC5jb206Z2pBMDRaWWNxWEthbHZZTUE4T2VYU2Z6VU9McnRiWnY=");

/// The bot's address and key.
const BOT: (&str, &str) =
    ("authorization", "Basic Ym90QHp1bGlwLmNvbTpRbTdzRExVRXhRMnc1UWhWMW1aN3lQajBjVDlhS2YzUg==");

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
pub(crate) const FETCH: &str = "/api/v1/fetch_api_key";
pub(crate) const ME: &str = "/api/v1/users/me";
const REGENERATE: &str = "/api/v1/users/me/api_key/regenerate";
const SETTINGS: &str = "/api/v1/server_settings";
const NEVER: Option<&str> = Some("max-age=0, no-cache, no-store, must-revalidate, private");

pub(crate) fn config() -> Config {
    Config { external_host: "zulip.example.org".into(), feature_level: 387, ..Config::default() }
}

fn server(config: Config) -> Server {
    let ways = Ways { development: config.development, ..Ways::default() };
    Server::new(config, USERS, ways)
}

pub(crate) fn parsed(answer: &Answer) -> Value {
    serde_json::from_str(body(answer)).unwrap()
}

#[tokio::test]
async fn method_in_the_form_replaces_the_verb() {
    let server = server(config());
    for (path, form, status) in [
        (ME, "method=GET", 200),
        (ME, "method=HEAD", 200),
        (ME, "method=DELETE", 403),
        (ME, "method=POST", 405),
        (ME, "method=get", 405),
        (ME, "method=", 405),
        (ME, "", 405),
        (REGENERATE, "method=POST", 200),
        (REGENERATE, "method=GET", 405),
    ] {
        let answer = server.send(request("POST", path, [IAGO, FORM], form)).await;
        assert_eq!(answer.response.status().as_u16(), status, "{path} {form}");
    }
    // Only a form's: neither the query's, nor that of another verb.
    let answer = server.send(request("POST", "/api/v1/users/me?method=GET", [IAGO, FORM], "")).await;
    assert_eq!(answer.response.status(), 405);
    let answer = server.send(request("PUT", ME, [IAGO, FORM], "method=GET")).await;
    assert_eq!(answer.response.status(), 405);
}

#[tokio::test]
async fn methods_are_checked_before_the_credential() {
    let server = server(config());
    server.set_clock(Timestamp::from_secs(1_795_306_464));
    for (method, path, status, allow) in [
        ("OPTIONS", ME, 204, "DELETE, GET, HEAD"),
        ("OPTIONS", REGENERATE, 204, "POST"),
        ("PUT", ME, 405, "GET, DELETE, HEAD"),
        ("TRACE", ME, 405, "GET, DELETE, HEAD"),
        ("GET", REGENERATE, 405, "POST"),
        ("GET", "/json/fetch_api_key", 405, "POST"),
    ] {
        let answer = server.send(request(method, path, [], "")).await;
        assert_eq!(answer.response.status().as_u16(), status, "{method} {path}");
        assert_eq!(header(&answer, "allow"), Some(allow));
        assert_eq!(header(&answer, "cache-control"), NEVER);
        assert_eq!(header(&answer, "expires"), Some("Sun, 22 Nov 2026 00:14:24 GMT"));
    }
}

#[tokio::test]
async fn browsers_are_sent_to_the_login_page() {
    let server = server(config());
    let browser = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    for (path, location, cached) in [
        (ME, "/login/?next=%2Fapi%2Fv1%2Fusers%2Fme", NEVER),
        ("/api/v1/users/me?a=b", "/login/?next=%2Fapi%2Fv1%2Fusers%2Fme", NEVER),
        // As recorded.
        ("/json/users/me", "/login/?next=%2Fjson%2Fusers%2Fme", None),
    ] {
        let answer = server.send(request("GET", path, [browser], "")).await;
        assert_eq!(answer.response.status(), 302, "{path}");
        assert_eq!(header(&answer, "location"), Some(location));
        assert_eq!((header(&answer, "cache-control"), body(&answer)), (cached, ""));
    }
    let answer = server.send(request("GET", ME, [browser, IAGO], "")).await;
    assert_eq!(answer.response.status(), 200);
}

#[tokio::test]
async fn keys_do_not_authenticate_below_json() {
    let server = server(config());
    for (method, path) in [("GET", "/json/users/me"), ("POST", "/json/fetch_api_key")] {
        let answer = server.send(request(method, path, [IAGO], "")).await;
        assert_eq!(answer.response.status(), 401, "{path}");
        assert_eq!(header(&answer, "www-authenticate"), Some("Session realm=\"zulip\""));
        assert_eq!(header(&answer, "cache-control"), None);
    }
}

#[tokio::test]
async fn no_user_deletes_an_account() {
    let server = server(config());
    let answer = server.send(request("DELETE", ME, [IAGO], "")).await;
    assert_eq!(answer.response.status(), 403);
    assert_eq!(header(&answer, "content-type"), Some("application/json"));
    assert_eq!(
        (&parsed(&answer)["result"], &parsed(&answer)["code"]),
        (&json!("error"), &json!("BAD_REQUEST"))
    );
    let answer = server.send(request("DELETE", ME, [], "")).await;
    assert_eq!(answer.response.status(), 401);
}

#[tokio::test]
async fn new_key_comes_with_the_parameters_that_were_ignored() {
    let server = server(config());
    for (form, expected) in [
        ("", r#"{"result":"success","msg":"","api_key":"00000000000000000000000000000005"}"#),
        (
            "b=1&a=2&client=x",
            r#"{"result":"success","msg":"","api_key":"00000000000000000000000000000005","ignored_parameters_unsupported":["a","b"]}"#,
        ),
    ] {
        let answer = server.send(request("POST", REGENERATE, [IAGO, FORM], form)).await;
        assert_eq!(body(&answer).strip_suffix('\n'), Some(expected));
        assert_eq!(header(&answer, "cache-control"), NEVER);
        assert_eq!(header(&answer, "vary"), Some("Accept-Language"));
    }
    let answer = server.send(request("GET", "/api/v1/users/me?a=b", [IAGO], "")).await;
    assert_eq!(parsed(&answer).get("ignored_parameters_unsupported"), None);
}

#[tokio::test]
async fn bots_are_shown_with_their_kind_and_without_profile_data() {
    let answer = server(config()).send(request("GET", ME, [BOT], "")).await;
    let expected = concat!(
        r#"{"result":"success","msg":"","email":"bot@zulip.com","user_id":6,"avatar_version":1,"is_admin":false,"#,
        r#""is_owner":false,"is_guest":false,"role":400,"is_bot":true,"full_name":"Bot","timezone":"","#,
        r#""is_active":true,"date_joined":"2026-10-23T00:03+00:00","delivery_email":"bot@zulip.com","#,
        r#""avatar_url":"/avatar/6?version=1","bot_type":1,"bot_owner_id":null,"max_message_id":-1}"#,
        "\n"
    );
    assert_eq!(body(&answer), expected);
}

#[tokio::test]
async fn newer_feature_levels_have_newer_keys() {
    for (feature_level, stub, discord) in [(432, false, false), (433, true, false), (489, true, true)] {
        let server = server(Config { feature_level, ..config() });
        let me = parsed(&server.send(request("GET", ME, [IAGO], "")).await);
        assert_eq!(me.get("is_imported_stub"), stub.then_some(&json!(false)), "{feature_level}");
        let settings = parsed(&server.send(request("GET", SETTINGS, [], "")).await);
        assert_eq!(settings["authentication_methods"].get("discord"), discord.then_some(&json!(false)));
    }
}

#[tokio::test]
async fn server_settings_tell_the_login_methods() {
    let server = server(config());
    for (host, password, email, ldap, formal) in [
        ("zulip.example.org", true, true, false, true),
        ("corp.zulip.example.org", true, false, true, false),
        ("both.zulip.example.org", true, true, true, false),
        ("shut.zulip.example.org", false, false, false, true),
    ] {
        let settings = parsed(&server.send(request("GET", SETTINGS, [("host", host)], "")).await);
        let methods = &settings["authentication_methods"];
        let told = json!([methods["password"], methods["email"], methods["ldap"]]);
        assert_eq!(told, json!([password, email, ldap]), "{host}");
        assert_eq!(settings["email_auth_enabled"], email, "{host}");
        assert_eq!(settings["require_email_format_usernames"], formal, "{host}");
        assert_eq!(settings["realm_uri"], format!("https://{host}"));
    }
}

#[tokio::test]
async fn server_settings_tell_where_passwords_are_switched_off() {
    let server = server(Config { password_login: false, ..config() });
    for host in ["zulip.example.org", "both.zulip.example.org", "shut.zulip.example.org"] {
        let settings = parsed(&server.send(request("GET", SETTINGS, [("host", host)], "")).await);
        let methods = &settings["authentication_methods"];
        let told = json!([methods["password"], methods["email"], methods["ldap"]]);
        assert_eq!(told, json!([false, false, false]), "{host}");
        assert_eq!(settings["email_auth_enabled"], false, "{host}");
    }
}

#[tokio::test]
async fn realms_with_a_directory_take_any_name() {
    let server = server(config());
    let form = "username=hamlet&password=secret";
    for (host, status) in [("corp.zulip.example.org", 200), ("zulip.example.org", 400)] {
        let answer = server.send(request("POST", FETCH, [("host", host), FORM], form)).await;
        assert_eq!(answer.response.status().as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn one_realm_can_serve_every_host() {
    let config = Config {
        url_scheme: "http".into(),
        default_realm: Some("main".into()),
        development: true,
        ..Config::default()
    };
    let server = server(config);
    let form = "username=iago@zulip.com&password=abcd1234";
    for host in ["127.0.0.1:8080", "corp.zulip.example.org", "elsewhere.example"] {
        let answer = server.send(request("POST", FETCH, [("host", host), FORM], form)).await;
        assert_eq!(answer.response.status(), 200, "{host}");
        let settings = parsed(&server.send(request("GET", SETTINGS, [("host", host)], "")).await);
        assert_eq!(
            (&settings["realm_url"], &settings["realm_name"]),
            (&json!(format!("http://{host}")), &json!("Main"))
        );
    }
    let users = parsed(
        &server.send(request("GET", "/api/v1/dev_list_users", [("host", "127.0.0.1:8080")], "")).await,
    );
    assert_eq!(
        users["direct_users"][0],
        json!({"email": "iago@zulip.com", "realm_url": "http://127.0.0.1:8080"})
    );
}

#[tokio::test]
async fn requests_that_can_not_be_decoded_get_the_bare_page_whatever_the_path() {
    let server = server(config());
    let fields = vec!["a=1"; 1001].join("&");
    let foreign = ("content-type", "application/x-www-form-urlencoded; charset=iso-8859-1");
    let no_boundary = ("content-type", "multipart/form-data");
    let long_query = format!("{FETCH}?{fields}");
    let cases = [
        ("POST", FETCH, vec![foreign], ""),
        ("POST", FETCH, vec![no_boundary], ""),
        ("POST", FETCH, vec![FORM], fields.as_str()),
        ("POST", ME, vec![no_boundary], ""),
        ("POST", "/api/v1/nosuch", vec![no_boundary], ""),
        ("GET", long_query.as_str(), vec![], ""),
        ("GET", SETTINGS, vec![("host", "evil.example.com")], ""),
        ("GET", SETTINGS, vec![("host", "a_b")], ""),
        ("GET", SETTINGS, vec![("host", "zulip.example.org"), ("host", "zulip.example.org")], ""),
    ];
    for (method, path, headers, form) in cases {
        let answer = server.send(request(method, path, headers.clone(), form.to_owned())).await;
        assert_eq!(answer.response.status(), 400, "{method} {path:.40} {headers:?}");
        assert!(body(&answer).contains("<title>Bad Request (400)</title>"));
        assert_eq!(header(&answer, "content-type"), Some("text/html; charset=utf-8"));
        assert_eq!((header(&answer, "vary"), header(&answer, "content-language")), (Some("Cookie"), None));
    }
    let mut too_large = request("POST", FETCH, [FORM], "");
    too_large.extensions_mut().insert(BodyTooLarge);
    assert_eq!(server.send(too_large).await.response.status(), 400);
    // A form is looked at in POST alone.
    let answer = server.send(request("PUT", FETCH, [no_boundary], "")).await;
    assert_eq!(answer.response.status(), 405);
}

#[tokio::test]
async fn request_without_a_host_is_for_its_authority_or_the_root() {
    let server = server(config());
    for (target, name) in
        [(SETTINGS, "Main"), ("http://corp.zulip.example.org/api/v1/server_settings", "Corp")]
    {
        let settings = parsed(&server.send(request("GET", target, [], "")).await);
        assert_eq!(settings["realm_name"], name, "{target}");
    }
}

#[tokio::test]
async fn clients_are_judged_by_their_user_agent() {
    let server = server(config());
    for (headers, status) in [
        (vec![], 400),
        (vec![("user-agent", "ZulipInvalid/5000")], 400),
        (vec![("user-agent", "ZulipMobile/16.2.95 (Android 9)")], 400),
        (vec![("user-agent", "ZulipMobile/27.230 (Android 13)")], 200),
        (vec![("user-agent", "")], 200),
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = server.send(request(method, "/compatibility", headers.clone(), "")).await;
            assert_eq!(answer.response.status().as_u16(), status, "{method} {headers:?}");
        }
    }
    let invalid = [("user-agent", "ZulipInvalid")];
    assert_eq!(parsed(&server.send(request("GET", SETTINGS, invalid, "")).await)["is_incompatible"], true);
}

#[tokio::test]
async fn only_ten_extra_users_are_listed_after_all_others() {
    let mut users = r#"{"kind":"realm","realm":"main","subdomain":"","name":"Main"}"#.to_owned();
    for n in (0..12).rev() {
        users += &format!(
            "\n{{\"kind\":\"user\",\"realm\":\"main\",\"id\":{n},\"email\":\"extrauser{n:02}@example.org\",\"full_name\":\"\",\"zulip_api_key\":\"\"}}"
        );
    }
    users += "\n{\"kind\":\"user\",\"realm\":\"main\",\"id\":50,\"email\":\"zoe@example.org\",\"full_name\":\"\",\"zulip_api_key\":\"\"}";
    let ways = Ways { development: true, ..Ways::default() };
    let server = Server::new(Config { development: true, ..config() }, &users, ways);
    let listed = parsed(&server.send(request("GET", "/api/v1/dev_list_users", [], "")).await);
    let listed = listed["direct_users"].as_array().unwrap();
    assert_eq!((listed.len(), &listed[0]["email"]), (11, &json!("zoe@example.org")));
}

#[tokio::test]
async fn answers_wait_as_long_as_the_reply_says() {
    let server = server(Config { development: true, ..config() });
    server.set_clock(Timestamp::from_secs(1000));
    for (path, form) in [
        (FETCH, "username=iago@zulip.com&password=abcd1234"),
        (FETCH, "username=iago@zulip.com&password=wrong"),
        ("/api/v1/jwt/fetch_api_key", "token=x"),
        ("/api/v1/dev_fetch_api_key", "username=iago@zulip.com"),
    ] {
        let answer = server.send(request("POST", path, [FORM], form)).await;
        assert_eq!(answer.not_before, Some(Timestamp::from_secs(1060)), "{path}");
    }
}

#[tokio::test]
async fn tokens_of_browser_sessions_are_never_known() {
    let server = server(config());
    for (token, has_page) in
        [("short", false), ("", false), (&"aZ09".repeat(8), true), (&"aZ-9".repeat(8), false)]
    {
        let path = format!("/accounts/login/subdomain/{token}");
        let answer = server.send(request("GET", &path, [], "")).await;
        assert_eq!(answer.response.status(), 400, "{token}");
        assert_eq!(!body(&answer).is_empty(), has_page, "{token}");
    }
}

#[tokio::test]
async fn development_endpoints_can_be_switched_off() {
    let server = server(Config { development: true, development_login: false, ..config() });
    for form in ["username=iago%40zulip.com", "username=not+an+address"] {
        let answer = server.send(request("POST", "/api/v1/dev_fetch_api_key", [FORM], form)).await;
        let expected =
            json!({"result": "error", "msg": "DevAuthBackend not enabled.", "code": "BAD_REQUEST"});
        assert_eq!((answer.response.status().as_u16(), parsed(&answer)), (400, expected));
    }
    let settings = parsed(&server.send(request("GET", SETTINGS, [], "")).await);
    assert_eq!(settings["authentication_methods"]["dev"], false);
}

//! One person from the former server to a new password without the phone. At each step the other credentials live or end
//! as docs/revocation.md says.

use auth_conformance::browser::{Browser, Scripts};
use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::pages::{NEW_PASSWORD, PASSWORD, config, make_app_password, reset_link, sign_in, site};
use auth_conformance::{Server, server_binary, totp};
use serde_json::{Value, json};

use crate::fixtures::BOTH;

/// The users of a Rocket.Chat server, as `mongoexport` writes them; the hash is bcrypt over the SHA-256 of the password.
const FORMER: &str = r#"{"_id":"ogheaHPtQXiTv9gFf","username":"USER","name":"Former User","type":"user","active":true,
"emails":[{"address":"USER@example.org","verified":true}],"roles":["user"],"requirePasswordChange":true,
"services":{"password":{"bcrypt":"$2b$10$eImiTXuWVxfM37uY4JANjOewaCo1YiJKRW4ARV1QN8ibij1sNZq86"}}}
"#;

/// The password after the reset.
const LAST_PASSWORD: &str = "eleven quiet otters by the harbour";

/// A session at Rocket.Chat, with a code if one is asked for.
fn chat_session(server: &Server, name: &str, password: &str, code: Option<&str>) -> Request {
    let mut body = json!({"user": name, "password": password});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    let login = server.send(&Request::new("POST", "/api/v1/login").json(&body)).unwrap().json().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{login}")).to_owned();
    Request::new("GET", "/api/v1/me")
        .header("X-User-Id", &text(&login["data"]["userId"]))
        .header("X-Auth-Token", &text(&login["data"]["authToken"]))
}

/// A session at Zettelstore; `None` where the login is refused.
fn notes_session(server: &Server, name: &str, password: &str) -> Option<Request> {
    let login = server.send(&Request::new("POST", "/a").basic(name, password)).unwrap();
    let token = login.json()?["token"].as_str()?.to_owned();
    Some(Request::new("POST", "/x?cmd=authenticated").header("Authorization", &format!("Bearer {token}")))
}

#[test]
fn person_moves_here_protects_the_account_loses_the_phone_and_sets_a_new_password() {
    let browser = Browser::start().unwrap();
    for (name, scripts) in BOTH {
        let mut server = Server::prepare(&server_binary().unwrap(), &config()).unwrap();
        let file = server.dir().join("users.json");
        std::fs::write(&file, FORMER.replace("USER", name)).unwrap();
        let file = file.to_string_lossy().into_owned();
        server.run(&["import", "--config", "@CONFIG@", "--from", "rocketchat", &file], "").unwrap();
        server.serve().unwrap();
        live(&server, &browser, name, scripts);
        server.stop().unwrap();
    }
}

fn live(server: &Server, browser: &Browser, name: &str, scripts: Scripts) {
    let is_good = |session: &Request| server.send(session).unwrap().status < 300;
    let window = browser.open(&site(server), scripts).unwrap();

    // The old password leads to a form for a new one, which ends what came before.
    let former = chat_session(server, name, PASSWORD, None);
    assert!(is_good(&former));
    assert_eq!(sign_in(&window, name, PASSWORD).unwrap().path, "/account/password");
    window.fill("New password", NEW_PASSWORD).unwrap();
    assert_eq!(window.press("Change password").unwrap().path, "/account");
    assert!(!is_good(&former));

    // So does a device, whose key an app reads from the picture.
    let unprotected = chat_session(server, name, NEW_PASSWORD, None);
    assert!(is_good(&unprotected));
    window.go("/account/two-step").unwrap();
    window.press("Set up an authenticator app").unwrap();
    let content = window.decode("svg.qr").unwrap().unwrap();
    let secret = content.split_once("secret=").unwrap().1.split('&').next().unwrap();
    window.fill("Code that the app shows", &totp(secret, 0).unwrap()).unwrap();
    assert_eq!(window.press("Turn on two-step sign-in").unwrap().heading, "Your backup codes");
    let codes = window.texts(".codes li").unwrap();
    assert!(!is_good(&unprotected));

    // A real client of Rocket.Chat logs in with a code, and not without.
    let url = server.url();
    let client = |code: &[&str]| {
        let arguments = [&[url.as_str(), name, NEW_PASSWORD], code].concat();
        Client::node("api_client.js").unwrap().log_in(&arguments).unwrap()
    };
    assert_eq!(client(&[]).1["error"], "totp-required");
    let (logged_in, me) = client(&[&totp(secret, 1).unwrap()]);
    assert_eq!((logged_in, &me["username"]), (true, &json!(name)), "{me}");
    let chat = chat_session(server, name, NEW_PASSWORD, Some(&codes[0]));

    // Zettelstore knows no second step: it takes an app password, and the password alone no longer.
    let app_password = make_app_password(&window, "Notes", Some("Zettelstore")).unwrap();
    assert!(notes_session(server, name, NEW_PASSWORD).is_none());
    let notes = notes_session(server, name, &app_password).unwrap();
    assert!(is_good(&notes) && is_good(&chat));

    // Without the phone a backup code signs in, and nothing ends.
    let other = browser.open(&site(server), scripts).unwrap();
    sign_in(&other, name, NEW_PASSWORD).unwrap();
    other.fill("Code", &codes[1]).unwrap();
    assert_eq!(other.press("Continue").unwrap().path, "/account");
    assert!(is_good(&notes) && is_good(&chat) && window.go("/account").unwrap().path == "/account");

    // A mailed link sets a new password, which ends everything but the second step.
    let visitor = browser.open(&site(server), scripts).unwrap();
    let link = reset_link(server, &visitor, &format!("{name}@example.org"), &[]).unwrap();
    visitor.go(&link).unwrap();
    visitor.fill("New password", LAST_PASSWORD).unwrap();
    assert_eq!(visitor.press("Set password").unwrap().heading, "Your password is set");
    assert!(!is_good(&notes) && !is_good(&chat));
    assert!(notes_session(server, name, &app_password).is_none());
    for window in [&window, &other] {
        assert_eq!(window.go("/account").unwrap().path, "/sign-in");
    }
    let asked = sign_in(&visitor, name, LAST_PASSWORD).unwrap();
    assert_eq!(asked.heading, "Second step", "{asked:?}");
    visitor.fill("Code", &codes[2]).unwrap();
    assert_eq!(visitor.press("Continue").unwrap().path, "/account");
    for window in [&window, &other, &visitor] {
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new());
    }
}

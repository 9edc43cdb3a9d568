//! Zulip's apps: they open the log-in page in a browser with a one-time pad, and the browser ends at an address `zulip:` that
//! holds the account's key.

use auth_conformance::browser::{Browser, Scripts, Window};
use auth_conformance::client::Client;
use auth_conformance::http::Request;
use auth_conformance::oracle::web_auth;
use auth_conformance::pages::{self, NEW_PASSWORD, PASSWORD, USERS, config, site};
use auth_conformance::{Server, ServerConfig, server_binary, totp};
use serde_json::{Value, json};

const PAD: &str = "1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd";
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn zulip() -> ServerConfig {
    config()
        .set("zulip.external_host", "localhost:@PORT@")
        .set("zulip.realm_hosts", json!({"localhost:@PORT@": "club"}))
        .set("zulip.web", true)
        .set("zulip.web_method", json!({}))
}

fn start() -> Server {
    Server::start(&server_binary().unwrap(), &zulip(), USERS).unwrap()
}

/// The address that an app opens: `realm_uri` with the `login_url` of our own way to log in, and nothing but its pad.
fn address(server: &Server) -> String {
    let settings = server.send(&Request::new("GET", "/api/v1/server_settings")).unwrap().json().unwrap();
    let methods = settings["external_authentication_methods"].as_array().unwrap();
    let method = methods.iter().find(|method| method["name"] == "web").unwrap();
    let path = method["login_url"].as_str().unwrap();
    assert!(path.starts_with('/') && !path.contains('?'), "{path}");
    format!("{}{path}?mobile_flow_otp={PAD}", settings["realm_uri"].as_str().unwrap())
}

fn give_password(window: &Window<'_>, name: &str, password: &str) {
    window.fill("Email", &format!("{name}@example.org")).unwrap();
    window.fill("Password", password).unwrap();
}

/// Presses the button that leads back to the app, and returns the key that both apps find.
fn continue_to_app(window: &Window<'_>, server: &Server, email: &str) -> String {
    let address = window.leave("Continue to the app").unwrap();
    let found = web_auth::flutter(&address, &site(server)).unwrap_or_else(|| panic!("{address}"));
    assert_eq!(found.email, email, "{address}");
    let key = found.api_key(PAD).unwrap();
    let by_mobile = web_auth::mobile(&address, &site(server), PAD).unwrap();
    assert_eq!(by_mobile.api_key_by_digits(PAD).as_deref(), Some(key.as_str()), "{address}");
    let me = server.send(&Request::new("GET", "/api/v1/users/me").basic(email, &key)).unwrap();
    assert_eq!((me.status, &me.json().unwrap()["user_id"]), (200, &json!(found.user_id)), "{address}");
    key
}

#[test]
fn account_with_a_second_factor_gets_into_an_app_by_the_browser_alone() {
    let (server, browser) = (start(), Browser::start().unwrap());
    let api = Request::new("POST", "/api/v1/fetch_api_key")
        .form("username=tess%40example.org&password=correct+horse+battery");
    assert_eq!(server.send(&api).unwrap().status, 401, "no call of the API takes a second factor");
    for (scripts, step) in [(Scripts::On, 0), (Scripts::Off, 1)] {
        let window = browser.open(&site(&server), scripts).unwrap();
        window.go(&address(&server)).unwrap();
        give_password(&window, "tess", "not the password");
        let refused = window.press("Log in").unwrap();
        assert_eq!(refused.alert, "Incorrect email or password.", "{refused:?}");
        give_password(&window, "tess", PASSWORD);
        let asked = window.press("Log in").unwrap();
        assert!(asked.text.contains("Code"), "{asked:?}");
        window.fill("Code", "000000").unwrap();
        let wrong = window.press("Log in").unwrap();
        assert_eq!(
            wrong.alert, "Invalid token. Please make sure you have entered it correctly.",
            "{wrong:?}"
        );
        window.fill("Code", &totp(SECRET, step).unwrap()).unwrap();
        let page = window.press("Log in").unwrap();
        assert!(page.text.contains("tess@example.org"), "the page names the account: {page:?}");
        let key = continue_to_app(&window, &server, "tess@example.org");
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new());

        // The key serves Zulip's own programs.
        let arguments = [server.url(), "tess@example.org".to_owned(), key];
        let (works, profile) = Client::python("zulip_key_client.py").unwrap().log_in(&arguments).unwrap();
        assert_eq!((works, &profile["user_id"]), (true, &json!(6)), "{profile}");
        let client = Client::python("zulip_term_key.py").unwrap();
        let file = client.home().join("zuliprc").to_string_lossy().into_owned();
        let (works, profile) = client.log_in(&[arguments.as_slice(), &[file]].concat()).unwrap();
        assert_eq!((works, &profile["user_id"]), (true, &json!(6)), "{profile}");
    }
    let mut server = server;
    server.stop().unwrap();
}

#[test]
fn browser_that_is_signed_in_is_asked_before_a_key_leaves() {
    let (mut server, browser) = (start(), Browser::start().unwrap());
    let window = browser.open(&site(&server), Scripts::On).unwrap();
    window.go("/accounts/login/").unwrap();
    give_password(&window, "ada", PASSWORD);
    window.press("Log in").unwrap();
    let address = address(&server);
    // A pad that is none leads nowhere.
    assert_eq!(window.go(&address.replace(PAD, "1234")).unwrap().status, 400);
    let asked = window.go(&address).unwrap();
    assert_eq!((asked.status, asked.heading.as_str()), (200, "Continue to the app"), "{asked:?}");
    assert!(asked.text.contains("ada@example.org"), "{asked:?}");
    continue_to_app(&window, &server, "ada@example.org");
    server.stop().unwrap();
}

#[test]
fn whoever_has_signed_in_at_the_pages_of_this_server_is_asked_and_goes_on() {
    let (mut server, browser) = (start(), Browser::start().unwrap());
    for scripts in [Scripts::On, Scripts::Off] {
        let window = browser.open(&site(&server), scripts).unwrap();
        assert_eq!(pages::sign_in(&window, "ada", PASSWORD).unwrap().path, "/account");
        let page = window.go(&address(&server)).unwrap();
        assert_eq!(page.heading, "Continue to the app", "{page:?}");
        continue_to_app(&window, &server, "ada@example.org");
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new(), "{scripts:?}");
    }
    server.stop().unwrap();
}

#[test]
fn pages_of_zulip_bar_nobody() {
    let (mut server, browser) = (start(), Browser::start().unwrap());
    let window = browser.open(&site(&server), Scripts::On).unwrap();
    let is_open = |window: &Window<'_>, page: &str| {
        assert_eq!(window.barriers().unwrap(), Vec::<String>::new(), "{page}");
    };
    for page in ["/login/", "/accounts/password/reset/", "/accounts/login/nosuch", &address(&server)] {
        window.go(page).unwrap();
        is_open(&window, page);
    }
    give_password(&window, "tess", PASSWORD);
    window.press("Log in").unwrap();
    is_open(&window, "code");
    window.fill("Code", &totp(SECRET, 0).unwrap()).unwrap();
    window.press("Log in").unwrap();
    is_open(&window, "to the app");
    let other = browser.open(&site(&server), Scripts::On).unwrap();
    other.go("/login/").unwrap();
    give_password(&other, "moved", PASSWORD);
    other.press("Log in").unwrap();
    is_open(&other, "new password");
    server.stop().unwrap();
}

#[test]
fn password_that_is_due_is_changed_on_the_way_to_the_app() {
    let (mut server, browser) = (start(), Browser::start().unwrap());
    let window = browser.open(&site(&server), Scripts::Off).unwrap();
    window.go(&address(&server)).unwrap();
    give_password(&window, "moved", PASSWORD);
    let due = window.press("Log in").unwrap();
    assert!(due.text.contains("New password"), "{due:?}");
    window.fill("New password", NEW_PASSWORD).unwrap();
    window.press("Change password").unwrap();
    continue_to_app(&window, &server, "moved@example.org");
    server.stop().unwrap();
}

#[test]
fn session_of_a_while_ago_logs_in_anew_before_an_app_gets_in() {
    let browser = Browser::start().unwrap();
    let mut server = Server::prepare(&server_binary().unwrap(), &zulip()).unwrap();
    server.import(USERS).unwrap();
    server.shift_clock("-16m");
    server.serve().unwrap();
    let window = browser.open(&site(&server), Scripts::On).unwrap();
    window.go("/accounts/login/").unwrap();
    give_password(&window, "ada", PASSWORD);
    window.press("Log in").unwrap();
    server.shift_clock("+0");
    server.restart().unwrap();
    let asked = window.go(&address(&server)).unwrap();
    assert!(!asked.text.contains("Continue to the app"), "{asked:?}");
    give_password(&window, "ada", PASSWORD);
    window.press("Log in").unwrap();
    continue_to_app(&window, &server, "ada@example.org");
    let known: Value = server.send(&Request::new("GET", "/api/v1/server_settings")).unwrap().json().unwrap();
    assert_eq!(known["realm_uri"], site(&server));
    server.stop().unwrap();
}

//! Zulip's log-in pages: an app opens the browser with a pad, and the browser calls the app with a key.

use auth_conformance::browser::{Browser, Scripts, Window};
use auth_conformance::http::Request;
use auth_conformance::pages::{self, NEW_PASSWORD, PASSWORD, USERS, config, site};
use auth_conformance::{Server, server_binary, totp};
use data_encoding::HEXLOWER;

/// The secret of Tess's device.
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

const PAD: &str = "7be388941234abcd7be388941234abcd7be388941234abcd7be388941234abcd";
const START: &str = "/accounts/login/start/web/?mobile_flow_otp=7be388941234abcd7be388941234abcd7be388941234abcd7be388941234abcd";

fn server() -> Server {
    let config = config().set("zulip.web", true).set("zulip.external_host", "localhost:@PORT@");
    Server::start(&server_binary().unwrap(), &config, USERS).unwrap()
}

/// The value of a key in the query of an address.
fn value<'a>(address: &'a str, name: &str) -> &'a str {
    let (_, query) = address.split_once('?').unwrap();
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

/// Whether the key that an app gets at an address is one that Zulip's API takes.
fn lets_in(server: &Server, address: &str, of: &str) {
    assert!(address.starts_with("zulip://login?otp_encrypted_api_key="), "{address}");
    assert_eq!(value(address, "email"), of.replace('@', "%40"));
    let realm = format!("http%3A%2F%2Flocalhost%3A{}", server.address().port());
    assert_eq!(value(address, "realm"), realm);
    let bytes = |digits: &str| HEXLOWER.decode(digits.as_bytes()).unwrap();
    let encrypted = bytes(value(address, "otp_encrypted_api_key"));
    let key: Vec<u8> = encrypted.iter().zip(bytes(PAD)).map(|(byte, pad)| byte ^ pad).collect();
    let key = String::from_utf8(key).unwrap();
    let answer = server.send(&Request::new("GET", "/api/v1/users/me").basic(of, &key)).unwrap();
    assert_eq!(answer.status, 200, "{key}");
}

fn sign_in(window: &Window<'_>, address: &str) {
    window.fill("Email", address).unwrap();
    window.fill("Password", PASSWORD).unwrap();
}

/// Runs a test in a browser with scripts and in one without. Neither may complain, such as of a policy that forbids the way to
/// the app.
fn with_and_without_scripts(test: impl Fn(&Server, &Window<'_>)) {
    let browser = Browser::start().unwrap();
    for scripts in [Scripts::On, Scripts::Off] {
        let server = server();
        let window = browser.open(&site(&server), scripts).unwrap();
        test(&server, &window);
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new(), "{scripts:?}");
    }
}

#[test]
fn account_with_a_device_gets_into_an_app_of_zulip() {
    with_and_without_scripts(|server, window| {
        window.go(START).unwrap();
        sign_in(window, "tess@example.org");
        let asked = window.press("Log in").unwrap();
        assert_eq!(asked.heading, "Log in to the app", "{asked:?}");
        window.fill("Code", "000000").unwrap();
        let wrong = window.press("Log in").unwrap();
        assert_eq!(wrong.alert, "Invalid token. Please make sure you have entered it correctly.");
        window.fill("Code", &totp(SECRET, 0).unwrap()).unwrap();
        let page = window.press("Log in").unwrap();
        assert_eq!((page.status, page.heading.as_str()), (200, "Continue to the app"), "{page:?}");
        assert!(page.text.contains("Tess") && page.text.contains("Chess Club"), "{page:?}");
        lets_in(server, &window.leave("Continue to the app").unwrap(), "tess@example.org");
    });
}

#[test]
fn whoever_has_signed_in_at_the_pages_of_this_server_is_asked_and_goes_on() {
    with_and_without_scripts(|server, window| {
        let page = pages::sign_in(window, "ada", PASSWORD).unwrap();
        assert_eq!(page.path, "/account", "{page:?}");
        let page = window.go(START).unwrap();
        assert_eq!(page.heading, "Continue to the app", "{page:?}");
        lets_in(server, &window.leave("Continue to the app").unwrap(), "ada@example.org");
    });
}

#[test]
fn password_that_is_due_is_changed_on_the_way_to_an_app() {
    with_and_without_scripts(|server, window| {
        window.go(START).unwrap();
        sign_in(window, "moved@example.org");
        let due = window.press("Log in").unwrap();
        assert_eq!(due.heading, "Choose a new password", "{due:?}");
        window.fill("New password", NEW_PASSWORD).unwrap();
        let page = window.press("Change password").unwrap();
        assert_eq!(page.heading, "Continue to the app", "{page:?}");
        lets_in(server, &window.leave("Continue to the app").unwrap(), "moved@example.org");
    });
}

#[test]
fn pages_of_zulip_bar_nobody() {
    let (server, browser) = (server(), Browser::start().unwrap());
    let window = browser.open(&site(&server), Scripts::On).unwrap();
    let is_open = |window: &Window<'_>, page: &str| {
        assert_eq!(window.barriers().unwrap(), Vec::<String>::new(), "{page}");
    };
    for page in ["/login/", "/accounts/login/nosuch", START] {
        window.go(page).unwrap();
        is_open(&window, page);
    }
    sign_in(&window, "tess@example.org");
    window.press("Log in").unwrap();
    is_open(&window, "code");
    window.fill("Code", &totp(SECRET, 0).unwrap()).unwrap();
    window.press("Log in").unwrap();
    is_open(&window, "to the app");
    let other = browser.open(&site(&server), Scripts::On).unwrap();
    other.go("/login/").unwrap();
    sign_in(&other, "moved@example.org");
    other.press("Log in").unwrap();
    is_open(&other, "new password");
}

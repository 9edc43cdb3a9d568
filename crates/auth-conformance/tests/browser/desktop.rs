//! Zulip's desktop program: it waits on a page while the system's browser logs in, and goes on with the token that is copied
//! there. And a realm that demands a second factor of those whom a front vouches for.

use auth_conformance::browser::{Browser, Scripts, Visitor, Window};
use auth_conformance::oracle::desktop;
use auth_conformance::pages::{PASSWORD, USERS, config, site};
use auth_conformance::{Server, ServerConfig, server_binary, totp};
use serde_json::json;

const AGENT: &str = "ZulipElectron/5.11 Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36";
const START: &str = "/accounts/login/start/sso/";
const DEMAND: &str = r#"{"kind":"realm","realm":"club","require_second_factor":true}"#;

/// A server that believes whoever is at this machine, as it would a front.
fn zulip() -> ServerConfig {
    config()
        .set("zulip.external_host", "localhost:@PORT@")
        .set("zulip.realm_hosts", json!({"localhost:@PORT@": "club"}))
        .set("zulip.web", true)
        .set("zulip.web_method", json!({}))
        .set("zulip.remote_user", json!({"header": "X-Remote-User", "proxies": ["127.0.0.0/8", "::1/128"]}))
}

fn start() -> (Server, Browser) {
    (Server::start(&server_binary().unwrap(), &zulip(), USERS).unwrap(), Browser::start().unwrap())
}

/// The desktop program's window.
fn program<'a>(browser: &'a Browser, server: &Server, locale: &str) -> Window<'a> {
    let visitor =
        Visitor { agent: Some(AGENT), locale: Some(locale), keeps_outside: true, ..Visitor::default() };
    browser.open_for(&site(server), &visitor).unwrap()
}

/// A browser's window, behind a front that vouches for a person.
fn vouched<'a>(browser: &'a Browser, server: &Server, address: &str) -> Window<'a> {
    let headers = [("X-Remote-User", address)];
    browser.open_for(&site(server), &Visitor { headers: &headers, ..Visitor::default() }).unwrap()
}

/// The one address that the program has the browser open, and the key in it.
fn opened_outside(program: &Window<'_>) -> (String, String) {
    let opened = program.outside().unwrap();
    let [address] = &opened[..] else { panic!("{opened:?}") };
    let (_, pad) = address.split_once("desktop_flow_otp=").unwrap();
    assert!(pad.len() == 64 && pad.bytes().all(|digit| digit.is_ascii_hexdigit()), "{address}");
    (address.clone(), pad.to_owned())
}

#[test]
fn the_desktop_program_is_signed_in_by_what_is_copied_in_the_browser() {
    let (mut server, browser) = start();
    let program = program(&browser, &server, "en-GB");
    let old = "1234abcd".repeat(8);
    let waiting = program.go(&format!("{START}?next=%2F%23x&desktop_flow_otp={old}")).unwrap();
    assert_eq!(
        (waiting.status, waiting.heading.as_str(), waiting.title.as_str()),
        (200, "Finish desktop login", "Finish desktop app login | Zulip"),
        "{waiting:?}"
    );
    assert_eq!(waiting.alert, "", "{waiting:?}");
    let (address, pad) = opened_outside(&program);
    assert_eq!(address, format!("{}{START}?next=%2F%23x&desktop_flow_otp={pad}", site(&server)));
    assert_ne!(pad, old, "an older pad gives way");
    assert_eq!(program.barriers().unwrap(), Vec::<String>::new());

    // What is no token of this page says so, and the page keeps waiting.
    for wrong in ["nonsense", &"0".repeat(120), "00"] {
        program.fill("Token", wrong).unwrap();
        program.click("Finish login").unwrap();
        let told = program.shown("#wrong").unwrap();
        assert_eq!(told, "That is not the token of this login. Copy it from the browser once more.");
    }
    // The cursor is in the field.
    program.fill("Token", "").unwrap();

    let window = vouched(&browser, &server, "ada@example.org");
    let shown = window.go(&address).unwrap();
    assert_eq!(shown.title, "Log in to desktop app | Zulip", "{shown:?}");
    window.click("Copy token").unwrap();
    assert_eq!(window.shown("#copied").unwrap(), "Copied. Go back to the app.");
    let signed_in = program.paste().unwrap();
    assert_eq!((signed_in.path.as_str(), signed_in.status), ("/", 200), "{signed_in:?}");
    program.go("/json/users/me").unwrap();
    assert!(program.texts("body").unwrap().concat().contains("ada@example.org"), "it is signed in");
    for window in [&program, &window] {
        assert_eq!(window.complaints().unwrap(), Vec::<String>::new());
    }
    assert_eq!(window.go(&address).unwrap().heading, "Copy this into the desktop app");
    assert_eq!(window.barriers().unwrap(), Vec::<String>::new());
    server.stop().unwrap();
}

#[test]
fn a_program_with_a_key_of_its_own_goes_on_by_what_it_finds_in_the_clipboard() {
    // What the program opens with its key is there once the return key is pressed.
    const BRIDGE: &str = "globalThis.electron_bridge = { decrypt_clipboard: (version) => version === 1 && ({
        version, key: new Uint8Array(32).fill(0xa7),
        pasted: new Promise((resolve) => addEventListener('keydown', () => resolve(document.activeElement.value))),
    }) };";
    let (mut server, browser) = start();
    let visitor =
        Visitor { agent: Some(AGENT), script: Some(BRIDGE), keeps_outside: true, ..Visitor::default() };
    let program = browser.open_for(&site(&server), &visitor).unwrap();
    program.go(START).unwrap();
    let (address, pad) = opened_outside(&program);
    assert_eq!(pad, "a7".repeat(32));
    let window = vouched(&browser, &server, "bea@example.org");
    window.go(&address).unwrap();
    let token = desktop::open(&window.value("#desktop-data").unwrap(), &pad).unwrap();
    program.fill("Token", &token).unwrap();
    let signed_in = program.enter().unwrap();
    assert_eq!((signed_in.path.as_str(), signed_in.status), ("/", 200), "{signed_in:?}");
    server.stop().unwrap();
}

#[test]
fn a_wrong_paste_is_told_in_the_language_of_the_page() {
    let (mut server, browser) = start();
    let program = program(&browser, &server, "de-DE");
    let waiting = program.go(START).unwrap();
    assert_eq!(waiting.heading, "Anmeldung der Desktop-App abschließen", "{waiting:?}");
    opened_outside(&program);
    program.fill("Token der Anmeldung", "nonsense").unwrap();
    program.click("Anmeldung abschließen").unwrap();
    let told = program.shown("#wrong").unwrap();
    assert_eq!(
        told,
        "Das ist nicht das Token dieser Anmeldung. Kopieren Sie es noch einmal aus dem Browser."
    );
    server.stop().unwrap();
}

#[test]
fn without_scripts_the_token_is_there_and_no_button_to_copy_it() {
    let (mut server, browser) = start();
    let off = Visitor { scripts: Scripts::Off, ..Visitor::default() };
    let headers = [("X-Remote-User", "ada@example.org")];
    let window = browser.open_for(&site(&server), &Visitor { headers: &headers, ..off }).unwrap();
    let pad = "1234abcd".repeat(8);
    let shown = window.go(&format!("/accounts/login/sso/?desktop_flow_otp={pad}")).unwrap();
    assert!(!shown.text.contains("Copy token") && shown.text.contains("Log in here instead"), "{shown:?}");
    let token = desktop::open(&window.value("#desktop-data").unwrap(), &pad);
    assert_eq!(token.map(|token| token.len()), Some(32));

    let program = browser.open_for(&site(&server), &Visitor { agent: Some(AGENT), ..off }).unwrap();
    let waiting = program.go(START).unwrap();
    assert_eq!(waiting.alert, "This page needs scripts, which are turned off here.", "{waiting:?}");
    server.stop().unwrap();
}

#[test]
fn whoever_lacks_the_demanded_second_factor_sets_it_up_and_goes_on_to_the_app() {
    let (mut server, browser) = start();
    server.import(DEMAND).unwrap();
    server.restart().unwrap();
    let program = program(&browser, &server, "en-GB");
    program.go(START).unwrap();
    let (address, pad) = opened_outside(&program);
    let window = vouched(&browser, &server, "ada@example.org");
    let due = window.go(&address).unwrap();
    assert_eq!(due.path, "/account/two-step", "{due:?}");
    window.press("Set up an authenticator app").unwrap();
    let secret = window.texts("code.secret").unwrap().concat().replace(' ', "");
    window.fill("Code that the app shows", &totp(&secret, 0).unwrap()).unwrap();
    let codes = window.press("Turn on two-step sign-in").unwrap();
    assert_eq!(codes.heading, "Your backup codes", "{codes:?}");
    let shown = window.follow("I have kept them").unwrap();
    assert_eq!(shown.heading, "Copy this into the desktop app", "{shown:?}");
    let data = window.value("#desktop-data").unwrap();
    let token = desktop::open(&data, &pad).unwrap();
    let signed_in = program.go(&format!("/accounts/login/subdomain/{token}")).unwrap();
    assert_eq!((signed_in.path.as_str(), signed_in.status), ("/", 200), "{signed_in:?}");

    // By the form, too; and on to the page that leads to a mobile app.
    let window = browser.open(&site(&server), Scripts::Off).unwrap();
    window.go(&format!("/accounts/login/start/web/?mobile_flow_otp={pad}")).unwrap();
    window.fill("Email", "bea@example.org").unwrap();
    window.fill("Password", PASSWORD).unwrap();
    assert_eq!(window.press("Log in").unwrap().path, "/account/two-step");
    let asked = window.press("Turn on codes by mail").unwrap();
    assert_eq!(asked.heading, "Continue to the app", "{asked:?}");
    server.stop().unwrap();
}

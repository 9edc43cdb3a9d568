//! Each credential, a wrong one, one that was revoked, and what else comes with a request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use auth_conformance::http::Request;
use serde_json::Value;

use crate::fixtures::{HOST, PASSWORD, Site, basic};

/// A Zulip key of a user.
fn zulip_key(site: &Site, name: &str) -> String {
    let form = format!("username={name}%40example.org&password=correct+horse+battery");
    let answer = site.server(&Request::new("POST", "/api/v1/fetch_api_key").form(&form));
    answer.json().unwrap()["api_key"].as_str().unwrap().to_owned()
}

/// Rocket.Chat's two headers for a user.
fn rocketchat(site: &Site, name: &str) -> [String; 2] {
    let form = format!("user={name}&password=correct+horse+battery");
    let answer = site.server(&Request::new("POST", "/api/v1/login").form(&form)).json().unwrap();
    let data: &Value = &answer["data"];
    [("X-User-Id", "userId"), ("X-Auth-Token", "authToken")]
        .map(|(header, key)| format!("{header}: {}", data[key].as_str().unwrap()))
}

/// A token of Zettelstore for a user.
fn zettelstore(site: &Site, name: &str) -> String {
    let answer = site.server(&Request::new("POST", "/a").basic(name, PASSWORD)).json().unwrap();
    format!("Authorization: Bearer {}", answer["access_token"].as_str().unwrap())
}

/// An app password of a user.
fn app_password(site: &Site, name: &str) -> String {
    let printed = site.command(&["user", "app-password", "add", name, "--name", "tool"]);
    printed.split_whitespace().last().unwrap().to_owned()
}

/// The cookie of forward authentication for a user.
pub(crate) fn forward_cookie(site: &Site, name: &str) -> String {
    let here = "/forward/sign-in?return_to=https%3A%2F%2Fwiki.example.org%2F";
    let (session, _) = site.sign_in(name, "/sign-in");
    let answer = site.page(here, &session);
    format!("Cookie: {}", crate::fixtures::cookie(&answer, "__Secure-auth-forward"))
}

/// Each credential of a user, as headers.
fn credentials(site: &Site, name: &str) -> Vec<Vec<String>> {
    let (session, _) = site.sign_in(name, "/sign-in");
    vec![
        vec![basic(&format!("{name}@example.org"), &zulip_key(site, name))],
        vec![basic(name, &app_password(site, name))],
        rocketchat(site, name).to_vec(),
        vec![zettelstore(site, name)],
        vec![format!("Cookie: {session}")],
        vec![forward_cookie(site, name)],
        vec![basic(name, PASSWORD)],
    ]
}

fn as_text(headers: &[String]) -> Vec<&str> {
    headers.iter().map(String::as_str).collect()
}

pub(crate) fn each_lets_its_owner_through_and_a_wrong_one_nobody(site: &Site) {
    for good in credentials(site, "ada") {
        let head = site.reached(&site.get("/page?x=y", &as_text(&good)));
        head.is_of("ada", site.kind);
        let told = ["remote-email", "remote-name", "remote-groups"].map(|name| head.values(name).concat());
        assert_eq!(told, ["ada@example.org", "Ada Lovelace", "staff"], "{:?}: {good:?}", site.kind);
        assert_eq!(head.values("remote-subject")[0].len(), 32, "{:?}", site.kind);
        assert!(head.0.starts_with("GET /page?x=y "), "{:?}: {}", site.kind, head.0);

        // A character of the last header is another one.
        let mut wrong = good.clone();
        let last = wrong.last_mut().unwrap();
        let at = last.trim_end_matches('=').len() - 2;
        let other = if last[at..].starts_with('A') { "B" } else { "A" };
        last.replace_range(at..=at, other);
        let answer = site.refused(401, &format!("{wrong:?}"), || site.get("/page", &as_text(&wrong)));
        assert!(answer.header("www-authenticate").is_some_and(|ask| ask.starts_with("Basic ")), "{answer:?}");
    }
    let bea = site.reached(&site.get("/", &[&basic("bea", PASSWORD)]));
    bea.is_of("bea", site.kind);
    assert_eq!(bea.values("remote-name"), ["B%C3%A9a"]);
    let nothing = |name| bea.values(name).concat().is_empty();
    assert!(
        nothing("remote-email") && nothing("remote-groups"),
        "neither verified nor in a group: {}",
        bea.0
    );

    site.refused(401, "nothing", || site.get("/", &[]));
    site.refused(401, "free access", || site.get("/", &["Authorization: Bearer freeaccess"]));
    let two = [basic("ada", PASSWORD), "X-Auth-Token: x".to_owned(), "X-User-Id: y".to_owned()];
    site.refused(400, "two credentials", || site.get("/", &as_text(&two)));
}

pub(crate) fn what_was_revoked_a_moment_ago_lets_nobody_through(site: &Site) {
    let good = credentials(site, "bea");
    let all = |expected: u16, what: &str, held: &[Vec<String>]| {
        for headers in held {
            if expected == 200 {
                site.reached(&site.get("/", &as_text(headers))).is_of("bea", site.kind);
            } else {
                site.refused(expected, what, || site.get("/", &as_text(headers)));
            }
        }
    };
    all(200, "before", &good);
    site.command(&["user", "app-password", "revoke", "bea", "--name", "tool"]);
    all(401, "a revoked app password", &good[1..2]);
    all(200, "the others", &good[2..6]);
    site.command(&["token", "revoke", "bea", "--all"]);
    // The password stays, and is asked for again.
    all(401, "revoked tokens", &good[..6]);
    all(200, "the password", &good[6..]);
    site.command(&["user", "deactivate", "bea"]);
    all(401, "the password of a deactivated account", &good[6..]);
    site.command(&["user", "activate", "bea"]);
}

pub(crate) fn a_body_and_a_web_socket_go_through(site: &Site) {
    let ada = basic("ada", PASSWORD);
    let address = site.proxy.address();
    let post = ["--request", "POST", "--data-raw", "a=1&b=2"];
    let head = site.reached(&site.ask(address, &post, "/form", &[&ada, "Cookie: theme=dark; lang=de"]));
    head.is_of("ada", site.kind);
    assert!(
        head.0.starts_with("POST /form ") && head.0.ends_with("\r\n\r\na=1&b=2"),
        "{:?}: {}",
        site.kind,
        head.0
    );
    assert_eq!(head.values("cookie"), ["theme=dark; lang=de"], "{:?}", site.kind);
    let cookies = format!("{}; theme=dark", forward_cookie(site, "ada"));
    let head = site.reached(&site.get("/", &[&cookies]));
    assert_eq!(head.values("cookie").concat().trim_start_matches("; "), "theme=dark", "{:?}", site.kind);
    site.refused(401, "a form of nobody", || site.ask(address, &post, "/form", &[]));

    let head = site.proxy.ask_socket(HOST, "/socket", &format!("{ada}\r\n"));
    let head = head.unwrap_or_else(|error| panic!("{:?}: {error}: {}", site.kind, site.proxy.log()));
    assert!(head.to_lowercase().contains("remote-user: ada"), "{:?}: {head}", site.kind);
    let before = site.application.count();
    let refused = site.proxy.ask_socket(HOST, "/socket", "").unwrap_err().to_string();
    assert!(refused.starts_with("HTTP/1.1 401 "), "{:?}: {refused}", site.kind);
    assert_eq!(site.application.count(), before, "{:?}", site.kind);
}

/// nginx sends the length of a body and not the body, unless it is told otherwise.
pub(crate) fn a_body_that_never_comes_is_not_waited_for(site: &Site) {
    let mut connection = TcpStream::connect(site.server.address()).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!("POST /forward/auth/x HTTP/1.0\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\n");
    connection.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    connection.read_exact(&mut answer).unwrap();
    assert!(matches!(&answer, b"HTTP/1.0 400" | b"HTTP/1.0 401"), "{:?}", answer.escape_ascii().to_string());
}

pub(crate) fn without_the_server_nobody_goes_through(site: &mut Site) {
    site.server.kill();
    let before = site.application.count();
    let answer = site.get("/", &[&basic("ada", PASSWORD)]);
    assert!(matches!(answer.status, 403 | 502 | 503 | 500), "{:?}: {answer:?}", site.kind);
    assert_eq!(site.application.count(), before, "{:?}", site.kind);
}

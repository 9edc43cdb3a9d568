//! Paths, methods, hosts and files: the answers that need no account.

use auth_core::testing::{FakeServices, RealmBuilder};
use auth_core::{
    BodyRule, BodyTooLarge, InternalError, Peer, Protocol, ProtocolName, RateLimitStatus, RequestError,
    RouteMatch, Timestamp,
};
use auth_proto_web::{Brand, Colour, Config, WebProtocol};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

use crate::browser::{Browser, attribute, tags};
use crate::fixtures::{config, of_iago};

#[tokio::test]
async fn unknown_paths_are_not_found_by_any_method() {
    for path in
        ["/account/", "/account/secret", "/sign-in/x", "/sign-out/x", "/reset-password/a/b", "/style-0.css"]
    {
        for method in ["GET", "HEAD", "POST", "PUT", "OPTIONS", "BREW"] {
            let page = Browser::at(of_iago()).send(method, path, Vec::new()).await;
            let expected =
                if path.starts_with("/style") && method != "GET" && method != "HEAD" { 405 } else { 404 };
            assert_eq!(page.status, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn methods_that_a_path_does_not_know_are_named() {
    for (path, method, allowed) in [
        ("/", "POST", "GET, HEAD"),
        ("/sign-in", "PUT", "GET, HEAD, POST"),
        ("/sign-in/code", "GET", "POST"),
        ("/sign-out", "GET", "POST"),
        ("/account", "POST", "GET, HEAD"),
        ("/account/two-step/remove", "GET", "POST"),
        ("/account/sessions", "DELETE", "GET, HEAD"),
        ("/reset-password/new", "GET", "POST"),
        ("/reset-password/good-link", "POST", "GET, HEAD"),
        ("/verify-email", "GET", "POST"),
        ("/verify-email/good-link", "POST", "GET, HEAD"),
    ] {
        let page = Browser::signed_in(of_iago()).send(method, path, Vec::new()).await;
        page.says(405, "This page can’t be asked for like that");
        assert_eq!(page.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn answer_to_head_has_the_headers_and_no_body() {
    for path in ["/", "/sign-in", "/account", "/nothing", "/sign-out"] {
        let page = Browser::at(of_iago()).send("HEAD", path, Vec::new()).await;
        assert_eq!(page.body, "", "{path}");
    }
}

#[tokio::test]
async fn files_are_kept_for_ever_at_a_path_with_their_hash() {
    let mut browser = Browser::at(of_iago());
    let page = browser.get("/").await;
    let links: Vec<_> = tags(&page.body).filter(|tag| tag.starts_with("<link")).collect();
    assert_eq!(links.len(), 2);
    for link in links {
        let path = attribute(link, "href").unwrap();
        let file = browser.get(&path).await;
        assert_eq!((file.status, file.header("cache-control")), (200, "public, max-age=31536000, immutable"));
        let kind = if path.ends_with(".css") { "text/css; charset=utf-8" } else { "image/svg+xml" };
        assert_eq!(file.header("content-type"), kind);
    }
}

#[tokio::test]
async fn colours_and_picture_are_the_operators() {
    let brand = Brand {
        icon: Some("/logo.png".to_owned()),
        accent: Colour::parse("#0b6e4f").unwrap(),
        ..Brand::new("Chess <club>")
    };
    let mut browser = Browser::with(Config { brand, ..config() }, of_iago());
    let page = browser.get("/").await;
    page.says(200, "<span>Chess &#60;club&#62;</span>");
    page.says(200, "<img src=\"/logo.png\" alt=\"\"");
    let path = page.body.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.get(&path).await.says(200, "--accent: #0b6e4f;");
}

#[tokio::test]
async fn realm_is_that_of_the_host_and_else_the_configured_one() {
    let services = || {
        FakeServices::new()
            .realm(RealmBuilder::new("main").subdomain("main").build())
            .realm(RealmBuilder::new("chess").subdomain("chess").build())
    };
    let below = Config { external_host: Some("example.org".to_owned()), ..config() };
    for (config, host, organisation) in [
        (config(), "chess.example.org", Some("main")),
        (below.clone(), "chess.example.org", Some("chess")),
        (below.clone(), "CHESS.example.org:8443", Some("chess")),
        (below.clone(), "example.org", Some("main")),
        (below.clone(), "elsewhere.example", Some("main")),
        (below, "poetry.example.org", None),
    ] {
        let page = Browser::with(config, services()).header("host", host).get("/sign-in").await;
        match organisation {
            Some(name) => page.says(200, &format!("<bdi>{name}</bdi>")),
            None => page.says(404, "Page not found"),
        }
    }
}

#[tokio::test]
async fn limit_of_calls_is_told() {
    let services = of_iago().on_admit(|_, _, _| {
        let retry_after = Some(Duration::from_secs(61));
        Some(RateLimitStatus { limit: 1, remaining: 0, reset: Timestamp::default(), retry_after })
    });
    let mut browser = Browser::at(services);
    let page = browser.fill("/sign-in", "/sign-in", &[("name", "iago"), ("password", "x")]).await;
    page.says(429, "Try again in 2 minutes.");
    assert_eq!(page.header("retry-after"), "61");
    assert_eq!(browser.services.admitted(), ["/sign-in"]);
}

#[tokio::test]
async fn only_forms_are_read_and_only_small_ones() {
    for kind in ["", "application/json", "multipart/form-data; boundary=x", "text/plain"] {
        let page = Browser::at(of_iago()).header("content-type", kind).post("/sign-in", &[]).await;
        page.says(415, "This form can’t be read");
    }
    let kind = "Application/X-WWW-Form-URLencoded; charset=utf-8";
    let page = Browser::at(of_iago()).header("content-type", kind).post("/sign-in", &[]).await;
    page.says(403, "This form is out of date");

    let site = WebProtocol::new(config(), Arc::new(of_iago()));
    let mut request = http::Request::post("/sign-in").body(Bytes::new()).unwrap();
    request.extensions_mut().insert(BodyTooLarge);
    let answer = site.handle(request, &Peer::new([192, 0, 2, 7].into())).await;
    assert_eq!(answer.response.status(), 413);
}

#[test]
fn protocol_names_itself_its_paths_and_its_bodies() {
    let site = WebProtocol::new(config(), Arc::new(FakeServices::new()));
    assert_eq!(site.name(), ProtocolName::WEB);
    assert!(format!("{site:?}").starts_with("WebProtocol"));
    let route = site.route("/reset-password/secret");
    assert_eq!((route.matched, route.pattern), (RouteMatch::Documented, "/reset-password/{token}"));
    for (path, method, rule) in [
        ("/sign-in", http::Method::POST, BodyRule::UpTo(16_384)),
        ("/sign-in", http::Method::GET, BodyRule::Ignored),
        ("/account", http::Method::POST, BodyRule::Ignored),
        ("/nothing", http::Method::POST, BodyRule::Ignored),
    ] {
        assert_eq!(
            site.body_rule(&site.route(path), &method, &http::HeaderMap::new()),
            rule,
            "{method} {path}"
        );
    }
    let busy = InternalError::busy(Duration::from_secs(3)).into();
    let form = "This form did not arrive whole";
    for (error, status, title, retry_after) in [
        (busy, 503, "This server is busy", Some("3")),
        (RequestError::BodyTooSlow, 408, form, None),
        (RequestError::BodyBroken, 400, form, None),
        (RequestError::Banned, 403, "Your network is banned", None),
    ] {
        let refused = site.refuse(error).response;
        assert_eq!(refused.status(), status);
        assert!(str::from_utf8(refused.body()).unwrap().contains(title), "{title}");
        let told = refused.headers().get("retry-after").map(|seconds| seconds.to_str().unwrap());
        assert_eq!(told, retry_after);
    }
}

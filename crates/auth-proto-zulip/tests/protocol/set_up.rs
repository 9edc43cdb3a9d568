//! A realm that demands a second factor: whoever logs in without one sets it up first, where there are pages for that.

use auth_core::GrantKind;
use auth_proto_zulip::{Config, exact};

use crate::vouching::{ASSERTION, Answer, JWT, PAD, SESSION, SSO, Site, config};

const LOG_IN: &str = "/accounts/login/";
const START: &str = "/accounts/login/start/web/";

/// A site with the pages that set a second factor up at an origin.
fn with_pages_at(origin: &str) -> Config {
    Config { account_pages: Some(origin.to_owned()), ..config(&[]) }
}

fn here() -> Config {
    with_pages_at("https://zulip.example.org")
}

/// Demands that an answer leads to the set-up with a session for it, and from there on to `next`.
fn leads_to_the_set_up(answer: &Answer, next: &str) {
    let query = |name: &str, value: &str| {
        form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
    };
    let back = format!("/login/?{}", query("next", next));
    answer.leads_to(&format!("/account/two-step?{}", query("next", &back)));
    let [csrf, session, own] = <[&str; 3]>::try_from(answer.cookies()).unwrap();
    assert!(csrf.starts_with("__Host-csrftoken="), "{csrf}");
    assert_eq!(session, format!("__Host-sessionid={SESSION}"));
    assert_eq!(own, format!("__Host-auth-session={SESSION}"));
}

#[tokio::test]
async fn every_way_in_leads_to_the_set_up_and_from_there_on() {
    let site = Site::demanding(here(), "");
    let app = format!("{START}?mobile_flow_otp={PAD}");
    for (query, next) in [
        (String::new(), "/".to_owned()),
        ("?next=/%23narrow/x".to_owned(), "/#narrow/x".to_owned()),
        ("?next=https://evil.example/".to_owned(), "/".to_owned()),
        (format!("?mobile_flow_otp={PAD}"), app.clone()),
        (format!("?desktop_flow_otp={PAD}"), format!("{SSO}?desktop_flow_otp={PAD}")),
    ] {
        leads_to_the_set_up(&site.vouched(&query, "hamlet@zulip.com").await, &next);
    }
    leads_to_the_set_up(&site.send("POST", JWT, &[], &format!("token={ASSERTION}")).await, "/");
    let fields = "username=hamlet%40zulip.com&password=x";
    for (target, fields, next) in [
        (LOG_IN, format!("{fields}&next=%2F%3Fa%3Db"), "/?a=b"),
        (LOG_IN, format!("{fields}&next=%2F%2Fevil.example"), "/"),
        (START, format!("{fields}&mobile_flow_otp={PAD}"), &app),
    ] {
        leads_to_the_set_up(&site.submit(target, "", &fields).await, next);
    }
    assert!(site.services.revoked().is_empty());
}

#[tokio::test]
async fn a_session_without_the_factor_is_none_here_until_it_is_set_up() {
    let cookie = format!("__Host-auth-session={SESSION}");
    let next = format!("/login/?next=%2Faccounts%2Flogin%2Fstart%2Fweb%2F%3Fmobile_flow_otp%3D{PAD}");
    let lacking = Site::demanding(here(), "");
    lacking.send("GET", &next, &[("cookie", &cookie)], "").await.says(200, "name=\"password\"");
    let set_up = Site::new(&[], true);
    let answer = set_up.send("GET", &next, &[("cookie", &cookie)], "").await;
    answer.leads_to(&format!("https://zulip.example.org{START}?mobile_flow_otp={PAD}"));
}

#[tokio::test]
async fn an_app_gets_nothing_before_the_set_up() {
    let config = Config {
        exact: auth_core::Exact::only([
            exact::MOBILE_FLOW_WITHOUT_ASKING,
            exact::EXTERNAL_LOGIN_WITHOUT_FACTOR,
        ]),
        ..here()
    };
    let site = Site::demanding(config, "");
    for pad in ["mobile_flow_otp", "desktop_flow_otp"] {
        let answer = site.vouched(&format!("?{pad}={PAD}"), "hamlet@zulip.com").await;
        assert!(answer.header("location").starts_with("/account/two-step?"), "{pad}");
    }
    let grants: Vec<GrantKind> = site.services.attempts().iter().map(|attempt| attempt.grant).collect();
    let [GrantKind::ApiKey, GrantKind::Token(first), GrantKind::Token(handover), GrantKind::Token(second)] =
        grants[..]
    else {
        panic!("{grants:?}")
    };
    assert_eq!(
        (first.as_str(), handover.as_str(), second.as_str()),
        ("web-session", "handover", "web-session")
    );
}

#[tokio::test]
async fn where_none_can_be_set_up_the_page_says_so_and_no_session_stays() {
    for (config, subdomain, text) in [
        (config(&[]), "", "server has no page on which to set one up ([web] url)"),
        (
            with_pages_at("https://auth.example.org"),
            "",
            "<a class=\"button\" href=\"https://auth.example.org/account/two-step\">Set up a second step</a>",
        ),
        (
            with_pages_at("http://zulip.example.org"),
            "main",
            "href=\"http://zulip.example.org/account/two-step\"",
        ),
    ] {
        let site = Site::demanding(config, subdomain);
        let host = if subdomain.is_empty() { "zulip.example.org" } else { "main.zulip.example.org" };
        let headers = [("host", host), ("x-remote-user", "hamlet@zulip.com")];
        for query in [String::new(), format!("?mobile_flow_otp={PAD}"), format!("?desktop_flow_otp={PAD}")] {
            let answer = site.send("GET", &format!("{SSO}{query}"), &headers, "").await;
            answer.says(403, "<h1>Second step missing</h1>");
            answer.says(403, text);
            assert_eq!(answer.cookies().len(), 0);
        }
        assert_eq!(site.services.revoked().len(), 3);
        let body = format!("token={ASSERTION}");
        site.send("POST", JWT, &[("host", host)], &body).await.says(403, text);
    }
    let german = [("accept-language", "de"), ("x-remote-user", "hamlet@zulip.com")];
    let answer = Site::demanding(config(&[]), "").send("GET", SSO, &german, "").await;
    answer.says(403, "<h1>Der zweite Schritt fehlt</h1>");
    let form = Site::demanding(config(&[]), "");
    for target in [LOG_IN, START] {
        let fields = format!("username=hamlet%40zulip.com&password=x&mobile_flow_otp={PAD}");
        form.submit(target, "", &fields).await.says(403, "<h1>Second step missing</h1>");
    }
}

#[tokio::test]
async fn subdomains_of_the_external_host_have_the_set_up_too() {
    let site = Site::demanding(with_pages_at("https://auth.example.org"), "main");
    let headers = [("host", "main.zulip.example.org"), ("x-remote-user", "hamlet@zulip.com")];
    leads_to_the_set_up(&site.send("GET", SSO, &headers, "").await, "/");
}

#[tokio::test]
async fn who_has_a_factor_and_whom_none_is_demanded_of_is_led_nowhere() {
    for has_totp in [true, false] {
        let points = [exact::EXTERNAL_LOGIN_WITHOUT_FACTOR];
        let config = Config { exact: auth_core::Exact::only(points), ..here() };
        Site::with(config, has_totp)
            .vouched("", "hamlet@zulip.com")
            .await
            .leads_to("https://zulip.example.org/");
    }
}

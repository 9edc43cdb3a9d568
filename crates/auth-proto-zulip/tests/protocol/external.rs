//! Logins for which another system vouches, and the desktop program's end.

use std::net::IpAddr;

use auth_core::{Identifier, LoginMethod, Peer, Protocol as _, SecondStep};
use auth_proto_zulip::{Config, DesktopKey, EXACT_POINTS, RemoteUser, exact};
use bytes::Bytes;

use crate::vouching::{ASSERTION, Answer, JWT, PAD, SECRET, SSO, Site, config};

#[tokio::test]
async fn a_front_signs_its_user_in_and_leads_on() {
    let site = Site::new(&[], false);
    for (query, location) in [
        ("", "https://zulip.example.org/"),
        ("?next=", "https://zulip.example.org"),
        ("?next=/%23narrow/x", "https://zulip.example.org/#narrow/x"),
        ("?next=https://evil.example/", "https://zulip.example.org"),
    ] {
        let answer = site.vouched(query, "HAMLET@zulip.com").await;
        answer.leads_to(location);
        assert_eq!(answer.header("vary"), "Cookie, Accept-Language");
        assert_eq!(answer.header("cache-control"), "");
        let [csrf, session] = <[&str; 2]>::try_from(answer.cookies()).unwrap();
        assert!(csrf.starts_with("__Host-csrftoken=") && csrf != format!("__Host-csrftoken={SECRET}"));
        assert_eq!(session, "__Host-sessionid=s7mp17wgb9eyif9fs2gr75z88ytpd8rg");
    }
    let attempt = site.services.attempts().remove(0);
    assert!(
        matches!(attempt.method, LoginMethod::Vouched { who } if who == Identifier::email("HAMLET@zulip.com"))
    );
    assert_eq!(attempt.peer.address, IpAddr::from([192, 0, 2, 7]));
}

#[tokio::test]
async fn a_header_that_no_front_sent_means_nothing() {
    let site = Site::new(&[], false);
    let request = http::Request::get(SSO)
        .header("host", "zulip.example.org")
        .header("x-remote-user", "hamlet@zulip.com");
    let request = request.body(Bytes::new()).unwrap();
    let answer = Answer(site.protocol.handle(request, &Peer::new([192, 0, 2, 7].into())).await.response);
    answer.says(500, "<title>Configuration error | Zulip</title>");
    site.get(SSO).await.says(500, "Configuration error");
    let several = [("x-remote-user", "hamlet@zulip.com"), ("x-remote-user", "iago@zulip.com")];
    site.send("GET", SSO, &several, "").await.says(500, "Configuration error");
    let off = Site::with(Config { remote_user: None, ..config(&[]) }, false);
    off.vouched("", "hamlet@zulip.com").await.says(500, "Configuration error");
    assert!(site.services.attempts().is_empty() && off.services.attempts().is_empty());
}

#[tokio::test]
async fn the_name_is_judged_before_the_pads_and_errors_are_documents() {
    let site = Site::new(&[], false);
    let both = format!("?mobile_flow_otp={PAD}&desktop_flow_otp={PAD}");
    for (query, user, message) in [
        ("?mobile_flow_otp=1234", "hamlet", "Enter a valid email address."),
        ("?mobile_flow_otp=1234", "hamlet@zulip.com", "Invalid OTP"),
        ("?mobile_flow_otp=", "hamlet@zulip.com", "Invalid OTP"),
        ("?desktop_flow_otp=1234", "hamlet@zulip.com", "Invalid OTP"),
        (&both, "hamlet@zulip.com", "Can't use both mobile_flow_otp and desktop_flow_otp together."),
    ] {
        let answer = site.vouched(query, user).await;
        assert_eq!(answer.0.status(), 400, "{query}");
        assert_eq!(
            answer.body(),
            format!("{{\"result\":\"error\",\"msg\":\"{message}\",\"code\":\"BAD_REQUEST\"}}\n")
        );
    }
}

#[tokio::test]
async fn nobody_learns_why_there_is_no_account() {
    let site = Site::new(&[], false);
    for user in ["nobody@zulip.com", "cordelia@zulip.com", "ghost@zulip.com"] {
        for query in [String::new(), format!("?mobile_flow_otp={PAD}"), format!("?desktop_flow_otp={PAD}")] {
            let answer = site.vouched(&query, user).await;
            answer.says(200, "<title>Account not found | Zulip</title>");
            answer.says(200, &format!("No account found for {user}."));
            answer
                .says(200, &format!("<input type=\"hidden\" id=\"email\" name=\"email\" value=\"{user}\">"));
            assert_eq!((answer.header("vary"), answer.cookies().len()), ("Accept-Language, Cookie", 0));
        }
    }
}

#[tokio::test]
async fn a_mobile_app_gets_its_key_from_a_page_that_asks_unless_the_real_way_is_asked_for() {
    let query = format!("?mobile_flow_otp={PAD}");
    let answer = Site::new(&[], false).vouched(&query, "hamlet@zulip.com").await;
    answer.leads_to(&format!("/accounts/login/start/web/?mobile_flow_otp={PAD}"));
    assert_eq!(answer.cookies().len(), 2);

    let exact = Site::new(&[exact::MOBILE_FLOW_WITHOUT_ASKING], false);
    let answer = exact.vouched(&query, "hamlet@zulip.com").await;
    answer.leads_to(
        "zulip://login?otp_encrypted_api_key=2570fffd60629ca34846daab416ce79b7d5eff8b765c98a77f73e1b42400def4&email=Hamlet%40zulip.com&user_id=10&realm=https%3A%2F%2Fzulip.example.org",
    );
    assert_eq!((answer.header("vary"), answer.header("cache-control")), ("Accept-Language", ""));
    assert_eq!(answer.cookies().len(), 0);
}

#[tokio::test]
async fn the_desktop_program_opens_the_token_that_the_page_shows() {
    let site = Site::new(&[], false);
    let mut shown = Vec::new();
    for _ in 0..2 {
        let answer = site.vouched(&format!("?desktop_flow_otp={PAD}"), "hamlet@zulip.com").await;
        answer.says(200, "<title>Log in to desktop app | Zulip</title>");
        assert_eq!(answer.cookies().len(), 0);
        let (_, rest) = answer.body().split_once("id=\"desktop-data\"").unwrap();
        let data = rest.split_once("value=\"").unwrap().1.split('"').next().unwrap().to_owned();
        assert_eq!(data.len(), 120);
        let opened = DesktopKey::parse(PAD).unwrap().open(&data);
        assert_eq!(opened.as_deref(), Some("e4d763f9a4edd84e90b12ac9f7e5f457"));
        shown.push(data);
    }
    assert_ne!(shown[0][..24], shown[1][..24], "no nonce comes twice");
    let full_width = "１234abcd".repeat(8);
    let query: String = form_urlencoded::byte_serialize(full_width.as_bytes()).collect();
    site.vouched(&format!("?desktop_flow_otp={query}"), "hamlet@zulip.com").await.says(400, "Invalid OTP");
}

#[tokio::test]
async fn a_token_goes_on_as_a_session_once_at_its_own_host() {
    let site = Site::new(&[], false);
    let path = |first: &str| format!("/accounts/login/subdomain/{first}{}", "1".repeat(31));
    let answer = site.get(&path("a")).await;
    answer.leads_to("https://zulip.example.org");
    assert_eq!(answer.cookies().len(), 2);
    let elsewhere = site.get(&path("b")).await;
    assert_eq!(
        elsewhere.body(),
        "{\"result\":\"error\",\"msg\":\"Invalid subdomain\",\"code\":\"BAD_REQUEST\"}\n"
    );
    assert_eq!(elsewhere.0.status(), 400);
    let used = site.get(&path("c")).await;
    used.says(400, "<title>Invalid or expired login session | Zulip</title>");
    used.says(400, "Invalid or expired login session.");
    let malformed = site.get("/accounts/login/subdomain/abc").await;
    assert_eq!((malformed.0.status().as_u16(), malformed.body()), (400, ""));
    assert!(
        site.services.attempts().iter().all(|attempt| matches!(attempt.second_step, SecondStep::NotOffered))
    );
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_keeps_where_to_go() {
    let site = Site::new(&[], true);
    for (query, next) in [
        (String::new(), "https://zulip.example.org/".to_owned()),
        (format!("?mobile_flow_otp={PAD}"), format!("/accounts/login/start/web/?mobile_flow_otp={PAD}")),
        (format!("?desktop_flow_otp={PAD}"), format!("/accounts/login/sso/?desktop_flow_otp={PAD}")),
    ] {
        let answer = site.vouched(&query, "hamlet@zulip.com").await;
        answer.says(200, "name=\"token-otp_token\"");
        answer.says(200, &format!("<input type=\"hidden\" name=\"next\" value=\"{next}\">"));
        assert_eq!(answer.cookies()[1], format!("__Host-sessionid={}", "ticket".repeat(20)));
    }
    let answer = site.send("POST", JWT, &[], &format!("token={ASSERTION}")).await;
    answer.says(200, "<input type=\"hidden\" name=\"next\" value=\"https://zulip.example.org\">");
    // Also where passwords are none of this server's.
    let without = Site::with(Config { password_login: false, ..config(&[]) }, true);
    without.vouched("", "hamlet@zulip.com").await.says(200, "name=\"csrfmiddlewaretoken\"");

    let exact = Site::new(&[exact::EXTERNAL_LOGIN_WITHOUT_FACTOR], true);
    exact.vouched("", "hamlet@zulip.com").await.leads_to("https://zulip.example.org/");
}

#[tokio::test]
async fn the_start_leads_to_the_front_and_keeps_the_query() {
    let site = Site::new(&[], false);
    let start = "/accounts/login/start/sso/";
    site.get(start).await.leads_to(SSO);
    site.get(&format!("{start}?a=b%20c&next=%2Fx%3Fy&a=d"))
        .await
        .leads_to(&format!("{SSO}?a=b%20c&next=%2Fx%3Fy&a=d"));
    let desktop = [("user-agent", "ZulipElectron/5.12.0 Mozilla/5.0")];
    let waiting = site.send("GET", &format!("{start}?desktop_flow_otp=1"), &desktop, "").await;
    waiting.says(200, "<title>Finish desktop app login | Zulip</title>");
    waiting.says(200, "<h1>Finish desktop login</h1>");
    waiting.says(200, "<button id=\"submit\" disabled>");
    let only = RemoteUser { only: true, ..config(&[]).remote_user.unwrap() };
    let only = Site::with(Config { remote_user: Some(only), ..config(&[]) }, false);
    only.get("/").await.leads_to(SSO);
    let page = site.get("/login/").await;
    page.says(200, "login_auth_button_remoteuser");
    page.says(200, "<form method=\"get\" action=\"/accounts/login/start/sso/\">");
    let settings = site.get("/api/v1/server_settings").await;
    settings.says(200, "\"remoteuser\":true");
    settings.says(
        200,
        "{\"name\":\"remoteuser\",\"display_name\":\"SSO\",\"display_icon\":null,\"login_url\":\"/accounts/login/start/sso/\",\"signup_url\":\"/accounts/login/start/sso/\"}",
    );
}

#[tokio::test]
async fn the_desktop_pages_alone_have_scripts_and_these_are_files_of_the_server() {
    let site = Site::new(&[], false);
    let agent = [("user-agent", "ZulipElectron/5.11 Mozilla/5.0"), ("accept-language", "de")];
    let waiting = site.send("GET", "/accounts/login/start/sso/", &agent, "").await;
    waiting.says(200, "Das ist nicht das Token dieser Anmeldung.");
    let token = site.vouched(&format!("?desktop_flow_otp={PAD}"), "hamlet@zulip.com").await;
    let mut paths = Vec::new();
    for page in [&waiting, &token] {
        assert!(
            page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'; ")
        );
        let scripts: Vec<&str> = page.body().split("<script").skip(1).collect();
        let [script] = scripts[..] else { panic!("{}", page.body()) };
        let path = script.strip_prefix(" src=\"").unwrap().split('"').next().unwrap();
        assert!(script.starts_with(&format!(" src=\"{path}\" defer></script>")), "{script}");
        let file = site.get(path).await;
        file.says(200, "use strict");
        assert_eq!(file.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        paths.push(path.to_owned());
    }
    assert_ne!(paths[0], paths[1]);
    site.get("/script-0.js").await.says(404, "<h1>Page not found (404)</h1>");
    let page = site.get("/login/").await;
    assert!(!page.body().contains("<script"));
    assert!(!page.header("content-security-policy").contains("script-src"));
}

#[tokio::test]
async fn an_assertion_signs_a_browser_in_without_a_token_of_forms() {
    let site = Site::new(&[], false);
    let body = format!("token={ASSERTION}&next=%2F%23x&mobile_flow_otp={PAD}");
    for (target, body) in [(JWT, body.as_str()), (&*format!("{JWT}?token={ASSERTION}"), "")] {
        let answer = site.send("POST", target, &[], body).await;
        answer.leads_to("https://zulip.example.org");
        assert_eq!(answer.cookies().len(), 2);
    }
    for (token, message) in [
        ("", "No JSON web token passed in request"),
        ("bad", "Bad JSON web token"),
        ("nameless", "No email specified in JSON web token claims"),
    ] {
        let answer = site.send("POST", JWT, &[], &format!("token={token}")).await;
        assert_eq!(answer.0.status(), 400);
        assert_eq!(
            answer.body(),
            format!("{{\"result\":\"error\",\"msg\":\"{message}\",\"code\":\"BAD_REQUEST\"}}\n")
        );
    }
    let get = site.get(JWT).await;
    get.says(405, "<title>Error | Zulip</title>");
    assert_eq!(get.header("allow"), "");
}

#[tokio::test]
async fn an_assertion_that_a_page_of_another_site_sends_is_refused_unless_the_real_way_is_asked_for() {
    let body = format!("token={ASSERTION}");
    for (site, status) in [("cross-site", 403), ("same-site", 302), ("same-origin", 302), ("none", 302)] {
        let headers = [("sec-fetch-site", site)];
        assert_eq!(
            Site::new(&[], false).send("POST", JWT, &headers, &body).await.0.status(),
            status,
            "{site}"
        );
        let exact = Site::new(&[exact::ASSERTION_FROM_OTHER_SITES], false);
        assert_eq!(exact.send("POST", JWT, &headers, &body).await.0.status(), 302, "{site}");
    }
}

#[test]
fn every_point_of_these_pages_can_be_switched_on() {
    for point in [
        exact::ASSERTION_FROM_OTHER_SITES,
        exact::EXTERNAL_LOGIN_WITHOUT_FACTOR,
        exact::MOBILE_FLOW_WITHOUT_ASKING,
        exact::RESET_LIMIT_BY_TYPED_ADDRESS,
        exact::LIMIT_WITHOUT_RETRY_AFTER,
    ] {
        assert!(EXACT_POINTS.contains(&point), "{point}");
    }
}

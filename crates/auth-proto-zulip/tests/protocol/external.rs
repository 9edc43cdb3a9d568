//! Logins for which another system vouches, the desktop program's end, and lost passwords, by answers of fake services.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use auth_core::testing::{Action, ActionKind, ActionResult, FakeServices, RealmBuilder, UserBuilder};
use auth_core::{
    ActionError, ApiKey, Challenge, CredentialKind, FactorMethod, FailureReason, Grant, GrantKind,
    Identifier, Login, LoginAttempt, LoginError, LoginMethod, LoginReply, ManualClock, Peer, Profile,
    Protocol, ProtocolName, RateLimitStatus, ResetLinkReply, SecondStep, Timestamp, Token,
};
use auth_proto_zulip::{Config, DesktopKey, EXACT_POINTS, RemoteUser, ZulipProtocol, exact};
use bytes::Bytes;
use std::time::Duration;

const PAD: &str = "1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd1234abcd";
const KEY: &str = "7DT0rV7nZrqfSXLVojTFdh3jmGJy64u9";
const SSO: &str = "/accounts/login/sso/";
const JWT: &str = "/accounts/login/jwt/";
const RESET: &str = "/accounts/password/reset/";
/// Header, claims and signature; the claims name `hamlet@zulip.com`.
const ASSERTION: &str = "e30.eyJlbWFpbCI6ImhhbWxldEB6dWxpcC5jb20ifQ.x";
const SECRET: &str = "x9HsQxaRmP77fCwnCHuA62Yq4SUvIBhE";
const FRONT: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

struct Site {
    services: Arc<FakeServices>,
    protocol: ZulipProtocol,
}

fn config(points: &[auth_core::ExactPoint]) -> Config {
    Config {
        external_host: "zulip.example.org".into(),
        web: true,
        remote_user: Some(RemoteUser {
            header: "x-remote-user".parse().unwrap(),
            proxies: vec!["127.0.0.1/32".parse().unwrap()],
            append_domain: None,
            only: false,
        }),
        exact: auth_core::Exact::only(points.iter().copied()),
        ..Config::default()
    }
}

fn profile(has_totp: bool) -> Profile {
    let realm = RealmBuilder::new("main").subdomain("").build();
    let user = UserBuilder::new("hamlet").email("Hamlet@zulip.com").realm(realm.id);
    let user = user.external_id(ProtocolName::ZULIP, 10).build();
    Profile { user: Arc::new(user), realm: Arc::new(realm), has_password: true, totp: has_totp }
}

/// Knows the account hamlet, which may have a second factor.
fn log_in(attempt: &LoginAttempt, has_totp: bool) -> LoginReply {
    let address = match &attempt.method {
        LoginMethod::Vouched { who } => who.typed().to_lowercase(),
        LoginMethod::Assertion(token) if token.expose() == ASSERTION => "hamlet@zulip.com".into(),
        LoginMethod::Assertion(token) if token.expose() == "nameless" => {
            return LoginReply::refused(LoginError::AssertionWithoutSubject);
        }
        LoginMethod::Assertion(_) => return LoginReply::refused(LoginError::AssertionInvalid),
        LoginMethod::Handover(token) => match &token.expose()[..1] {
            "a" => "hamlet@zulip.com".into(),
            "b" => return LoginReply::refused(LoginError::OtherRealm),
            _ => return LoginReply::refused(LoginError::Credentials(FailureReason::UnknownToken)),
        },
        other => panic!("{other:?}"),
    };
    match address.as_str() {
        "hamlet@zulip.com" => {}
        "cordelia@zulip.com" => return LoginReply::refused(LoginError::UserInactive),
        "ghost@zulip.com" => return LoginReply::refused(LoginError::RealmInactive),
        _ => return LoginReply::refused(LoginError::Credentials(FailureReason::UnknownUser)),
    }
    if has_totp && matches!(attempt.second_step, SecondStep::Offered(None)) {
        return LoginReply::refused(LoginError::SecondFactorRequired(Challenge {
            method: FactorMethod::Totp,
            available: vec![FactorMethod::Totp],
            mailed: None,
            ticket: Some(Token::new("ticket".repeat(20))),
        }));
    }
    let token = |text: &str| Grant::Token { token: Token::new(text), expires: None };
    let grant = match attempt.grant {
        GrantKind::ApiKey => Grant::ApiKey(ApiKey::new(KEY)),
        GrantKind::Token(CredentialKind::WEB_SESSION) => token("s7mp17wgb9eyif9fs2gr75z88ytpd8rg"),
        GrantKind::Token(CredentialKind::HANDOVER) => token("e4d763f9a4edd84e90b12ac9f7e5f457"),
        other => panic!("{other:?}"),
    };
    let login = Login { profile: profile(has_totp), grant };
    LoginReply { result: Ok(Box::new(login)), rate_limit: None, not_before: None }
}

/// Mails links, of which `good` is one; the cookie `visit…` stands for it.
fn act(action: &Action) -> Result<ActionResult, ActionError> {
    let is_good = |token: &Token| ["good", "visit"].iter().any(|good| token.expose().starts_with(good));
    Ok(match &action.kind {
        ActionKind::MailResetLink { address, .. } if address == "often@zulip.com" => {
            return Err(ActionError::TooManyAttempts(Duration::from_millis(1_799_200)));
        }
        ActionKind::MailResetLink { address, .. } if address == "off@zulip.com" => {
            return Err(ActionError::NotOffered);
        }
        ActionKind::MailResetLink { .. } => ActionResult::ResetLink(ResetLinkReply {
            rate_limit: Some(RateLimitStatus {
                limit: 5,
                remaining: 4,
                reset: Timestamp::from_secs(1_795_746_675),
                retry_after: None,
            }),
            not_before: Timestamp::from_millis(250),
        }),
        ActionKind::OwnerOfResetLink { token } => {
            ActionResult::OptionalProfile(is_good(token).then(|| Box::new(profile(false))))
        }
        ActionKind::OpenResetLink { token, cookie } => {
            assert!(is_good(token) && cookie.is_none());
            ActionResult::OptionalToken(Some(Token::new("visit2y0mfhbjcb8tlekla408532rt3d")))
        }
        ActionKind::ResetPassword { token, new, .. } => {
            assert!(is_good(token));
            match new.expose() {
                "weak" => return Err(ActionError::WeakPassword(Vec::new())),
                _ => ActionResult::Profile(profile(false)),
            }
        }
        other => panic!("{other:?}"),
    })
}

struct Answer(http::Response<Bytes>);

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.0.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn cookies(&self) -> Vec<&str> {
        let set = self.0.headers().get_all("set-cookie").iter();
        set.map(|value| value.to_str().unwrap().split(';').next().unwrap()).collect()
    }

    fn body(&self) -> &str {
        str::from_utf8(self.0.body()).unwrap()
    }

    fn says(&self, status: u16, text: &str) {
        assert_eq!(self.0.status(), status, "{}", self.body());
        assert!(self.body().contains(text), "{text}: {}", self.body());
    }

    fn leads_to(&self, location: &str) {
        assert_eq!((self.0.status().as_u16(), self.header("location")), (302, location), "{}", self.body());
        assert_eq!(self.body(), "");
    }
}

impl Site {
    fn new(points: &[auth_core::ExactPoint], has_totp: bool) -> Self {
        Self::with(config(points), has_totp)
    }

    fn with(config: Config, has_totp: bool) -> Self {
        let services = FakeServices::new()
            .realm(RealmBuilder::new("main").subdomain("").build())
            .on_log_in(move |attempt| log_in(attempt, has_totp))
            .on_action(act);
        let services = Arc::new(services);
        let protocol = ZulipProtocol::new(config, services.clone(), Arc::new(ManualClock::default()));
        Self { services, protocol }
    }

    async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request =
            http::Request::builder().method(method).uri(target).header("host", "zulip.example.org");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let peer = Peer::new([192, 0, 2, 7].into()).through(FRONT);
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        Answer(self.protocol.handle(request, &peer).await.response)
    }

    async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], "").await
    }

    async fn vouched(&self, query: &str, user: &str) -> Answer {
        self.send("GET", &format!("{SSO}{query}"), &[("x-remote-user", user)], "").await
    }

    /// Sends a form as a page of this server does.
    async fn submit(&self, target: &str, cookies: &str, fields: &str) -> Answer {
        let cookies = format!("__Host-csrftoken={SECRET}{cookies}");
        let headers = [("cookie", cookies.as_str()), ("origin", "https://zulip.example.org")];
        self.send("POST", target, &headers, &format!("csrfmiddlewaretoken={SECRET}&{fields}")).await
    }
}

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
    waiting.says(200, "Finish desktop login");
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

#[tokio::test]
async fn a_link_is_mailed_to_whatever_address_is_one() {
    let site = Site::new(&[], false);
    let page = site.get(RESET).await;
    page.says(200, "<title>Reset your password | Zulip</title>");
    page.says(200, "<form method=\"post\" action=\"/accounts/password/reset/\">");
    assert_eq!((page.cookies().len(), page.header("expires")), (1, ""));
    for (fields, texts) in [
        ("email=not-an-email", &["Enter a valid email address."][..]),
        ("email=", &["This field is required."]),
        ("email=+", &["This field is required."]),
        ("", &["This field is required."]),
        (
            &*format!("email={}%40zulip.com", "a".repeat(320)),
            &["Enter a valid email address.", "Ensure this value has at most 254 characters (it has 330)."],
        ),
    ] {
        let answer = site.submit(RESET, "", fields).await;
        for text in texts {
            answer.says(200, text);
        }
        assert_eq!(answer.cookies(), [format!("__Host-csrftoken={SECRET}")]);
    }
    assert!(site.services.actions().is_empty());

    let answer = site.submit(RESET, "", "email=+hamlet%40zulip.com+").await;
    answer.leads_to("/accounts/password/reset/done/");
    let limit =
        ["limit", "remaining", "reset"].map(|name| answer.header(&format!("x-ratelimit-{name}")).to_owned());
    assert_eq!(limit, ["5", "4", "1795746675"]);
    let asked = site.services.actions().remove(0).kind;
    assert!(matches!(asked, ActionKind::MailResetLink { address, .. } if address == "hamlet@zulip.com"));
    site.submit(RESET, "", "email=off%40zulip.com").await.leads_to("/accounts/password/reset/done/");
    site.get("/accounts/password/reset/done/")
        .await
        .says(200, "<title>Password reset email sent | Zulip</title>");
    let without = site.send("POST", RESET, &[], "email=hamlet%40zulip.com").await;
    without.says(403, "Access forbidden (403)");
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    for (points, retry_after) in [(&[][..], "1800"), (&[exact::LIMIT_WITHOUT_RETRY_AFTER], "")] {
        let answer = Site::new(points, false).submit(RESET, "", "email=often%40zulip.com").await;
        answer.says(429, "<title>Rate limit exceeded | Zulip</title>");
        answer.says(429, "Try again in 1800 seconds.");
        assert_eq!((answer.header("retry-after"), answer.header("x-ratelimit-limit")), (retry_after, ""));
    }
}

#[tokio::test]
async fn a_link_leads_to_a_form_whose_address_is_no_secret() {
    let site = Site::new(&[], false);
    let opened = site.get("/accounts/password/reset/MTA/good-token/").await;
    opened.leads_to("/accounts/password/reset/MTA/set-password/");
    assert_eq!(opened.cookies(), ["__Host-sessionid=visit2y0mfhbjcb8tlekla408532rt3d"]);
    assert_eq!(opened.header("vary"), "Accept-Language, Cookie");
    assert!(opened.header("cache-control").contains("no-store"));

    let form = "/accounts/password/reset/MTA/set-password/";
    let visit = "; __Host-sessionid=visit2y0mfhbjcb8tlekla408532rt3d";
    let cookie = [("cookie", &visit[2..])];
    let page = site.send("GET", form, &cookie, "").await;
    page.says(200, "<title>Set a new password | Zulip</title>");
    page.says(200, "value=\"Hamlet@zulip.com\"");
    assert_eq!(page.cookies().len(), 1, "the cookie of the visit stays");

    let long = "q".repeat(101);
    for (one, other, texts) in [
        ("", "", &["This field is required."][..]),
        (&*long, &*long, &["Ensure this value has at most 100 characters (it has 101)."]),
        ("one", "other", &["The two password fields didn’t match."]),
        ("weak", "weak", &["The password is too weak."]),
    ] {
        let answer = site.submit(form, visit, &format!("new_password1={one}&new_password2={other}")).await;
        for text in texts {
            answer.says(200, text);
        }
    }
    let set = site.submit(form, visit, "new_password1=a-better-one&new_password2=a-better-one").await;
    set.leads_to("/accounts/password/done/");
    let ActionKind::ResetPassword { token, .. } = site.services.actions().pop().unwrap().kind else {
        panic!()
    };
    assert_eq!(token.expose(), "visit2y0mfhbjcb8tlekla408532rt3d");
    site.get("/accounts/password/done/").await.says(200, "<title>Password set | Zulip</title>");
}

#[tokio::test]
async fn a_link_that_is_not_good_or_not_its_owners_says_so() {
    let site = Site::new(&[], false);
    for path in
        ["MTA/bad-token/", "MTE/good-token/", "!!!/good-token/", "MTA/set-password/", "%2e%2e/good-token/"]
    {
        let answer = site.get(&format!("/accounts/password/reset/{path}")).await;
        answer.says(200, "Sorry, the link you provided is invalid or has already been used.");
        answer.says(200, "<title>Set a new password | Zulip</title>");
        assert_eq!(answer.cookies().len(), 0, "{path}");
        assert!(answer.header("cache-control").contains("no-store"));
    }
    let visit = [("cookie", "__Host-sessionid=visit2y0mfhbjcb8tlekla408532rt3d")];
    let answer = site.send("GET", "/accounts/password/reset/MTE/set-password/", &visit, "").await;
    answer.says(200, "Sorry, the link you provided is invalid or has already been used.");
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

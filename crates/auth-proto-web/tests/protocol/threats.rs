//! The threats that pages answer to, one by one.

use auth_core::testing::FakeServices;
use auth_core::{FailureReason, LoginError};

use crate::browser::{BEFORE, Browser, SESSION};
use crate::fixtures::{
    CODE, LINK, NEW_SESSION, PASSWORD, Person, asked, config, iago, of_iago, refused, services,
};

const NAME_AND_PASSWORD: [(&str, &str); 2] = [("name", "iago"), ("password", PASSWORD)];

/// Every form, and the page that it stands on.
const FORMS: [(&str, &str); 16] = [
    ("/sign-in", "/sign-in"),
    ("/account", "/sign-out"),
    ("/account/details", "/account/details"),
    ("/account/password", "/account/password"),
    ("/account/two-step", "/account/two-step/codes"),
    ("/account/two-step", "/account/two-step/remove"),
    ("/account/two-step", "/account/two-step/mail"),
    ("/account/app-passwords", "/account/app-passwords"),
    ("/account/app-passwords", "/account/app-passwords/revoke"),
    ("/account/sessions", "/account/sessions/end"),
    ("/account/sessions", "/account/sessions/end-others"),
    ("/account/zulip", "/account/zulip"),
    ("/account/zulip", "/account/zulip/regenerate"),
    ("/account/zulip", "/account/zulip/zuliprc"),
    ("/reset-password", "/reset-password"),
    ("/verify-email/good-link", "/verify-email"),
];

fn with_totp() -> FakeServices {
    services(Person::new(iago()).with_totp())
}

/// A browser that can open the page of a form.
fn visitor_of(page: &str) -> Browser {
    if page.starts_with("/account") { Browser::signed_in(with_totp()) } else { Browser::at(with_totp()) }
}

/// The actions that changed or gave away anything.
fn acts(services: &FakeServices) -> Vec<String> {
    let reads = ["OwnCredentials", "BackupCodesLeft", "IsResetLinkGood"];
    asked(services).into_iter().filter(|name| !reads.contains(&name.as_str())).collect()
}

fn is_untouched(browser: &Browser) -> bool {
    acts(&browser.services).is_empty()
        && browser.services.attempts().is_empty()
        && browser.services.revoked().is_empty()
}

#[tokio::test]
async fn form_from_another_site_is_refused_by_what_the_browser_says() {
    for (header, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://auth.example.org"),
    ] {
        for (page, action) in FORMS {
            let mut browser = visitor_of(page);
            let page = browser.get(page).await;
            browser.headers.push((header, value.to_owned()));
            let answer = browser.submit(&page, action, &[("id", "00"), ("code", CODE)]).await;
            answer.says(403, "This form comes from another site");
            assert!(is_untouched(&browser), "{header}: {value} {action}");
        }
    }
}

#[tokio::test]
async fn form_of_this_site_is_taken_by_what_the_browser_says() {
    for headers in [
        &[][..],
        &[("sec-fetch-site", "same-origin")],
        &[("origin", "https://auth.example.org")],
        &[("sec-fetch-site", "same-origin"), ("origin", "null")],
    ] {
        let mut browser = Browser::at(of_iago());
        let page = browser.get("/sign-in").await;
        browser.headers.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        browser.submit(&page, "/sign-in", &NAME_AND_PASSWORD).await.leads_to("/account");
    }
}

#[tokio::test]
async fn form_without_its_sealed_text_is_refused_although_no_header_tells() {
    for (page, action) in FORMS {
        let mut browser = visitor_of(page);
        browser.get(page).await;
        for forged in
            [&[][..], &[("form", "")], &[("form", "forged")], &[("form", "00")], &[("form", "<script>")]]
        {
            let answer = browser.post(action, forged).await;
            answer.says(403, "This form is out of date");
            assert!(is_untouched(&browser), "{action} {forged:?}");
        }
    }
}

#[tokio::test]
async fn sealed_text_of_another_browser_is_refused() {
    for (path, action) in FORMS {
        let mut attacker = visitor_of(path);
        if path.starts_with("/account") {
            attacker.cookies.insert(SESSION.to_owned(), NEW_SESSION.to_owned());
        }
        // Fakes draw tokens by counting.
        attacker.cookies.entry(BEFORE.to_owned()).or_insert_with(|| "attacker".to_owned());
        let page = attacker.get(path).await;
        let mut victim = visitor_of(path);
        victim.get(path).await;
        victim.submit(&page, action, &[("code", CODE)]).await.says(403, "This form is out of date");
        assert!(is_untouched(&victim), "{action}");
    }
}

#[tokio::test]
async fn sealed_text_of_another_form_is_refused() {
    for (path, action) in FORMS.into_iter().filter(|(_, action)| *action != "/sign-out") {
        let mut browser = visitor_of(path);
        let other = if path.starts_with("/account") { "/sign-out" } else { "/sign-in" };
        let from = if path.starts_with("/account") { path } else { "/sign-in" };
        if action == "/sign-in" {
            continue;
        }
        let page = browser.get(from).await;
        let form = page.hidden(other)[0].1.clone();
        let answer = browser.post(action, &[("form", &form), ("code", CODE)]).await;
        answer.says(403, "This form is out of date");
        assert!(is_untouched(&browser), "{action}");
    }
}

#[tokio::test]
async fn stolen_pre_session_opens_no_account() {
    let mut victim = Browser::at(of_iago());
    victim.get("/sign-in").await;
    let stolen = victim.cookies[BEFORE].clone();
    victim.fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await.leads_to("/account");
    let mut thief = Browser::at(of_iago());
    thief.cookies.insert(BEFORE.to_owned(), stolen.clone());
    thief.get("/account").await.leads_to("/sign-in?next=%2Faccount");
    thief.cookies.insert(SESSION.to_owned(), stolen);
    thief.get("/account").await.leads_to("/sign-in?next=%2Faccount");
}

#[tokio::test]
async fn session_that_was_planted_is_replaced_at_sign_in() {
    let mut victim = Browser::at(of_iago());
    victim.cookies.insert(SESSION.to_owned(), "planted".to_owned());
    victim.cookies.insert(BEFORE.to_owned(), "planted".to_owned());
    victim.fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await.leads_to("/account");
    assert_eq!(victim.cookies.get(SESSION).map(String::as_str), Some(NEW_SESSION));
    assert!(!victim.cookies.contains_key(BEFORE));
}

#[tokio::test]
async fn no_page_and_no_error_can_be_framed() {
    let mut browser = Browser::signed_in(with_totp());
    let mut seen = std::collections::BTreeSet::new();
    for path in [
        "/",
        "/account",
        "/account/sessions",
        "/nothing",
        "/account/nothing",
        "/sign-out",
        "/reset-password/x",
    ] {
        let page = browser.get(path).await;
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        seen.insert(page.status);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [200, 404, 405, 410]);
}

#[tokio::test]
async fn host_of_a_request_is_in_no_page_and_no_redirect() {
    for path in [
        "/",
        "/sign-in",
        "/account",
        "/account/zulip",
        "/reset-password",
        "/reset-password/good-link",
        "/verify-email/good-link",
    ] {
        for mut browser in [Browser::at(of_iago()), Browser::signed_in(of_iago())] {
            browser.headers.push(("host", "evil.example".to_owned()));
            browser.headers.push(("x-forwarded-host", "evil.example".to_owned()));
            browser.headers.push(("forwarded", "host=evil.example".to_owned()));
            let page = browser.get(path).await;
            assert!(!page.body.contains("evil.example"), "{path}");
            assert!(!page.header("location").contains("evil.example"), "{path}");
        }
    }
}

#[tokio::test]
async fn scanner_that_opens_a_link_uses_nothing_up() {
    let mut scanner = Browser::at(of_iago());
    for _ in 0..3 {
        scanner.get(&format!("/reset-password/{LINK}")).await.says(200, "Choose a new password");
        scanner.send("HEAD", &format!("/reset-password/{LINK}"), Vec::new()).await;
        scanner.get(&format!("/verify-email/{LINK}")).await.says(200, "Confirm your address");
    }
    assert!(is_untouched(&scanner));
}

#[tokio::test]
async fn reset_form_is_sent_once() {
    let mut browser = Browser::at(of_iago());
    let page = browser.get(&format!("/reset-password/{LINK}")).await;
    let fields = [("new", "a new horse")];
    browser.submit(&page, "/reset-password/new", &fields).await.says(200, "Your password is set");
    let again = browser.submit(&page, "/reset-password/new", &fields).await;
    again.says(403, "This form is out of date");
    assert_eq!(acts(&browser.services), ["ResetPassword"]);
}

#[tokio::test]
async fn sign_in_tells_nobody_which_accounts_exist() {
    let unknown = of_iago().on_log_in(|_| refused(LoginError::Credentials(FailureReason::UnknownUser)));
    let wrong = of_iago().on_log_in(|_| refused(LoginError::Credentials(FailureReason::WrongPassword)));
    let mut pages = Vec::new();
    for services in [unknown, wrong] {
        let page = Browser::at(services).fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
        pages.push((page.status, page.body, page.answer.not_before));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn password_alone_opens_no_account_with_a_second_factor() {
    let mut thief = Browser::at(with_totp());
    let page = thief.fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
    page.says(200, "Second step");
    assert!(!thief.cookies.contains_key(SESSION));
    thief.get("/account").await.leads_to("/sign-in?next=%2Faccount");
}

#[tokio::test]
async fn stolen_session_adds_no_way_in_after_a_while() {
    let mut thief = Browser::signed_in(services(Person::new(iago()).stale()));
    for (page, action) in [
        ("/account/two-step", "/account/two-step/enrol"),
        ("/account/two-step", "/account/two-step/mail"),
        ("/account/zulip", "/account/zulip"),
        ("/account/zulip", "/account/zulip/zuliprc"),
        ("/account/zulip", "/account/zulip/regenerate"),
    ] {
        let answer = thief.fill(page, action, &[]).await;
        assert_eq!(answer.status, 303, "{action}");
        assert!(answer.header("location").starts_with("/account/confirm?next="), "{action}");
    }
    assert!(acts(&thief.services).is_empty());
    // A password is no code: whoever has stolen both still lacks the present password here.
    let page = thief
        .fill("/account/password", "/account/password", &[("password", "guess"), ("new", "mine now")])
        .await;
    page.says(403, "That is not your present password.");
}

#[tokio::test]
async fn secrets_are_in_no_redirect_and_no_debug_output() {
    let mut browser = Browser::at(with_totp());
    let page = browser.fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
    let answer = browser.submit(&page, "/sign-in/code", &[("code", CODE)]).await;
    let shown = format!("{:?} {:?}", answer.answer, browser.services.attempts());
    for secret in [PASSWORD, CODE, NEW_SESSION] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn notice_that_was_made_elsewhere_is_not_shown() {
    let mut browser = Browser::signed_in(of_iago());
    for notice in ["password-changed", "00", "%3Cb%3Ehello"] {
        let page = browser.get(&format!("/account?notice={notice}")).await;
        assert!(!page.body.contains("class=\"notice\""), "{notice}");
    }
    let done = browser
        .fill("/account/password", "/account/password", &[("password", PASSWORD), ("new", "a new horse")])
        .await;
    let location = done.header("location").to_owned();
    browser.get(&location).await.says(200, "class=\"notice\"");
    browser.cookies.insert(SESSION.to_owned(), NEW_SESSION.to_owned());
    assert!(!browser.get(&location).await.body.contains("class=\"notice\""));
}

#[tokio::test]
async fn origin_of_a_realm_below_the_external_host_is_this_site() {
    let below = auth_proto_web::Config { external_host: Some("example.org".to_owned()), ..config() };
    let services =
        || of_iago().realm(auth_core::testing::RealmBuilder::new("chess").subdomain("chess").build());
    for (origin, status) in [
        ("https://chess.example.org", 403),
        ("http://chess.example.org", 403),
        ("https://poetry.example.org", 403),
        ("https://auth.example.org", 403),
    ] {
        let mut browser = Browser::with(below.clone(), services()).header("host", "chess.example.org");
        let page = browser.get("/sign-in").await;
        browser.headers.push(("origin", origin.to_owned()));
        let answer = browser.submit(&page, "/sign-in", &[("name", "iago"), ("password", "wrong")]).await;
        let text = match origin {
            "https://chess.example.org" => "That name and password don’t match.",
            _ => "This form comes from another site",
        };
        answer.says(status, text);
    }
}

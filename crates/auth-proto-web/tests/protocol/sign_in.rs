//! `/`, `/sign-in` and `/sign-out`.

use std::time::Duration;

use auth_core::testing::FakeServices;
use auth_core::{
    ApiKey, CredentialKind, FactorMethod, FailureReason, Grant, GrantKind, Identifier, InternalError, Login,
    LoginError, LoginMethod, ProtocolName, SecondStep,
};

use crate::browser::{BEFORE, Browser, SESSION};
use crate::fixtures::{
    CODE, GOOD_SESSION, NEW_SESSION, NOT_BEFORE, PASSWORD, Person, challenge, config, iago, of_iago, refused,
    reply, services,
};

const NAME_AND_PASSWORD: [(&str, &str); 2] = [("name", "iago"), ("password", PASSWORD)];

#[tokio::test]
async fn front_page_says_what_this_is_and_leads_on() {
    let mut browser = Browser::at(of_iago());
    let page = browser.get("/").await;
    page.says(200, "One account for <bdi>main</bdi>");
    page.says(200, "href=\"/sign-in\"");
    page.says(200, "<code>demo-pw</code>");
    page.says(200, "curl -d &#39;username=iago");
    page.says(200, "Run by the chess club");
    let page = Browser::signed_in(of_iago()).get("/").await;
    page.says(200, "href=\"/account\"");
    let page = Browser::with(auth_proto_web::Config { demo: None, ..config() }, of_iago()).get("/").await;
    assert!(!page.body.contains("demo-pw"));
}

#[tokio::test]
async fn name_and_password_lead_to_a_session() {
    for (name, who) in [
        (" iago ", Identifier::user_name("iago")),
        ("iago@example.org", Identifier::email("iago@example.org")),
    ] {
        let mut browser = Browser::at(of_iago());
        let page = browser.fill("/sign-in", "/sign-in", &[("name", name), ("password", PASSWORD)]).await;
        page.leads_to("/account");
        assert_eq!(page.answer.not_before, Some(NOT_BEFORE));
        assert_eq!(browser.cookies.get(SESSION).map(String::as_str), Some(NEW_SESSION));
        assert!(!browser.cookies.contains_key(BEFORE));
        let attempt = browser.services.attempts().pop().unwrap();
        assert_eq!(attempt.protocol, ProtocolName::WEB);
        assert_eq!(attempt.grant, GrantKind::Token(CredentialKind::WEB_SESSION));
        assert!(matches!(attempt.second_step, SecondStep::Offered(None)));
        assert_eq!(attempt.method.who(), Some(&who));
        browser.get("/account").await.says(200, "iago@example.org");
    }
}

#[tokio::test]
async fn sign_in_leads_to_where_it_was_asked_for() {
    for (next, to) in [
        ("/account/sessions", "/account/sessions"),
        ("/oidc/authorize?a=b%26c", "/oidc/authorize?a=b%26c"),
        ("//evil.example", "/account"),
        ("https://evil.example", "/account"),
    ] {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let mut browser = Browser::at(of_iago());
        let page = browser.fill(&format!("/sign-in?{query}"), "/sign-in", &NAME_AND_PASSWORD).await;
        page.leads_to(to);
        browser.get(&format!("/sign-in?{query}")).await.leads_to(to);
    }
}

#[tokio::test]
async fn what_is_missing_is_asked_for_without_an_attempt() {
    for (fields, error) in [
        (&[("name", " "), ("password", "x")][..], "name-error"),
        (&[("name", "iago"), ("password", "")], "password-error"),
        (&[], "name-error"),
    ] {
        let mut browser = Browser::at(of_iago());
        let page = browser.fill("/sign-in", "/sign-in", fields).await;
        page.says(422, &format!("id=\"{error}\""));
        page.says(422, "<title>Error:");
        assert!(browser.services.attempts().is_empty());
    }
}

#[tokio::test]
async fn all_refusals_look_alike() {
    let mut pages = Vec::new();
    for error in [
        LoginError::Credentials(FailureReason::UnknownUser),
        LoginError::Credentials(FailureReason::WrongPassword),
        LoginError::Credentials(FailureReason::TooManyAttempts),
        LoginError::Credentials(FailureReason::EntryLocked),
        LoginError::PasswordLoginDisabled,
        LoginError::PasswordResetRequired,
        LoginError::AppAccount,
        LoginError::NoRoles,
        LoginError::EmailUnverified,
        LoginError::OtherRealm,
        LoginError::Forbidden,
    ] {
        let services = of_iago().on_log_in(move |_| refused(error.clone()));
        let page = Browser::at(services).fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
        page.says(403, "That name and password don’t match.");
        page.says(403, "value=\"iago\"");
        assert_eq!(page.answer.not_before, Some(NOT_BEFORE));
        assert!(!page.body.contains(PASSWORD));
        pages.push(page.body);
    }
    pages.dedup();
    assert_eq!(pages.len(), 1);
}

#[tokio::test]
async fn what_helps_whoever_signs_in_is_told() {
    let wait = Duration::from_secs(90);
    for (error, status, text, retry_after) in [
        (LoginError::UserInactive, 403, "This account is deactivated.", ""),
        (LoginError::RealmInactive, 403, "This account is deactivated.", ""),
        (LoginError::AccountLimited { retry_after: wait }, 429, "Try again in 2 minutes.", "90"),
        (LoginError::ClientLimited { retry_after: wait }, 429, "Try again in 2 minutes.", "90"),
        (LoginError::SecondFactorExhausted(challenge(FactorMethod::Totp)), 403, "too many wrong codes", ""),
        (InternalError::unavailable("the store is locked").into(), 503, "This server is busy", ""),
        (InternalError::busy(wait).into(), 503, "This server is busy", "90"),
        (InternalError::defect("a secret cause").into(), 500, "Something went wrong", ""),
    ] {
        let is_internal = matches!(error, LoginError::Internal(_));
        let services = of_iago().on_log_in(move |_| refused(error.clone()));
        let page = Browser::at(services).fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
        page.says(status, text);
        assert_eq!(page.header("retry-after"), retry_after, "{text}");
        assert_eq!(page.answer.error.is_some(), is_internal, "{text}");
        assert_eq!(page.answer.not_before, Some(NOT_BEFORE), "{text}");
        assert!(!page.body.contains("secret cause") && !page.body.contains("locked"));
    }
}

#[tokio::test]
async fn second_factor_is_asked_for_after_the_password() {
    for (person, lead) in [
        (Person::new(iago()).with_totp(), "Enter the code that your authenticator app shows"),
        (Person::new(iago()).with_mailed_codes(), "A code was mailed to your account’s address."),
    ] {
        let mut browser = Browser::at(services(person));
        let page = browser.fill("/sign-in?next=/account/zulip", "/sign-in", &NAME_AND_PASSWORD).await;
        page.says(200, lead);
        page.says(200, "autocomplete=\"one-time-code\"");
        assert!(!page.body.contains(PASSWORD) && !page.body.contains("iago@example.org"));
        assert!(!browser.cookies.contains_key(SESSION), "a password alone is no session");

        let empty = browser.submit(&page, "/sign-in/code", &[("code", " ")]).await;
        empty.says(403, "Enter the code.");
        let wrong = browser.submit(&page, "/sign-in/code", &[("code", "000000")]).await;
        wrong.says(403, "That code is wrong or over.");
        let page = browser.submit(&wrong, "/sign-in/code", &[("code", "123 456")]).await;
        page.leads_to("/account/zulip");
        assert_eq!(page.answer.not_before, Some(NOT_BEFORE));
        assert_eq!(browser.cookies.get(SESSION).map(String::as_str), Some(NEW_SESSION));
        assert!(matches!(browser.services.attempts().pop().unwrap().method, LoginMethod::Ticket(_)));
    }
}

#[tokio::test]
async fn code_page_is_sent_once() {
    let mut browser = Browser::at(services(Person::new(iago()).with_totp()));
    let page = browser.fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
    browser.submit(&page, "/sign-in/code", &[("code", "000000")]).await.says(403, "wrong or over");
    browser.submit(&page, "/sign-in/code", &[("code", CODE)]).await.says(403, "This form is out of date");
}

#[tokio::test]
async fn ticket_that_has_ended_leads_back_to_the_beginning() {
    let services = of_iago().on_log_in(|attempt| match attempt.method {
        LoginMethod::Ticket(_) => refused(LoginError::Credentials(FailureReason::ExpiredToken)),
        _ => refused(LoginError::SecondFactorRequired(challenge(FactorMethod::Totp))),
    });
    let mut browser = Browser::at(services);
    let page = browser.fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
    let page = browser.submit(&page, "/sign-in/code", &[("code", CODE)]).await;
    page.says(403, "This form is out of date");
    page.says(403, "href=\"/sign-in\"");
}

#[tokio::test]
async fn grant_or_challenge_of_another_kind_is_a_defect() {
    let key = || {
        reply(Ok(Box::new(Login {
            profile: Person::new(iago()).profile(),
            grant: Grant::ApiKey(ApiKey::new("key")),
        })))
    };
    let without_ticket = || {
        let challenge = auth_core::Challenge { ticket: None, ..challenge(FactorMethod::Totp) };
        refused(LoginError::SecondFactorRequired(challenge))
    };
    for services in [of_iago().on_log_in(move |_| key()), of_iago().on_log_in(move |_| without_ticket())] {
        let page = Browser::at(services).fill("/sign-in", "/sign-in", &NAME_AND_PASSWORD).await;
        page.says(500, "Something went wrong");
        assert!(page.answer.error.is_some());
    }
}

#[tokio::test]
async fn sign_out_ends_the_session_and_takes_its_cookie() {
    let mut browser = Browser::signed_in(of_iago());
    browser.fill("/account", "/sign-out", &[]).await.leads_to("/");
    assert!(!browser.cookies.contains_key(SESSION));
    assert_eq!(browser.services.revoked().len(), 1);
    // Whoever is signed out already is so.
    browser.cookies.insert(SESSION.to_owned(), "ended".to_owned());
    browser.post("/sign-out", &[]).await.leads_to("/");
    assert_eq!(browser.services.revoked().len(), 1);
}

#[tokio::test]
async fn sign_out_that_fails_keeps_the_cookie() {
    let services = of_iago().on_revoke(|_| Err(InternalError::unavailable("the store is locked")));
    let mut browser = Browser::signed_in(services);
    browser.fill("/account", "/sign-out", &[]).await.says(503, "This server is busy");
    assert_eq!(browser.cookies.get(SESSION).map(String::as_str), Some(GOOD_SESSION));
}

#[tokio::test]
async fn every_page_of_the_account_asks_to_sign_in_first() {
    for path in [
        "/account",
        "/account/password",
        "/account/confirm",
        "/account/two-step",
        "/account/app-passwords",
        "/account/sessions",
        "/account/zulip",
    ] {
        let mut browser = Browser::at(of_iago());
        browser.get(path).await.leads_to(&format!("/sign-in?next={}", path.replace('/', "%2F")));
        browser.cookies.insert(SESSION.to_owned(), "ended".to_owned());
        browser.get(path).await.leads_to(&format!("/sign-in?next={}", path.replace('/', "%2F")));
    }
}

#[tokio::test]
async fn outage_of_the_store_is_told_and_handed_to_the_server() {
    let error = InternalError::unavailable("the store is locked");
    for path in ["/", "/sign-in", "/account", "/reset-password"] {
        let mut browser = Browser::at(FakeServices::new().outage(error.clone()));
        let page = browser.get(path).await;
        page.says(503, "This server is busy");
        assert!(page.answer.error.is_some());
    }
}

//! `POST /api/v4/session`: the attempts that the services are asked about, and the answers to their replies.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::FakeServices;
use auth_core::{
    ApiKey, BodyTooLarge, Challenge, FactorMethod, FailureReason, Grant, GrantKind, Identifier,
    InternalError, InternalErrorKind, LoginError, LoginMethod, SecondStep, SecretInput,
};
use gitlab_session::{GITLAB, GITLAB_TOKEN};

use crate::fixtures::{
    FORM, NOT_BEFORE, USER, ask, check, grant, granted, header, is_unasked, login, peer, realm, refused,
    request, services,
};

#[tokio::test]
async fn services_are_asked_about_what_was_sent() {
    let json = ("Content-Type", "application/json");
    for (header, body, who, password) in [
        (FORM, "login=Iago&password=+pw+", Identifier::user_name("Iago"), " pw "),
        (json, r#"{"email":"iago@zulip.com","password":"pw"}"#, Identifier::email("iago@zulip.com"), "pw"),
    ] {
        let services = Arc::new(services());
        ask(&services, request("POST", "/api/v4/session", &[header], body)).await;
        let attempts = services.attempts();
        assert_eq!(attempts.len(), 1);
        let attempt = &attempts[0];
        assert_eq!((attempt.protocol, attempt.realm.id, &attempt.peer), (GITLAB, realm().id, &peer()));
        assert_eq!(attempt.grant, GrantKind::Token(GITLAB_TOKEN));
        assert!(matches!(attempt.second_step, SecondStep::NotOffered));
        let LoginMethod::Password { who: asked, secret: SecretInput::Password(secret) } = &attempt.method
        else {
            panic!("{attempt:?}")
        };
        assert_eq!((asked, secret.expose()), (&who, password));
    }
}

#[tokio::test]
async fn user_is_answered_with_the_token() {
    let services = Arc::new(services().on_log_in(|_| granted(grant("new-token"))));
    let answer = ask(&services, login()).await;
    check(&answer, 201, &format!(r#"{USER},"private_token":"new-token"}}"#), "granted");
    assert_eq!(header(&answer, "cache-control"), "max-age=0, private, must-revalidate");
    assert_eq!(answer.not_before, Some(NOT_BEFORE));
    assert!(answer.error.is_none());
}

#[tokio::test]
async fn refusals_that_must_not_tell_why_look_the_same() {
    let challenge =
        Challenge { method: FactorMethod::Totp, available: Vec::new(), mailed: None, ticket: None };
    for error in [
        LoginError::Credentials(FailureReason::UnknownUser),
        LoginError::Credentials(FailureReason::NoPassword),
        LoginError::Credentials(FailureReason::WrongPassword),
        LoginError::Credentials(FailureReason::TooManyAttempts),
        LoginError::Credentials(FailureReason::NoSecondStep),
        LoginError::PasswordLoginDisabled,
        LoginError::PasswordResetRequired,
        LoginError::AppAccount,
        LoginError::NoRoles,
        LoginError::EmailUnverified,
        LoginError::SecondFactorRequired(challenge.clone()),
        LoginError::SecondFactorInvalid(challenge.clone()),
        LoginError::SecondFactorExhausted(challenge),
        LoginError::OtherRealm,
        LoginError::Forbidden,
    ] {
        let name = error.as_str();
        let services = Arc::new(services().on_log_in(move |_| refused(error.clone())));
        let answer = ask(&services, login()).await;
        check(&answer, 401, r#"{"message":"401 Unauthorized"}"#, name);
        assert_eq!(answer.response.headers().len(), 3, "{name}");
        assert_eq!(answer.not_before, Some(NOT_BEFORE), "{name}");
    }
}

#[tokio::test]
async fn deactivated_account_or_realm_is_told() {
    for error in [LoginError::UserInactive, LoginError::RealmInactive] {
        let services = Arc::new(services().on_log_in(move |_| refused(error.clone())));
        let answer = ask(&services, login()).await;
        let blocked = r#"{"message":"403 Forbidden - Your account has been blocked."}"#;
        check(&answer, 403, blocked, "blocked");
        assert_eq!(answer.not_before, Some(NOT_BEFORE));
    }
}

#[tokio::test]
async fn limits_are_told_with_the_seconds_to_wait() {
    let retry_after = Duration::from_millis(61_500);
    for error in [LoginError::AccountLimited { retry_after }, LoginError::ClientLimited { retry_after }] {
        let services = Arc::new(services().on_log_in(move |_| refused(error.clone())));
        let answer = ask(&services, login()).await;
        let body =
            r#"{"message":{"error":"This endpoint has been requested too many times. Try again later."}}"#;
        check(&answer, 429, body, "limited");
        assert_eq!(header(&answer, "retry-after"), "62");
    }
}

#[tokio::test]
async fn internal_error_is_rendered_and_handed_to_the_server() {
    let (unavailable, defect) =
        (r#"{"message":"503 Service Unavailable"}"#, r#"{"message":"500 Internal Server Error"}"#);
    for (error, status, body, retry_after) in [
        (InternalError::unavailable("the store is locked"), 503, unavailable, ""),
        (InternalError::busy(Duration::from_secs(3)), 503, unavailable, "3"),
        (InternalError::defect("a defect"), 500, defect, ""),
    ] {
        let kind = error.kind();
        let outage = Arc::new(FakeServices::new().outage(error.clone()));
        let failing = Arc::new(services().on_log_in(move |_| refused(error.clone().into())));
        for services in [outage, failing] {
            let answer = ask(&services, login()).await;
            check(&answer, status, body, body);
            assert_eq!(header(&answer, "retry-after"), retry_after);
            assert_eq!(answer.error.map(|error| error.kind()), Some(kind));
        }
    }
}

#[tokio::test]
async fn grant_of_another_kind_is_a_defect() {
    let services = Arc::new(services().on_log_in(|_| granted(Grant::ApiKey(ApiKey::new("key")))));
    let answer = ask(&services, login()).await;
    check(&answer, 500, r#"{"message":"500 Internal Server Error"}"#, "defect");
    assert_eq!(answer.error.map(|error| error.kind()), Some(InternalErrorKind::Defect));
}

#[tokio::test]
async fn while_the_realm_is_not_there_every_login_and_token_is_refused() {
    let token = request("GET", "/api/v4/user", &[("PRIVATE-TOKEN", "token")], "");
    for request in [login(), token] {
        let answer = ask(&Arc::new(FakeServices::new()), request).await;
        check(&answer, 401, r#"{"message":"401 Unauthorized"}"#, "no realm");
        assert!(answer.error.is_none());
    }
}

#[tokio::test]
async fn bad_parameters_are_answered_without_asking() {
    let services = Arc::new(services());
    let name = "login, email are missing, at least one parameter must be provided";
    for (content_type, body, error) in [
        ("application/x-www-form-urlencoded", "login=iago", "password is missing".to_owned()),
        ("application/x-www-form-urlencoded", "password=pw", name.to_owned()),
        ("text/plain", "login=iago&password=pw", format!("password is missing, {name}")),
        ("application/json", r#"{"login":["iago"],"password":"pw"}"#, "login is invalid".to_owned()),
        ("application/json", "{", "message body does not match declared format".to_owned()),
    ] {
        let login = request("POST", "/api/v4/session", &[("Content-Type", content_type)], body);
        let answer = ask(&services, login).await;
        check(&answer, 400, &format!(r#"{{"error":"{error}"}}"#), body);
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn parameters_in_the_query_count_for_nothing() {
    let services = Arc::new(services());
    let login = request("POST", "/api/v4/session?login=iago&password=pw", &[FORM], "");
    assert_eq!(ask(&services, login).await.response.status(), 400);
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn body_that_was_too_large_is_refused() {
    let services = Arc::new(services());
    let mut login = request("POST", "/api/v4/session", &[FORM], "");
    login.extensions_mut().insert(BodyTooLarge);
    let answer = ask(&services, login).await;
    check(&answer, 413, r#"{"error":"413 Request Entity Too Large"}"#, "too large");
    assert!(is_unasked(&services));
}

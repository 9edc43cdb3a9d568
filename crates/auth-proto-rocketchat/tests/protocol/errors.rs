//! The bytes of every login error and of every internal error.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::FakeServices;
use auth_core::{
    ActionError, Challenge, Exact, FactorMethod, FailureReason, InternalError, LoginError, LoginReply,
    Protocol,
};
use auth_proto_rocketchat::exact::ILL_TYPED_BODY;
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use serde_json::{Value, json};

use crate::account::as_user;
use crate::fixture;
use crate::support::{ask, config, header, log_in, peer, request, services, text};

const UNAUTHORIZED: &str =
    r#"{"success":false,"error":"Unauthorized","status":"error","message":"Unauthorized"}"#;

async fn check(error: LoginError, expected: &str) {
    let named = format!("{error:?}");
    let services = services().on_log_in(move |_| LoginReply::refused(error.clone()));
    let response = ask(config(), Arc::new(services), log_in(&json!({"user": "u", "password": "p"}))).await;
    assert_eq!(response.status(), 401, "{named}");
    assert_eq!(text(&response), expected, "{named}");
}

#[tokio::test]
async fn every_wrong_credential_looks_the_same() {
    for reason in [
        FailureReason::UnknownUser,
        FailureReason::NoPassword,
        FailureReason::WrongPassword,
        FailureReason::BrokenPassword,
        FailureReason::DigestNotAccepted,
        FailureReason::NoSecondStep,
        FailureReason::UnknownToken,
        FailureReason::ExpiredToken,
        FailureReason::NotOffered,
    ] {
        check(LoginError::Credentials(reason), UNAUTHORIZED).await;
    }
    for error in [
        LoginError::PasswordLoginDisabled,
        LoginError::RealmInactive,
        LoginError::PasswordResetRequired,
        LoginError::OtherRealm,
        LoginError::AssertionDisabled,
        LoginError::AssertionInvalid,
        LoginError::AssertionWithoutSubject,
        LoginError::AssertionMalformed,
    ] {
        check(error, UNAUTHORIZED).await;
    }
}

#[tokio::test]
async fn state_of_the_account_has_its_own_texts() {
    let hook = |error: &str, message: &str| {
        format!(
            concat!(
                r#"{{"success":false,"error":"{}","status":"error","#,
                r#""details":{{"function":"Accounts.validateLoginAttempt"}},"message":"{}"}}"#
            ),
            error, message
        )
    };
    let retry_after = Duration::from_secs(7);
    for (refused, error, message) in [
        (LoginError::UserInactive, "error-user-is-not-activated", "User is not activated"),
        (
            LoginError::AppAccount,
            "error-app-user-is-not-allowed-to-login",
            "App user is not allowed to login",
        ),
        (LoginError::NoRoles, "error-user-has-no-roles", "User has no roles"),
        (
            LoginError::AccountLimited { retry_after },
            "error-login-blocked-for-user",
            "Login has been temporarily blocked For User",
        ),
        (
            LoginError::ClientLimited { retry_after },
            "error-login-blocked-for-ip",
            "Login has been temporarily blocked For IP",
        ),
    ] {
        check(refused, &hook(error, message)).await;
    }
    check(
        LoginError::EmailUnverified,
        r#"{"success":false,"error":"error-invalid-email","status":"error","message":"Invalid email __email__"}"#,
    )
    .await;
    check(
        LoginError::Forbidden,
        r#"{"success":false,"error":403,"status":"error","message":"Login forbidden"}"#,
    )
    .await;
}

#[tokio::test]
async fn second_factor_is_asked_for_with_its_details() {
    const TOTP: &str = r#"{"method":"totp","codeGenerated":false,"availableMethods":["totp"]}"#;
    const BOTH: &str = r#"{"method":"totp","codeGenerated":false,"availableMethods":["totp","email"]}"#;
    const NEW: &str = concat!(
        r#"{"method":"email","codeGenerated":true,"emailOrUsername":"mailuser","#,
        r#""availableMethods":["email"]}"#
    );
    const OLD: &str = concat!(
        r#"{"method":"email","codeGenerated":false,"codeExpires":"2026-01-02T04:04:05.678Z","#,
        r#""emailOrUsername":"mailuser","availableMethods":["email"]}"#
    );
    const PASSWORD: &str = r#"{"method":"password","codeGenerated":false,"availableMethods":[]}"#;

    let password =
        Challenge { method: FactorMethod::Password, available: Vec::new(), mailed: None, ticket: None };
    for (refused, error, details, message) in [
        (LoginError::SecondFactorRequired(fixture::totp(false)), "totp-required", TOTP, "TOTP Required"),
        (LoginError::SecondFactorRequired(fixture::totp(true)), "totp-required", BOTH, "TOTP Required"),
        (LoginError::SecondFactorRequired(fixture::mailed(true)), "totp-required", NEW, "TOTP Required"),
        (LoginError::SecondFactorRequired(fixture::mailed(false)), "totp-required", OLD, "TOTP Required"),
        (LoginError::SecondFactorRequired(password), "totp-required", PASSWORD, "TOTP Required"),
        (LoginError::SecondFactorInvalid(fixture::totp(false)), "totp-invalid", TOTP, "TOTP Invalid"),
        (LoginError::SecondFactorInvalid(fixture::mailed(false)), "totp-invalid", OLD, "TOTP Invalid"),
        (
            LoginError::SecondFactorExhausted(fixture::mailed(false)),
            "totp-max-attempts",
            OLD,
            "TOTP Maximun Failed Attempts Reached",
        ),
    ] {
        let expected = format!(
            r#"{{"success":false,"error":"{error}","status":"error","details":{details},"message":"{message}"}}"#
        );
        check(refused, &expected).await;
    }
}

#[tokio::test]
async fn body_of_the_wrong_types_is_named_or_an_internal_error_where_exact() {
    let exact = Exact::only([ILL_TYPED_BODY]);
    for (exact, status, expected) in [
        (
            Exact::default(),
            400,
            concat!(
                r#"{"success":false,"errorType":"invalid-params","#,
                r#""error":"must have required property 'user'"}"#
            ),
        ),
        (exact, 500, r#"{"success":false,"error":"Internal server error"}"#),
    ] {
        let config = Config { exact, ..config() };
        let response = ask(config, Arc::new(services()), log_in(&json!({"password": "mypassword"}))).await;
        assert_eq!((response.status().as_u16(), text(&response)), (status, expected));
    }
}

#[tokio::test]
async fn internal_errors_are_answered_without_their_cause_and_handed_to_the_server() {
    type Make = fn() -> InternalError;
    let errors: [(Make, _, _, _); 3] = [
        (|| InternalError::unavailable("disk on fire"), 503, None, "Service unavailable"),
        (|| InternalError::busy(Duration::from_millis(1200)), 503, Some("2"), "Service unavailable"),
        (|| InternalError::defect("broken record"), 500, None, "Internal server error"),
    ];
    for (make, status, retry_after, error) in errors {
        let services = services().on_log_in(move |_| LoginReply::refused(make().into()));
        let protocol = RocketChatProtocol::new(config(), Arc::new(services));
        let answer = protocol.handle(log_in(&json!({"user": "u", "password": "p"})), &peer()).await;
        let response = answer.response;
        assert_eq!(response.status(), status);
        assert_eq!(header(&response, "retry-after"), retry_after);
        assert_eq!(text(&response), format!(r#"{{"success":false,"error":"{error}"}}"#));
        assert_eq!(answer.error, Some(make()));
    }
}

#[tokio::test]
async fn while_the_realm_is_not_there_every_call_is_answered_as_if_it_had_no_users() {
    let refused =
        |text: &str| format!(r#"{{"success":false,"error":"{text}","status":"error","message":"{text}"}}"#);
    let (unauthorized, not_signed_in) =
        (refused("Unauthorized"), refused("You must be logged in to do this."));
    let done = r#"{"success":true}"#.to_owned();
    let get = |path: &str, headers: &[(&str, &str)]| request("GET", path, headers, "");
    let post = |path: &str, body: &Value| {
        request("POST", path, &[("Content-Type", "application/json")], body.to_string())
    };
    let signed = [("X-User-Id", "owner"), ("X-Auth-Token", "token")];
    let mail = json!({"emailOrUsername": "u"});
    let address = json!({"email": "u@example.org"});
    for (request, status, body) in [
        (log_in(&json!({"user": "u", "password": "p"})), 401, &unauthorized),
        (log_in(&json!({"resume": "token"})), 401, &unauthorized),
        (get("/api/v1/me", &signed), 401, &not_signed_in),
        (post("/api/v1/users.2fa.sendEmailCode", &mail), 200, &done),
        (post("/api/v1/users.forgotPassword", &address), 200, &done),
    ] {
        let services = FakeServices::new().on_log_in(fixture::log_in);
        let path = request.uri().clone();
        let response = ask(config(), Arc::new(services), request).await;
        assert_eq!((response.status().as_u16(), text(&response)), (status, body.as_str()), "{path}");
    }
    let settings = get("/api/v1/settings.public?_id=LDAP_Enable,Site_Name", &[]);
    let response = ask(config(), Arc::new(FakeServices::new()), settings).await;
    assert_eq!(response.status(), 200, "{}", text(&response));
}

#[tokio::test]
async fn too_many_acts_of_an_account_on_itself_are_told_as_too_many_requests() {
    let wait = Duration::from_millis(89_001);
    let expected = concat!(
        r#"{"success":false,"error":"Error, too many requests. Please slow down. You must wait 90 seconds before "#,
        r#"trying this endpoint again. [error-too-many-requests]"}"#
    );
    let token = json!({"tokenName": "a"});
    for (path, body) in [
        ("users.generatePersonalAccessToken", token.clone()),
        ("users.regeneratePersonalAccessToken", token.clone()),
        ("users.removePersonalAccessToken", token),
        ("users.removeOtherTokens", json!({})),
        ("users.logout", json!({})),
        ("users.validateTotp", json!({"code": "123456"})),
        ("users.regenerateTotpCodes", json!({"code": "123456"})),
        ("users.resetTOTP", json!({})),
        ("users.2fa.enableEmail", json!({})),
    ] {
        let services = services().on_action(move |_| Err(ActionError::TooManyActs(wait)));
        let response = ask(config(), Arc::new(services), as_user(path, &body)).await;
        assert_eq!((response.status().as_u16(), text(&response)), (429, expected), "{path}");
        assert_eq!(header(&response, "retry-after"), None, "{path}");
    }
}

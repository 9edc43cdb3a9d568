//! Actions on accounts: what the services are asked, and what each answer looks like.

use std::sync::Arc;

use auth_core::{ActionError, Challenge, CheckReply, FactorMethod, InternalError, Protocol};
use auth_proto_rocketchat::{Config, RocketChatProtocol};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::fixture;
use crate::support::{LATER, actions, ask, config, peer, request, services, text};

/// A call by a user, with more headers.
pub(crate) fn call(
    who: &str,
    method: &str,
    path: &str,
    body: &Value,
    more: &[(&str, &str)],
) -> Request<Bytes> {
    let (id, token) = (fixture::id(who), fixture::token(who));
    let mut headers = vec![("X-User-Id", id.as_str()), ("X-Auth-Token", token.as_str())];
    headers.push(("Content-Type", "application/json"));
    headers.extend(more);
    request(method, &format!("/api/v1/{path}"), &headers, body.to_string())
}

pub(crate) fn as_user(path: &str, body: &Value) -> Request<Bytes> {
    let method = if path.contains(".get") || path.ends_with("Remaining") { "GET" } else { "POST" };
    call("myusername", method, path, body, &[])
}

#[tokio::test]
async fn calls_reach_the_services_and_are_answered_in_their_own_forms() {
    let pat = fixture::token("pat");
    let own = fixture::token("myusername");
    let (second, second_token) = (fixture::id("second"), fixture::token("second"));
    let listed = concat!(
        r#"{"tokens":[{"name":"bot","createdAt":"2026-01-02T03:04:05.678Z","lastTokenPart":"abc-_9","#,
        r#""bypassTwoFactor":true}],"success":true}"#
    );
    for (path, body, expected_call, answer) in [
        (
            "users.logoutOtherClients",
            json!({}),
            "end others",
            format!(r#"{{"token":"{own}","tokenExpires":"","success":true}}"#),
        ),
        ("users.removeOtherTokens", json!({}), "end others", r#"{"success":true}"#.into()),
        (
            "users.logout",
            json!({}),
            "end all of self",
            format!(r#"{{"message":"User {second} has been logged out!","success":true}}"#),
        ),
        (
            "users.logout",
            json!({"userId": "x"}),
            "end all of id x",
            format!(r#"{{"message":"User {second} has been logged out!","success":true}}"#),
        ),
        (
            "users.createToken",
            json!({"userId": "x", "secret": "s"}),
            "create for id x knowing s",
            format!(r#"{{"data":{{"userId":"{second}","authToken":"{second_token}"}},"success":true}}"#),
        ),
        (
            "users.createToken",
            json!({"username": "x", "secret": "s"}),
            "create for UserName x knowing s",
            format!(r#"{{"data":{{"userId":"{second}","authToken":"{second_token}"}},"success":true}}"#),
        ),
        (
            "users.generatePersonalAccessToken",
            json!({"tokenName": "bot"}),
            "make bot false",
            format!(r#"{{"token":"{pat}","success":true}}"#),
        ),
        (
            "users.generatePersonalAccessToken",
            json!({"tokenName": "bot", "bypassTwoFactor": true}),
            "make bot true",
            format!(r#"{{"token":"{pat}","success":true}}"#),
        ),
        (
            "users.regeneratePersonalAccessToken",
            json!({"tokenName": "bot"}),
            "renew bot",
            format!(r#"{{"token":"{pat}","success":true}}"#),
        ),
        ("users.getPersonalAccessTokens", json!({}), "list", listed.into()),
        (
            "users.removePersonalAccessToken",
            json!({"tokenName": "bot"}),
            "remove bot",
            r#"{"success":true}"#.into(),
        ),
        ("users.2fa.enableEmail", json!({}), "require mailed", r#"{"success":true}"#.into()),
        ("users.2fa.disableEmail", json!({}), "waive mailed", r#"{"success":true}"#.into()),
        (
            "users.enableTotp",
            json!({}),
            "enrol",
            r#"{"secret":"BASE32","url":"otpauth://totp/x","success":true}"#.into(),
        ),
        (
            "users.validateTotp",
            json!({"code": "123456"}),
            "confirm 123456",
            r#"{"codes":["aBcD2345","eFgH6789"],"success":true}"#.into(),
        ),
        (
            "users.disableTotp",
            json!({"code": "123456"}),
            "remove device 123456",
            r#"{"disabled":true,"success":true}"#.into(),
        ),
        (
            "users.disableTotp",
            json!({"code": "000000"}),
            "remove device 000000",
            r#"{"disabled":false,"success":true}"#.into(),
        ),
        (
            "users.regenerateTotpCodes",
            json!({"code": "123456"}),
            "renew codes 123456",
            r#"{"codes":["jKmN2345"],"success":true}"#.into(),
        ),
        ("users.totpCodesRemaining", json!({}), "count codes", r#"{"remaining":11,"success":true}"#.into()),
        ("users.resetTOTP", json!({}), "reset self", r#"{"success":true}"#.into()),
        ("users.resetTOTP", json!({"userId": "x"}), "reset id x", r#"{"success":true}"#.into()),
        ("users.resetTOTP", json!({"username": "x"}), "reset UserName x", r#"{"success":true}"#.into()),
        ("users.resetTOTP", json!({"user": "x"}), "reset UserName x", r#"{"success":true}"#.into()),
    ] {
        let services = Arc::new(services());
        let response = ask(config(), services.clone(), as_user(path, &body)).await;
        assert_eq!((response.status().as_u16(), text(&response)), (200, answer.as_str()), "{path}");
        assert_eq!(actions(&services), [expected_call], "{path}");
        assert_eq!(services.admitted().len(), 1, "{path}");
    }
}

#[tokio::test]
async fn second_factor_and_program_come_from_headers() {
    for (headers, expected) in [
        (&[][..], "enrol"),
        (&[("x-2fa-code", "123456")], "enrol code 123456"),
        (&[("x-2fa-method", "email")], "enrol by Email"),
        (&[("x-2fa-code", "1"), ("x-2fa-method", "totp")], "enrol code 1 by Totp"),
        (&[("X-2FA-Code", "1"), ("X-2FA-Method", "password")], "enrol code 1 by Password"),
        (&[("x-2fa-code", "1"), ("x-2fa-method", "sms")], "enrol code 1"),
        (&[("x-2fa-code", "1"), ("x-2fa-code", "2")], "enrol"),
    ] {
        let services = Arc::new(services());
        ask(config(), services.clone(), call("myusername", "POST", "users.enableTotp", &json!({}), headers))
            .await;
        assert_eq!(actions(&services), [expected]);
    }
}

#[tokio::test]
async fn every_action_error_has_the_texts_of_its_call() {
    let asking =
        || Challenge { method: FactorMethod::Password, available: vec![], mailed: None, ticket: None };
    let code = json!({"code": "1"});
    let token = json!({"tokenName": "bot"});
    let create = json!({"userId": "x", "secret": "s"});
    let details = r#""details":{"method":"password","codeGenerated":false,"availableMethods":[]}"#;
    for (path, body, refused, status, error) in [
        (
            "users.enableTotp",
            &code,
            ActionError::SecondFactorRequired(asking()),
            400,
            &*format!(r#""TOTP Required [totp-required]","errorType":"totp-required",{details}"#),
        ),
        (
            "users.generatePersonalAccessToken",
            &token,
            ActionError::SecondFactorInvalid(asking()),
            400,
            &format!(r#""TOTP Invalid [totp-invalid]","errorType":"totp-invalid",{details}"#),
        ),
        (
            "users.resetTOTP",
            &json!({}),
            ActionError::SecondFactorExhausted(fixture::totp(true)),
            400,
            concat!(
                r#""TOTP Maximun Failed Attempts Reached [totp-max-attempts]","errorType":"totp-max-attempts","#,
                r#""details":{"method":"totp","codeGenerated":false,"availableMethods":["totp","email"]}"#
            ),
        ),
        (
            "users.enableTotp",
            &json!({}),
            ActionError::DeviceExists,
            400,
            r#""[error-2fa-already-enabled]","errorType":"error-2fa-already-enabled""#,
        ),
        (
            "users.validateTotp",
            &code,
            ActionError::WrongCode,
            400,
            r#""[invalid-totp]","errorType":"invalid-totp""#,
        ),
        (
            "users.regenerateTotpCodes",
            &code,
            ActionError::NoDevice,
            400,
            r#""[invalid-totp]","errorType":"invalid-totp""#,
        ),
        (
            "users.2fa.enableEmail",
            &json!({}),
            ActionError::AddressUnverified,
            400,
            concat!(
                r#""You need to verify your emails before setting up 2FA [error-invalid-user]","#,
                r#""errorType":"error-invalid-user""#
            ),
        ),
        (
            "users.enableTotp",
            &json!({}),
            ActionError::NoUserName,
            400,
            r#""Invalid user [error-invalid-user]","errorType":"error-invalid-user""#,
        ),
        (
            "users.resetTOTP",
            &json!({}),
            ActionError::NotPermitted,
            400,
            r#""Not allowed [error-not-allowed]","errorType":"error-not-allowed""#,
        ),
        (
            "users.resetTOTP",
            &json!({}),
            ActionError::NoSuchUser,
            400,
            r#""Invalid user id [error-invalid-user-id]","errorType":"error-invalid-user-id""#,
        ),
        ("users.logout", &json!({}), ActionError::NotPermitted, 403, r#""unauthorized""#),
        (
            "users.logout",
            &json!({}),
            ActionError::NoSuchUser,
            400,
            r#""Invalid user id [error-invalid-user-id]","errorType":"error-invalid-user-id""#,
        ),
        (
            "users.createToken",
            &create,
            ActionError::NotPermitted,
            400,
            r#""Not authorized [error-not-authorized]","errorType":"error-not-authorized""#,
        ),
        (
            "users.createToken",
            &create,
            ActionError::NoSuchUser,
            400,
            r#""Invalid user [error-invalid-user]","errorType":"error-invalid-user""#,
        ),
        (
            "users.getPersonalAccessTokens",
            &json!({}),
            ActionError::NotPermitted,
            403,
            r#""User does not have the permissions required for this action [error-unauthorized]""#,
        ),
        (
            "users.generatePersonalAccessToken",
            &token,
            ActionError::NotPermitted,
            400,
            concat!(
                r#""Not Authorized [not-authorized]","errorType":"not-authorized","#,
                r#""details":{"method":"personalAccessTokens:generateToken"}"#
            ),
        ),
        (
            "users.generatePersonalAccessToken",
            &token,
            ActionError::TokenExists,
            400,
            concat!(
                r#""A token with this name already exists [error-token-already-exists]","#,
                r#""errorType":"error-token-already-exists","#,
                r#""details":{"method":"personalAccessTokens:generateToken"}"#
            ),
        ),
        (
            "users.generatePersonalAccessToken",
            &token,
            ActionError::TooManyTokens,
            400,
            concat!(
                r#""You have too many personal access tokens. Remove one first [error-too-many-tokens]","#,
                r#""errorType":"error-too-many-tokens","#,
                r#""details":{"method":"personalAccessTokens:generateToken"}"#
            ),
        ),
        (
            "users.regeneratePersonalAccessToken",
            &token,
            ActionError::NoSuchToken,
            400,
            concat!(
                r#""Token does not exist [error-token-does-not-exists]","#,
                r#""errorType":"error-token-does-not-exists","#,
                r#""details":{"method":"personalAccessTokens:regenerateToken"}"#
            ),
        ),
        (
            "users.removePersonalAccessToken",
            &token,
            ActionError::NotOffered,
            400,
            r#""Not allowed [error-not-allowed]","errorType":"error-not-allowed""#,
        ),
    ] {
        let error_of_action = refused.clone();
        let services = services().on_action(move |_| Err(error_of_action.clone()));
        let response = ask(config(), Arc::new(services), as_user(path, body)).await;
        let expected = format!(r#"{{"success":false,"error":{error}}}"#);
        assert_eq!((response.status().as_u16(), text(&response)), (status, &*expected), "{path} {refused:?}");
    }
}

#[tokio::test]
async fn parameters_are_held_to_the_schema_before_a_service_is_asked() {
    for (path, body, error) in [
        ("users.generatePersonalAccessToken", json!({}), "must have required property 'tokenName'"),
        ("users.generatePersonalAccessToken", json!({"tokenName": 7}), "must be string"),
        (
            "users.generatePersonalAccessToken",
            json!({"tokenName": "a", "bypassTwoFactor": "yes"}),
            "must be boolean",
        ),
        ("users.regeneratePersonalAccessToken", json!({}), "must have required property 'tokenName'"),
        ("users.removePersonalAccessToken", json!({"x": 1}), "must NOT have additional properties"),
        ("users.createToken", json!({"userId": "x"}), "must have required property 'secret'"),
        ("users.createToken", json!({"secret": "x"}), "must have required property 'userId'"),
        ("users.logout", json!({"userId": 7}), "must be string"),
        ("users.validateTotp", json!({}), "must have required property 'code'"),
        ("users.disableTotp", json!({"code": 123_456}), "must be string"),
        ("users.regenerateTotpCodes", json!([]), "must be object"),
        ("users.resetTOTP", json!({"name": "x"}), "must NOT have additional properties"),
        ("users.2fa.sendEmailCode", json!({}), "must have required property 'emailOrUsername'"),
        ("users.forgotPassword", json!({}), "must have required property 'email'"),
        ("method.call/2fa:enable", json!({}), "must have required property 'message'"),
        ("method.call/2fa:enable", json!({"message": "x"}), "message must be a method call"),
    ] {
        let services = Arc::new(services());
        let response = ask(config(), services.clone(), as_user(path, &body)).await;
        let expected = format!(r#"{{"success":false,"errorType":"invalid-params","error":"{error}"}}"#);
        assert_eq!((response.status().as_u16(), text(&response)), (400, &*expected), "{path} {body}");
        assert!(actions(&services).is_empty());
    }
}

#[tokio::test]
async fn anonymous_and_nameless_callers_must_log_in() {
    for path in [
        "users.logout",
        "users.enableTotp",
        "users.generatePersonalAccessToken",
        "method.call/x",
        "ldap.syncNow",
    ] {
        let services = Arc::new(services());
        let response = ask(config(), services.clone(), call("nobody", "POST", path, &json!({}), &[])).await;
        assert_eq!(response.status(), 401, "{path}");
        assert!(text(&response).contains("You must be logged in to do this."), "{path}");
        assert!(actions(&services).is_empty());
    }
    // A user without a user name may ask for itself and log out, and not much else.
    let nameless = |_: &auth_core::CredentialCheck| {
        let mut profile = fixture::profile("x", Some(("x@email.com", true)));
        Arc::make_mut(&mut profile.user).names.remove(0);
        CheckReply { result: Ok(Box::new(fixture::principal(profile))), rate_limit: None }
    };
    for (method, path, status) in [
        ("GET", "me", 200),
        ("POST", "logout", 200),
        ("POST", "users.logout", 401),
        ("GET", "users.totpCodesRemaining", 401),
    ] {
        let services = services().on_check(nameless);
        let response = ask(config(), Arc::new(services), call("x", method, path, &json!({}), &[])).await;
        assert_eq!(response.status(), status, "{path}");
    }
}

#[tokio::test]
async fn mails_are_requested_without_signing_in_and_answered_alike() {
    for (path, body, expected) in [
        ("users.2fa.sendEmailCode", json!({"emailOrUsername": "mailuser"}), "mail to UserName mailuser"),
        ("users.2fa.sendEmailCode", json!({"emailOrUsername": "a@b.c"}), "mail to Email a@b.c"),
        ("users.forgotPassword", json!({"email": "My@Email.com"}), "forgot My@Email.com"),
    ] {
        let services = Arc::new(services());
        let headers = [("Content-Type", "application/json")];
        let asked = request("POST", &format!("/api/v1/{path}"), &headers, body.to_string());
        let answer = RocketChatProtocol::new(config(), services.clone()).handle(asked, &peer()).await;
        assert_eq!((answer.response.status().as_u16(), text(&answer.response)), (200, r#"{"success":true}"#));
        assert_eq!(answer.not_before, Some(LATER));
        assert_eq!(actions(&services), [expected]);
    }
    let off = services().on_action(|_| Err(ActionError::NotOffered));
    let response =
        ask(config(), Arc::new(off), as_user("users.forgotPassword", &json!({"email": "a"}))).await;
    assert_eq!(text(&response), r#"{"success":false,"error":"Password reset is not enabled"}"#);
    assert_eq!(response.status(), 400);
}

#[tokio::test]
async fn action_that_is_not_known_to_be_done_is_unavailable() {
    for path in
        ["users.logout", "users.enableTotp", "users.getPersonalAccessTokens", "users.2fa.disableEmail"]
    {
        let services = services().on_action(|_| Err(InternalError::unavailable("gone").into()));
        let response = ask(config(), Arc::new(services), as_user(path, &json!({}))).await;
        assert_eq!(response.status(), 503, "{path}");
    }
}

#[tokio::test]
async fn administrators_calls_take_their_permission_first() {
    for (who, method, path, status, calls) in [
        ("myusername", "GET", "instances.get", 403, 0),
        ("admin", "GET", "instances.get", 200, 0),
        ("myusername", "POST", "ldap.syncNow", 403, 0),
        ("admin", "POST", "ldap.syncNow", 400, 1),
    ] {
        let services = Arc::new(services());
        let response = ask(config(), services.clone(), call(who, method, path, &json!({}), &[])).await;
        assert_eq!(response.status(), status, "{who} {path}: {}", text(&response));
        assert_eq!(actions(&services).len(), calls, "{who} {path}");
    }
}

#[tokio::test]
async fn settings_say_whether_passwords_can_be_reset() {
    for on in [true, false] {
        let config = Config { password_reset: on, ..config() };
        let asked = request("GET", "/api/v1/settings.public?_id=Accounts_PasswordReset", &[], "");
        let response = ask(config, Arc::new(services()), asked).await;
        let settings: Value = serde_json::from_str(text(&response)).unwrap();
        assert_eq!(settings["settings"][0]["value"], on);
    }
}

//! POST `/a`: what the engine is asked, and how its answers are rendered.

use std::time::Duration;

use auth_core::{
    ApiKey, BodyTooLarge, Challenge, FactorMethod, FailureReason, Grant, InternalError, LoginError,
    LoginOutcome,
};
use auth_proto_zettelstore::{AnswerForm, Config};

use crate::requests::{FORM, ask, body, check, header, request, settings};
use crate::services::{Fixed, NOT_BEFORE, grant, granted};

const TEXT: &str = "text/plain; charset=utf-8";

#[tokio::test]
async fn engine_is_asked_about_what_was_sent() {
    let services = Fixed::new().shared();
    for (headers, sent, question) in [
        (&[FORM][..], "username=+Writer+&password=+pw+", r#"typed: "Writer" } " pw " for Jwt"#),
        (&[("Authorization", "Basic IHdyaXRlcjpwdw==")], "", r#"typed: " writer" } "pw" for Jwt"#),
        (
            &[FORM, ("Authorization", "Basic cmVhZGVyOnB3")],
            "username=writer",
            r#"typed: "writer" } "" for Jwt"#,
        ),
    ] {
        ask(settings(), &services, request("POST", "/a", headers, sent)).await;
        assert_eq!(services.asked(), [format!("log in Name {{ kind: UserName, {question}")]);
    }
    let lists = Config { answer: AnswerForm::List, ..settings() };
    ask(lists, &services, request("POST", "/a", &[FORM], "username=writer")).await;
    assert!(services.asked().concat().ends_with("for List"));
}

#[tokio::test]
async fn token_is_answered_in_the_form_that_is_set() {
    let services = Fixed::new().log_in(|_| Ok(granted(grant("new.token", 600)))).shared();
    for (answer, content_type, text) in [
        (
            AnswerForm::Json,
            "application/json",
            "{\"access_token\":\"new.token\",\"token\":\"new.token\",\"token_type\":\"Bearer\",\"expires_in\":600}\n",
        ),
        (AnswerForm::List, TEXT, "(\"Bearer\" \"new.token\" 600)"),
    ] {
        let login = request("POST", "/a", &[FORM], "username=writer&password=pw");
        let answered = ask(Config { answer, ..settings() }, &services, login).await;
        check(&answered, 200, content_type, text, "granted");
        assert_eq!(answered.not_before, Some(NOT_BEFORE));
        assert_eq!(answered.response.headers().len(), 2, "{:?}", answered.response.headers());
    }
}

#[tokio::test]
async fn every_refusal_but_limits_looks_the_same() {
    let challenge = Challenge { method: FactorMethod::Totp, available: Vec::new(), mailed: None };
    for refusal in [
        LoginError::Credentials(FailureReason::UnknownUser),
        LoginError::Credentials(FailureReason::WrongPassword),
        LoginError::Credentials(FailureReason::BrokenPassword),
        LoginError::Credentials(FailureReason::NoSecondStep),
        LoginError::PasswordLoginDisabled,
        LoginError::RealmInactive,
        LoginError::UserInactive,
        LoginError::PasswordResetRequired,
        LoginError::AppAccount,
        LoginError::NoRoles,
        LoginError::EmailUnverified,
        LoginError::SecondFactorRequired(challenge.clone()),
        LoginError::SecondFactorInvalid(challenge.clone()),
        LoginError::SecondFactorExhausted(challenge),
        LoginError::OtherRealm,
        LoginError::Forbidden,
        LoginError::AssertionDisabled,
        LoginError::AssertionInvalid,
        LoginError::AssertionWithoutSubject,
        LoginError::AssertionMalformed,
    ] {
        let what = refusal.as_str();
        let services = Fixed::new().log_in(move |_| Ok(LoginOutcome::Refused(refusal.clone()))).shared();
        let refused = ask(settings(), &services, request("POST", "/a", &[FORM], "username=writer")).await;
        check(&refused, 401, TEXT, "Authentication failed\n", what);
        assert_eq!(header(&refused, "www-authenticate"), "Bearer realm=\"Default\"");
        assert_eq!(header(&refused, "x-content-type-options"), "nosniff");
        assert_eq!((refused.response.headers().len(), refused.not_before), (4, Some(NOT_BEFORE)));
    }
}

#[tokio::test]
async fn limits_tell_when_to_come_back() {
    let retry_after = Duration::from_millis(1500);
    for refusal in [LoginError::AccountLimited { retry_after }, LoginError::NetworkLimited { retry_after }] {
        let services = Fixed::new().log_in(move |_| Ok(LoginOutcome::Refused(refusal.clone()))).shared();
        let limited = ask(settings(), &services, request("POST", "/a", &[FORM], "username=writer")).await;
        check(&limited, 429, TEXT, "Too Many Requests\n", "limited");
        assert_eq!((header(&limited, "retry-after"), header(&limited, "www-authenticate")), ("2", ""));
    }
}

#[tokio::test]
async fn faults_are_answered_by_their_kind() {
    type MakeFault = fn() -> InternalError;
    for (make, status, retry_after, text) in [
        ((|| InternalError::unavailable("disk")) as MakeFault, 503, "", "Service Unavailable\n"),
        (|| InternalError::busy(Duration::from_millis(10)), 503, "1", "Service Unavailable\n"),
        (|| InternalError::internal("disk"), 500, "", "Internal Server Error\n"),
    ] {
        for services in [Fixed::new().log_in(move |_| Err(make())), Fixed::new().realm(move |_| Err(make()))]
        {
            let login = request("POST", "/a", &[FORM], "username=writer");
            let answer = ask(settings(), &services.shared(), login).await;
            check(&answer, status, TEXT, text, text);
            assert_eq!(header(&answer, "retry-after"), retry_after);
        }
    }
}

#[tokio::test]
async fn realm_that_is_not_there_and_grant_of_another_kind_are_faults() {
    let other = Fixed::new().log_in(|_| Ok(granted(Grant::ZulipKey(ApiKey::new("secret")))));
    for services in [Fixed::new().realm(|_| Ok(None)), other] {
        let answer =
            ask(settings(), &services.shared(), request("POST", "/a", &[FORM], "username=writer")).await;
        check(&answer, 500, TEXT, "Internal Server Error\n", "fault");
    }
}

#[tokio::test]
async fn nobody_is_asked_without_a_name() {
    let services = Fixed::new().shared();
    for (headers, sent, status) in [
        (&[][..], "", 401),
        (&[], "username=writer", 401),
        (&[FORM], "", 401),
        (&[("Authorization", "Basic Ong=")], "", 401),
        (&[("Authorization", "Bearer good.token")], "", 401),
        (&[FORM], "username=%zz", 400),
        (&[FORM, ("Authorization", "Basic Ong=")], "username=%zz", 400),
    ] {
        let answer = ask(settings(), &services, request("POST", "/a", headers, sent)).await;
        let text = if status == 400 { "Bad request\n" } else { "Authentication failed\n" };
        check(&answer, status, TEXT, text, sent);
        assert_eq!(answer.not_before, None, "{sent}");
    }
    assert!(services.asked().is_empty());
}

#[tokio::test]
async fn body_that_is_too_large_is_no_form() {
    let services = Fixed::new().log_in(|_| Ok(granted(grant("new.token", 600)))).shared();
    for (headers, status) in [(&[FORM][..], 401), (&[FORM, ("Authorization", "Basic cmVhZGVyOnB3")], 200)] {
        let mut login = request("POST", "/a", headers, "");
        login.extensions_mut().insert(BodyTooLarge);
        assert_eq!(ask(settings(), &services, login).await.response.status(), status);
    }
}

#[tokio::test]
async fn without_authentication_everybody_has_free_access_at_once() {
    let json = "{\"token\":\"freeaccess\",\"token_type\":\"Bearer\",\"expires_in\":316224000}\n";
    let list = "(\"Bearer\" \"freeaccess\" 316224000)";
    let services = Fixed::new().realm(|_| Err(InternalError::unavailable("nobody asks"))).shared();
    for (answer, content_type, text) in
        [(AnswerForm::Json, "application/json", json), (AnswerForm::List, TEXT, list)]
    {
        for method in ["POST", "PUT"] {
            for (headers, sent) in
                [(&[][..], ""), (&[FORM], "username=%zz"), (&[("Authorization", "Bearer x")], "")]
            {
                let open = Config { authentication: false, answer, ..settings() };
                let mut request = request(method, "/a", headers, sent);
                request.extensions_mut().insert(BodyTooLarge);
                let free = ask(open, &services, request).await;
                check(&free, 200, content_type, text, sent);
                assert_eq!(free.not_before, None);
            }
        }
    }
    assert!(services.asked().is_empty());
}

#[tokio::test]
async fn answers_never_show_what_was_sent() {
    let services = Fixed::new().shared();
    for (target, headers, sent) in [
        ("/a", &[FORM][..], "username=hunter2&password=hunter2"),
        ("/a", &[FORM], "username=hunter2;hunter2"),
        ("/hunter2", &[], ""),
        ("/x?cmd=hunter2", &[("Authorization", "Bearer hunter2")], ""),
        ("/%zzhunter2", &[], ""),
    ] {
        let answer = ask(settings(), &services, request("POST", target, headers, sent)).await;
        assert!(!body(&answer).contains("hunter2"), "{target}");
        assert!(!format!("{:?}", answer.response.headers()).contains("hunter2"), "{target}");
    }
}

//! POST `/a`: the attempts that the services are asked about, and the answers to their replies.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::FakeServices;
use auth_core::{
    ApiKey, BodyTooLarge, Challenge, FactorMethod, FailureReason, Grant, GrantKind, Identifier,
    InternalError, LoginError, TokenForm,
};
use auth_proto_zettelstore::{AnswerForm, Config};

use crate::fixtures::{
    FORM, NOT_BEFORE, ask, body, check, config, grant, granted, header, is_unasked, password_of, refused,
    request, services,
};

const TEXT: &str = "text/plain; charset=utf-8";

#[tokio::test]
async fn services_are_asked_about_what_was_sent() {
    for (headers, sent, user_name, password) in [
        (&[FORM][..], "username=+Writer+&password=+pw+", "Writer", " pw "),
        (&[("Authorization", "Basic IHdyaXRlcjpwdw==")], "", " writer", "pw"),
        (&[FORM, ("Authorization", "Basic cmVhZGVyOnB3")], "username=writer", "writer", ""),
    ] {
        let services = Arc::new(services());
        ask(config(), &services, request("POST", "/a", headers, sent)).await;
        let attempts = services.attempts();
        assert_eq!(attempts.len(), 1);
        assert_eq!(password_of(&attempts[0]), (user_name.to_owned(), password.to_owned()));
        assert_eq!(attempts[0].method.who(), Some(&Identifier::user_name(user_name)));
        assert_eq!(attempts[0].grant, GrantKind::SignedToken(TokenForm::Jwt));
    }
    let services = Arc::new(services());
    let lists = Config { answer: AnswerForm::List, ..config() };
    ask(lists, &services, request("POST", "/a", &[FORM], "username=writer")).await;
    assert_eq!(services.attempts()[0].grant, GrantKind::SignedToken(TokenForm::List));
}

#[tokio::test]
async fn token_is_answered_in_the_form_that_is_set() {
    let services = Arc::new(services().on_log_in(|_| granted(grant("new.token", 600))));
    for (answer, content_type, text) in [
        (
            AnswerForm::Json,
            "application/json",
            "{\"access_token\":\"new.token\",\"token\":\"new.token\",\"token_type\":\"Bearer\",\"expires_in\":600}\n",
        ),
        (AnswerForm::List, TEXT, "(\"Bearer\" \"new.token\" 600)"),
    ] {
        let login = request("POST", "/a", &[FORM], "username=writer&password=pw");
        let answered = ask(Config { answer, ..config() }, &services, login).await;
        check(&answered, 200, content_type, text, "granted");
        assert_eq!(answered.not_before, Some(NOT_BEFORE));
        assert_eq!(answered.response.headers().len(), 2, "{:?}", answered.response.headers());
    }
}

#[tokio::test]
async fn every_refusal_but_limits_looks_the_same() {
    let challenge =
        Challenge { method: FactorMethod::Totp, available: Vec::new(), mailed: None, ticket: None };
    for error in [
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
        let what = error.as_str();
        let services = Arc::new(services().on_log_in(move |_| refused(error.clone())));
        let refused = ask(config(), &services, request("POST", "/a", &[FORM], "username=writer")).await;
        check(&refused, 401, TEXT, "Authentication failed\n", what);
        assert_eq!(header(&refused, "www-authenticate"), "Bearer realm=\"Default\"");
        assert_eq!(header(&refused, "x-content-type-options"), "nosniff");
        assert_eq!((refused.response.headers().len(), refused.not_before), (4, Some(NOT_BEFORE)));
    }
}

#[tokio::test]
async fn limits_tell_when_to_try_again() {
    let retry_after = Duration::from_millis(1500);
    for error in [LoginError::AccountLimited { retry_after }, LoginError::ClientLimited { retry_after }] {
        let services = Arc::new(services().on_log_in(move |_| refused(error.clone())));
        let limited = ask(config(), &services, request("POST", "/a", &[FORM], "username=writer")).await;
        check(&limited, 429, TEXT, "Too Many Requests\n", "limited");
        assert_eq!((header(&limited, "retry-after"), header(&limited, "www-authenticate")), ("2", ""));
    }
}

#[tokio::test]
async fn internal_errors_are_answered_by_their_kind_and_handed_on() {
    for (error, status, retry_after, text) in [
        (InternalError::unavailable("disk"), 503, "", "Service Unavailable\n"),
        (InternalError::busy(Duration::from_millis(10)), 503, "1", "Service Unavailable\n"),
        (InternalError::defect("disk"), 500, "", "Internal Server Error\n"),
    ] {
        let of_login = error.clone();
        for services in [
            services().on_log_in(move |_| refused(LoginError::Internal(of_login.clone()))),
            services().outage(error.clone()),
        ] {
            let login = request("POST", "/a", &[FORM], "username=writer");
            let answer = ask(config(), &Arc::new(services), login).await;
            check(&answer, status, TEXT, text, text);
            assert_eq!(header(&answer, "retry-after"), retry_after);
            assert_eq!(answer.error.as_ref(), Some(&error));
        }
    }
}

#[tokio::test]
async fn grant_of_another_kind_is_an_internal_error() {
    let services = services().on_log_in(|_| granted(Grant::ApiKey(ApiKey::new("secret"))));
    let login = request("POST", "/a", &[FORM], "username=writer");
    let answer = ask(config(), &Arc::new(services), login).await;
    check(&answer, 500, TEXT, "Internal Server Error\n", "internal error");
    assert_eq!(answer.error, Some(InternalError::defect("")));
}

#[tokio::test]
async fn while_the_realm_is_not_there_every_login_and_token_is_refused() {
    let token = ("Authorization", "Bearer good.token");
    for (method, path, headers, sent, status, text) in [
        ("POST", "/a", &[FORM][..], "username=writer&password=pw", 401, "Authentication failed\n"),
        ("PUT", "/a", &[token], "", 400, "Not authenticated\n"),
        ("POST", "/x?cmd=authenticated", &[token], "", 401, ""),
    ] {
        let request = request(method, path, headers, sent);
        let answer = ask(config(), &Arc::new(FakeServices::new()), request).await;
        let body = String::from_utf8(answer.response.body().to_vec()).unwrap();
        assert_eq!((answer.response.status().as_u16(), body.as_str()), (status, text), "{method} {path}");
        assert_eq!(answer.error, None);
    }
}

#[tokio::test]
async fn services_are_not_asked_without_a_name() {
    let services = Arc::new(services());
    for (headers, sent, status) in [
        (&[][..], "", 401),
        (&[], "username=writer", 401),
        (&[FORM], "", 401),
        (&[("Authorization", "Basic Ong=")], "", 401),
        (&[("Authorization", "Bearer good.token")], "", 401),
        (&[FORM], "username=%zz", 400),
        (&[FORM, ("Authorization", "Basic Ong=")], "username=%zz", 400),
    ] {
        let answer = ask(config(), &services, request("POST", "/a", headers, sent)).await;
        let text = if status == 400 { "Bad request\n" } else { "Authentication failed\n" };
        check(&answer, status, TEXT, text, sent);
        assert_eq!(answer.not_before, None, "{sent}");
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn body_that_is_too_large_is_no_form() {
    let services = Arc::new(services().on_log_in(|_| granted(grant("new.token", 600))));
    for (headers, status) in [(&[FORM][..], 401), (&[FORM, ("Authorization", "Basic cmVhZGVyOnB3")], 200)] {
        let mut login = request("POST", "/a", headers, "");
        login.extensions_mut().insert(BodyTooLarge);
        assert_eq!(ask(config(), &services, login).await.response.status(), status);
    }
}

#[tokio::test]
async fn without_authentication_every_client_has_free_access_at_once() {
    let json = "{\"token\":\"freeaccess\",\"token_type\":\"Bearer\",\"expires_in\":316224000}\n";
    let list = "(\"Bearer\" \"freeaccess\" 316224000)";
    let services = Arc::new(FakeServices::new().outage(InternalError::unavailable("not asked")));
    for (answer, content_type, text) in
        [(AnswerForm::Json, "application/json", json), (AnswerForm::List, TEXT, list)]
    {
        for method in ["POST", "PUT"] {
            for (headers, sent) in
                [(&[][..], ""), (&[FORM], "username=%zz"), (&[("Authorization", "Bearer x")], "")]
            {
                let open = Config { authentication: false, answer, ..config() };
                let mut request = request(method, "/a", headers, sent);
                request.extensions_mut().insert(BodyTooLarge);
                let free = ask(open, &services, request).await;
                check(&free, 200, content_type, text, sent);
                assert_eq!(free.not_before, None);
            }
        }
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn answers_never_show_what_was_sent() {
    let services = Arc::new(services());
    for (target, headers, sent) in [
        ("/a", &[FORM][..], "username=hunter2&password=hunter2"),
        ("/a", &[FORM], "username=hunter2;hunter2"),
        ("/hunter2", &[], ""),
        ("/x?cmd=hunter2", &[("Authorization", "Bearer hunter2")], ""),
        ("/%zzhunter2", &[], ""),
    ] {
        let answer = ask(config(), &services, request("POST", target, headers, sent)).await;
        assert!(!body(&answer).contains("hunter2"), "{target}");
        assert!(!format!("{:?}", answer.response.headers()).contains("hunter2"), "{target}");
    }
}

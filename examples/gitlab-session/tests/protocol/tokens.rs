//! `GET /api/v4/user` and `DELETE /api/v4/personal_access_tokens/self`: the answers to presented tokens.

use std::sync::Arc;

use auth_core::testing::FakeServices;
use auth_core::{CheckReply, InternalError, InternalErrorKind, TokenError};

use crate::fixtures::{GOOD_TOKEN, USER, ask, body, check, header, is_unasked, request, services, token_of};

/// The calls that take a token.
const CALLS: [(&str, &str); 2] = [("GET", "/api/v4/user"), ("DELETE", "/api/v4/personal_access_tokens/self")];

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn user_is_shown_to_the_holder_of_a_token() {
    for headers in [("PRIVATE-TOKEN", GOOD_TOKEN.to_owned()), ("Authorization", bearer(GOOD_TOKEN))] {
        let services = Arc::new(services());
        let headers = [(headers.0, headers.1.as_str())];
        let answer = ask(&services, request("GET", "/api/v4/user", &headers, "")).await;
        check(&answer, 200, &format!("{USER}}}"), headers[0].0);
        assert_eq!(services.checks().iter().map(token_of).collect::<Vec<_>>(), [GOOD_TOKEN]);

        let head = ask(&services, request("HEAD", "/api/v4/user", &headers, "")).await;
        assert_eq!((head.response.status().as_u16(), body(&head)), (200, ""));
        assert_eq!(header(&head, "content-length"), header(&answer, "content-length"));
    }
}

#[tokio::test]
async fn token_that_came_along_is_revoked() {
    let services = Arc::new(services());
    let headers = [("PRIVATE-TOKEN", GOOD_TOKEN)];
    let answer = ask(&services, request(CALLS[1].0, CALLS[1].1, &headers, "")).await;
    assert_eq!((answer.response.status().as_u16(), body(&answer)), (204, ""));
    assert_eq!(header(&answer, "content-length"), "");
    assert_eq!(services.revoked().len(), 1);
}

#[tokio::test]
async fn refused_token_is_unauthorized() {
    for (method, path) in CALLS {
        for error in
            [TokenError::Invalid, TokenError::OtherRealm, TokenError::WebhookBot, TokenError::Limited]
        {
            let services = Arc::new(services().on_check(move |_| CheckReply::refused(error.clone())));
            let answer = ask(&services, request(method, path, &[("PRIVATE-TOKEN", "x")], "")).await;
            check(&answer, 401, r#"{"message":"401 Unauthorized"}"#, path);
            assert!(services.revoked().is_empty());
        }
    }
}

#[tokio::test]
async fn request_without_a_token_is_unauthorized() {
    let services = Arc::new(services());
    for (method, path) in CALLS {
        for headers in [&[][..], &[("Authorization", "Basic aWFnbzpwdw==")], &[("PRIVATE-TOKEN", "")]] {
            for query in ["", "?private_token=good-token&access_token=good-token"] {
                let answer = ask(&services, request(method, &format!("{path}{query}"), headers, "")).await;
                check(&answer, 401, r#"{"message":"401 Unauthorized"}"#, path);
            }
        }
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn owner_of_a_token_is_told_that_the_account_is_blocked() {
    for error in [TokenError::UserInactive, TokenError::RealmInactive] {
        let services = Arc::new(services().on_check(move |_| CheckReply::refused(error.clone())));
        let answer = ask(&services, request("GET", "/api/v4/user", &[("PRIVATE-TOKEN", "x")], "")).await;
        check(&answer, 403, r#"{"message":"403 Forbidden - Your account has been blocked."}"#, "blocked");
    }
}

#[tokio::test]
async fn internal_error_is_rendered_and_handed_to_the_server() {
    let unavailable = || InternalError::unavailable("the store is locked");
    let outage = Arc::new(FakeServices::new().outage(unavailable()));
    let no_check = Arc::new(services().on_check(move |_| CheckReply::refused(unavailable().into())));
    let no_revocation = Arc::new(services().on_revoke(move |_| Err(unavailable())));
    for (services, (method, path)) in
        [(outage, CALLS[0]), (no_check.clone(), CALLS[0]), (no_check, CALLS[1]), (no_revocation, CALLS[1])]
    {
        let answer = ask(&services, request(method, path, &[("PRIVATE-TOKEN", GOOD_TOKEN)], "")).await;
        check(&answer, 503, r#"{"message":"503 Service Unavailable"}"#, path);
        assert_eq!(answer.error.map(|error| error.kind()), Some(InternalErrorKind::Unavailable));
    }
}

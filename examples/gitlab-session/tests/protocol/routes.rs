//! Paths and methods: the answers that need no services.

use std::sync::Arc;

use auth_core::testing::FakeServices;
use auth_core::{InternalError, Protocol, RequestError};
use gitlab_session::{Config, GITLAB, GitLabProtocol};

use crate::fixtures::{ask, body, check, header, is_unasked, request, services};

#[tokio::test]
async fn unknown_paths_are_not_found_by_any_method() {
    let services = Arc::new(services());
    for path in ["/api/v4", "/api/v4/", "/api/v4/projects", "/api/v4/user/", "/api/v4/session/x", "/"] {
        for method in ["GET", "POST", "DELETE", "OPTIONS", "BREW"] {
            check(
                &ask(&services, request(method, path, &[], "")).await,
                404,
                r#"{"error":"404 Not Found"}"#,
                path,
            );
        }
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn methods_that_a_path_does_not_know_are_named() {
    let services = Arc::new(services());
    for (path, method, allowed) in [
        ("/api/v4/session", "GET", "POST"),
        ("/api/v4/session", "DELETE", "POST"),
        ("/api/v4/user", "POST", "GET, HEAD"),
        ("/api/v4/user", "OPTIONS", "GET, HEAD"),
        ("/api/v4/personal_access_tokens/self", "GET", "DELETE"),
    ] {
        let answer = ask(&services, request(method, path, &[("PRIVATE-TOKEN", "good-token")], "")).await;
        check(&answer, 405, r#"{"error":"405 Not Allowed"}"#, path);
        assert_eq!(header(&answer, "allow"), allowed, "{path}");
    }
    assert!(is_unasked(&services));
}

#[tokio::test]
async fn answer_to_head_has_no_body() {
    let services = Arc::new(services());
    for (path, status) in [("/api/v4/nothing", 404), ("/api/v4/session", 405), ("/api/v4/user", 401)] {
        let answer = ask(&services, request("HEAD", path, &[], "")).await;
        assert_eq!((answer.response.status().as_u16(), body(&answer)), (status, ""), "{path}");
    }
}

#[test]
fn protocol_is_called_gitlab() {
    let protocol = GitLabProtocol::new(Config::new("main"), Arc::new(FakeServices::new()));
    assert_eq!(protocol.name(), GITLAB);
    assert_eq!(GITLAB.as_str(), "gitlab");
    assert!(format!("{protocol:?}").starts_with("GitLabProtocol"));
}

#[test]
fn requests_that_are_kept_from_the_protocol_are_refused_in_its_form() {
    let protocol = GitLabProtocol::new(Config::new("main"), Arc::new(FakeServices::new()));
    for (error, status, text) in [
        (RequestError::BodyTooSlow, 408, r#"{"error":"408 Request Timeout"}"#),
        (RequestError::BodyBroken, 400, r#"{"error":"400 Bad Request"}"#),
        (InternalError::defect("a test").into(), 500, r#"{"message":"500 Internal Server Error"}"#),
    ] {
        let refused = protocol.refuse(error).response;
        assert_eq!(refused.status(), status);
        assert_eq!(refused.body(), text);
    }
}

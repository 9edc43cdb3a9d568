//! Errors as the protocol answers them, with their exact texts.

use std::time::Duration;

use auth_core::{InternalErrorKind, LoginError, TokenError};
use bytes::Bytes;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::response::{json, set};
use crate::decode::csrf::CsrfError;

/// From this feature level on, the message of a rate limit names a page to read.
const LONG_RATE_LIMIT_MESSAGE: u32 = 460;

/// How a client may authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// By an API key.
    Basic,
    /// By the session of a web client.
    Session,
}

#[derive(Default, Serialize)]
struct Document<'a> {
    result: &'static str,
    msg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    var_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(rename = "retry-after", skip_serializing_if = "Option::is_none")]
    retry_after: Option<f64>,
}

/// The answer to a request that lacks a parameter.
pub(crate) fn missing_parameter(name: &'static str) -> Response<Bytes> {
    let document = Document {
        result: "error",
        msg: &format!("Missing '{name}' argument"),
        var_name: Some(name),
        code: Some("REQUEST_VARIABLE_MISSING"),
        retry_after: None,
    };
    json(StatusCode::BAD_REQUEST, &document)
}

/// The answer to a request that can't be served.
pub(crate) fn bad_request(message: &str) -> Response<Bytes> {
    error(StatusCode::BAD_REQUEST, message, "BAD_REQUEST")
}

/// The answer to a request whose body did not come in time.
pub(crate) fn body_too_slow() -> Response<Bytes> {
    error(StatusCode::REQUEST_TIMEOUT, "The request's body came too slowly", "BAD_REQUEST")
}

/// The answer to a user who is signed in and has shown too many wrong passwords.
pub(crate) fn too_many_passwords(retry_after: Duration) -> Response<Bytes> {
    let seconds = retry_after.as_millis().div_ceil(1000);
    bad_request(&format!("You're making too many attempts! Try again in {seconds} seconds."))
}

/// The answer to a call that no user may make.
pub(crate) fn forbidden(message: &str) -> Response<Bytes> {
    error(StatusCode::FORBIDDEN, message, "BAD_REQUEST")
}

/// The answer of logins at a host without a realm.
pub(crate) fn nonexistent_subdomain() -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, "Invalid subdomain", "NONEXISTENT_SUBDOMAIN")
}

/// The answer to a refused login, unless the route answers the error in its own way.
pub(crate) fn login_error(refused: &LoginError) -> Response<Bytes> {
    let (message, code) = match refused {
        LoginError::PasswordLoginDisabled => {
            ("Password authentication is disabled in this organization", "PASSWORD_AUTH_DISABLED")
        }
        LoginError::RealmInactive => ("This organization has been deactivated", "REALM_DEACTIVATED"),
        LoginError::UserInactive => ("Account is deactivated", "USER_DEACTIVATED"),
        LoginError::PasswordResetRequired => {
            ("Your password has been disabled and needs to be reset", "PASSWORD_RESET_REQUIRED")
        }
        _ => ("Your username or password is incorrect", "AUTHENTICATION_FAILED"),
    };
    error(StatusCode::UNAUTHORIZED, message, code)
}

/// The answer to a refused API key.
pub(crate) fn token_error(refused: &TokenError) -> Response<Bytes> {
    let message = match refused {
        TokenError::RealmInactive => "This organization has been deactivated",
        TokenError::UserInactive => "Account is deactivated",
        TokenError::OtherRealm => "Account is not associated with this subdomain",
        TokenError::WebhookBot => "This API is not available to incoming webhook bots.",
        _ => "Invalid API key",
    };
    unauthorized(message, Challenge::Basic)
}

/// The answer to a missing or malformed credential.
pub(crate) fn unauthorized(message: &str, challenge: Challenge) -> Response<Bytes> {
    let mut response = error(StatusCode::UNAUTHORIZED, message, "UNAUTHORIZED");
    let challenge = HeaderValue::from_static(match challenge {
        Challenge::Basic => "Basic realm=\"zulip\"",
        Challenge::Session => "Session realm=\"zulip\"",
    });
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// The answer to a call that no page of this server sent.
pub(crate) fn csrf_failed(reason: &CsrfError) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Document<'a> {
        result: &'static str,
        msg: &'a str,
        reason: &'a str,
        code: &'static str,
    }
    let reason = reason.to_string();
    let msg = format!("CSRF error: {reason}");
    let document = Document { result: "error", msg: &msg, reason: &reason, code: "CSRF_FAILED" };
    json(StatusCode::FORBIDDEN, &document)
}

/// The answer to too many attempts or calls.
pub(crate) fn limited(retry_after: Duration, feature_level: u32) -> Response<Bytes> {
    let seconds = to_the_millisecond(retry_after);
    let document = Document {
        result: "error",
        msg: if feature_level < LONG_RATE_LIMIT_MESSAGE {
            "API usage exceeded rate limit"
        } else {
            "API usage exceeded rate limit; see https://zulip.com/api/http-headers#rate-limiting-response-headers"
        },
        code: Some("RATE_LIMIT_HIT"),
        retry_after: Some(seconds),
        var_name: None,
    };
    let mut response = json(StatusCode::TOO_MANY_REQUESTS, &document);
    // The same digits as in the body.
    let digits = serde_json::to_string(&seconds).unwrap_or_default();
    set(&mut response, RETRY_AFTER, HeaderValue::try_from(digits));
    response
}

/// The answer to a request that could not be judged: it shows the kind of the error and never the cause.
pub(crate) fn internal_error(kind: InternalErrorKind) -> Response<Bytes> {
    let (status, msg) = match kind {
        InternalErrorKind::Unavailable | InternalErrorKind::Busy { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "Service unavailable")
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
    };
    let mut response = json(status, &Document { result: "error", msg, ..Document::default() });
    if let InternalErrorKind::Busy { retry_after } = kind {
        response.headers_mut().insert(RETRY_AFTER, whole_seconds(retry_after).into());
    }
    response
}

fn error(status: StatusCode, msg: &str, code: &'static str) -> Response<Bytes> {
    json(status, &Document { result: "error", msg, code: Some(code), ..Document::default() })
}

/// Seconds as Zulip writes them, with a fraction.
fn to_the_millisecond(wait: Duration) -> f64 {
    let millis = wait.as_micros().div_ceil(1000);
    u32::try_from(millis).map_or(f64::from(u32::MAX), f64::from) / 1000.0
}

/// Seconds as other servers write them: rounded up, at least one.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use auth_core::{Challenge as Second, FactorMethod, FailureReason};

    use super::super::response::INTERNAL_ERROR;
    use super::*;

    fn body(response: &Response<Bytes>) -> &str {
        str::from_utf8(response.body()).unwrap()
    }

    #[test]
    fn every_refusal_has_its_bytes() {
        let second = || Second {
            method: FactorMethod::Totp,
            available: vec![FactorMethod::Totp],
            mailed: None,
            ticket: None,
        };
        let generic = "{\"result\":\"error\",\"msg\":\"Your username or password is incorrect\",\"code\":\"AUTHENTICATION_FAILED\"}\n";
        for refused in [
            LoginError::Credentials(FailureReason::UnknownUser),
            LoginError::Credentials(FailureReason::NoSecondStep),
            LoginError::AppAccount,
            LoginError::NoRoles,
            LoginError::EmailUnverified,
            LoginError::SecondFactorRequired(second()),
            LoginError::SecondFactorInvalid(second()),
            LoginError::SecondFactorExhausted(second()),
            LoginError::OtherRealm,
            LoginError::Forbidden,
            LoginError::AssertionInvalid,
        ] {
            let response = login_error(&refused);
            assert_eq!((response.status().as_u16(), body(&response)), (401, generic), "{refused:?}");
            assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
        }
        for (refused, code) in [
            (LoginError::PasswordLoginDisabled, "PASSWORD_AUTH_DISABLED"),
            (LoginError::RealmInactive, "REALM_DEACTIVATED"),
            (LoginError::UserInactive, "USER_DEACTIVATED"),
            (LoginError::PasswordResetRequired, "PASSWORD_RESET_REQUIRED"),
        ] {
            let response = login_error(&refused);
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            assert!(body(&response).ends_with(&format!("\"code\":\"{code}\"}}\n")), "{}", body(&response));
        }
    }

    #[test]
    fn waiting_times_are_the_same_in_header_and_body() {
        for (micros, digits) in
            [(1_799_532_000, "1799.532"), (1_799_000_000, "1799.0"), (1, "0.001"), (59_001, "0.06")]
        {
            let response = limited(Duration::from_micros(micros), 387);
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(response.headers()[RETRY_AFTER], digits);
            let expected = format!(
                "{{\"result\":\"error\",\"msg\":\"API usage exceeded rate limit\",\"code\":\"RATE_LIMIT_HIT\",\"retry-after\":{digits}}}\n"
            );
            assert_eq!(body(&response), expected);
        }
    }

    #[test]
    fn newer_feature_levels_name_a_page_to_read() {
        let response = limited(Duration::from_secs(1), 460);
        assert!(
            body(&response).contains(
                "rate limit; see https://zulip.com/api/http-headers#rate-limiting-response-headers\""
            )
        );
    }

    #[test]
    fn internal_errors_have_their_status_and_no_code() {
        let busy = InternalErrorKind::Busy { retry_after: Duration::from_millis(1001) };
        for (kind, status, message, retry_after) in [
            (InternalErrorKind::Unavailable, 503, "Service unavailable", None),
            (busy, 503, "Service unavailable", Some("2")),
            (InternalErrorKind::Defect, 500, "Internal server error", None),
        ] {
            let response = internal_error(kind);
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(body(&response), format!("{{\"result\":\"error\",\"msg\":\"{message}\"}}\n"));
            let header = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!(header, retry_after);
        }
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(INTERNAL_ERROR, "{\"result\":\"error\",\"msg\":\"Internal server error\"}\n");
    }
}

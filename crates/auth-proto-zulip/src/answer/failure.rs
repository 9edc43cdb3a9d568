//! Everything that the door answers in place of a success, with its exact text (zulip.md 2.3 and 5).

use std::time::Duration;

use auth_core::{CheckRefusal, Fault, FaultKind, Refusal};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::{Reply, json, set};
use crate::Config;

/// The body of an internal error.
pub(super) const INTERNAL_ERROR: &str = "{\"result\":\"error\",\"msg\":\"Internal server error\"}\n";

/// From this feature level on, the rate limit's message says where to read on (zulip.md 0).
const LONG_RATE_LIMIT_MESSAGE: u32 = 460;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A parameter is missing.
    Missing(&'static str),
    /// Something else is wrong with the request.
    BadRequest(&'static str),
    /// The log-in was refused.
    Refused(LoginError),
    /// No realm at this host.
    NonexistentSubdomain,
    /// No or no good credential.
    Unauthorized(&'static str, Challenge),
    /// A good credential, but nobody may do this here.
    Forbidden(&'static str),
    /// Too many tries.
    RateLimited(Duration),
    /// It could not be judged.
    Fault(FaultKind),
}

/// A refused log-in: text and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginError {
    AuthenticationFailed,
    UserDeactivated,
    RealmDeactivated,
    PasswordAuthDisabled,
    PasswordResetRequired,
}

/// How a client may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Basic,
    Session,
}

#[derive(Serialize)]
struct Document {
    result: &'static str,
    msg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    var_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(rename = "retry-after", skip_serializing_if = "Option::is_none")]
    retry_after: Option<f64>,
}

impl Failure {
    /// The answer.
    pub(crate) fn reply(self, config: &Config) -> Reply {
        let (status, code, message) = self.text(config);
        let seconds = if let Self::RateLimited(wait) = self { Some(to_the_millisecond(wait)) } else { None };
        let mut reply = json(
            status,
            &Document {
                result: "error",
                msg: message,
                var_name: if let Self::Missing(name) = self { Some(name) } else { None },
                code,
                retry_after: seconds,
            },
        );
        match self {
            Self::Unauthorized(_, challenge) => {
                reply.headers_mut().insert(WWW_AUTHENTICATE, challenge.header());
            }
            Self::RateLimited(_) => {
                // The same digits as in the body.
                let digits = serde_json::to_string(&seconds).unwrap_or_default();
                set(&mut reply, RETRY_AFTER, HeaderValue::try_from(digits));
            }
            Self::Fault(FaultKind::Busy { retry_after }) => {
                reply.headers_mut().insert(RETRY_AFTER, whole_seconds(retry_after).into());
            }
            _ => {}
        }
        reply
    }

    fn text(self, config: &Config) -> (StatusCode, Option<&'static str>, String) {
        let (status, code, message) = match self {
            Self::Missing(name) => {
                let message = format!("Missing '{name}' argument");
                return (StatusCode::BAD_REQUEST, Some("REQUEST_VARIABLE_MISSING"), message);
            }
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, Some("BAD_REQUEST"), message),
            Self::Refused(error) => (StatusCode::UNAUTHORIZED, Some(error.code()), error.message()),
            Self::NonexistentSubdomain => {
                (StatusCode::NOT_FOUND, Some("NONEXISTENT_SUBDOMAIN"), "Invalid subdomain")
            }
            Self::Unauthorized(message, _) => (StatusCode::UNAUTHORIZED, Some("UNAUTHORIZED"), message),
            Self::Forbidden(message) => (StatusCode::FORBIDDEN, Some("BAD_REQUEST"), message),
            Self::RateLimited(_) => (
                StatusCode::TOO_MANY_REQUESTS,
                Some("RATE_LIMIT_HIT"),
                if config.feature_level < LONG_RATE_LIMIT_MESSAGE {
                    "API usage exceeded rate limit"
                } else {
                    "API usage exceeded rate limit; see https://zulip.com/api/http-headers#rate-limiting-response-headers"
                },
            ),
            Self::Fault(FaultKind::Unavailable | FaultKind::Busy { .. }) => {
                (StatusCode::SERVICE_UNAVAILABLE, None, "Service unavailable")
            }
            Self::Fault(_) => (StatusCode::INTERNAL_SERVER_ERROR, None, "Internal server error"),
        };
        (status, code, message.to_owned())
    }
}

impl LoginError {
    fn code(self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "AUTHENTICATION_FAILED",
            Self::UserDeactivated => "USER_DEACTIVATED",
            Self::RealmDeactivated => "REALM_DEACTIVATED",
            Self::PasswordAuthDisabled => "PASSWORD_AUTH_DISABLED",
            Self::PasswordResetRequired => "PASSWORD_RESET_REQUIRED",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "Your username or password is incorrect",
            Self::UserDeactivated => "Account is deactivated",
            Self::RealmDeactivated => "This organization has been deactivated",
            Self::PasswordAuthDisabled => "Password authentication is disabled in this organization",
            Self::PasswordResetRequired => "Your password has been disabled and needs to be reset",
        }
    }
}

impl Challenge {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Basic => "Basic realm=\"zulip\"",
            Self::Session => "Session realm=\"zulip\"",
        })
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault.kind())
    }
}

/// What a refused log-in looks like from outside, on every route that says nothing else of it.
impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(match refusal {
            Refusal::AccountLimited { retry_after } | Refusal::NetworkLimited { retry_after } => {
                return Self::RateLimited(retry_after);
            }
            Refusal::PasswordLoginDisabled => LoginError::PasswordAuthDisabled,
            Refusal::RealmInactive => LoginError::RealmDeactivated,
            Refusal::UserInactive => LoginError::UserDeactivated,
            Refusal::PasswordResetRequired => LoginError::PasswordResetRequired,
            Refusal::Credentials(_)
            | Refusal::AppAccount
            | Refusal::NoRoles
            | Refusal::EmailUnverified
            | Refusal::SecondFactorRequired(_)
            | Refusal::SecondFactorInvalid(_)
            | Refusal::SecondFactorExhausted(_)
            | Refusal::OtherRealm
            | Refusal::Forbidden
            | Refusal::AssertionDisabled
            | Refusal::AssertionInvalid
            | Refusal::AssertionWithoutSubject
            | Refusal::AssertionMalformed => LoginError::AuthenticationFailed,
            _ => LoginError::AuthenticationFailed,
        })
    }
}

/// What a refused API key looks like from outside. A limited caller is told by [`Failure::RateLimited`].
impl From<CheckRefusal> for Failure {
    fn from(refusal: CheckRefusal) -> Self {
        let message = match refusal {
            CheckRefusal::Limited => return Self::RateLimited(Duration::from_secs(1)),
            CheckRefusal::RealmInactive => "This organization has been deactivated",
            CheckRefusal::UserInactive => "Account is deactivated",
            CheckRefusal::OtherRealm => "Account is not associated with this subdomain",
            CheckRefusal::WebhookBot => "This API is not available to incoming webhook bots.",
            CheckRefusal::Invalid => "Invalid API key",
            _ => "Invalid API key",
        };
        Self::Unauthorized(message, Challenge::Basic)
    }
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
    use auth_core::{Cause, Challenge as Second, FactorMethod};

    use super::*;

    fn body(reply: &Reply) -> &str {
        str::from_utf8(reply.body()).unwrap()
    }

    #[test]
    fn every_refusal_has_its_bytes() {
        let second =
            || Second { method: FactorMethod::Totp, available: vec![FactorMethod::Totp], mailed: None };
        let generic = "{\"result\":\"error\",\"msg\":\"Your username or password is incorrect\",\"code\":\"AUTHENTICATION_FAILED\"}\n";
        for refusal in [
            Refusal::Credentials(Cause::UnknownUser),
            Refusal::Credentials(Cause::NoSecondStep),
            Refusal::AppAccount,
            Refusal::NoRoles,
            Refusal::EmailUnverified,
            Refusal::SecondFactorRequired(second()),
            Refusal::SecondFactorInvalid(second()),
            Refusal::SecondFactorExhausted(second()),
            Refusal::OtherRealm,
            Refusal::Forbidden,
            Refusal::AssertionInvalid,
        ] {
            let reply = Failure::from(refusal.clone()).reply(&Config::default());
            assert_eq!((reply.status().as_u16(), body(&reply)), (401, generic), "{refusal:?}");
            assert!(!reply.headers().contains_key(WWW_AUTHENTICATE));
        }
        for (refusal, code) in [
            (Refusal::PasswordLoginDisabled, "PASSWORD_AUTH_DISABLED"),
            (Refusal::RealmInactive, "REALM_DEACTIVATED"),
            (Refusal::UserInactive, "USER_DEACTIVATED"),
            (Refusal::PasswordResetRequired, "PASSWORD_RESET_REQUIRED"),
        ] {
            let reply = Failure::from(refusal).reply(&Config::default());
            assert_eq!(reply.status(), StatusCode::UNAUTHORIZED);
            assert!(body(&reply).ends_with(&format!("\"code\":\"{code}\"}}\n")), "{}", body(&reply));
        }
    }

    #[test]
    fn waiting_times_are_the_same_in_header_and_body() {
        for (micros, digits) in
            [(1_799_532_000, "1799.532"), (1_799_000_000, "1799.0"), (1, "0.001"), (59_001, "0.06")]
        {
            let reply = Failure::RateLimited(Duration::from_micros(micros)).reply(&Config::default());
            assert_eq!(reply.status(), StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(reply.headers()[RETRY_AFTER], digits);
            let expected = format!(
                "{{\"result\":\"error\",\"msg\":\"API usage exceeded rate limit\",\"code\":\"RATE_LIMIT_HIT\",\"retry-after\":{digits}}}\n"
            );
            assert_eq!(body(&reply), expected);
        }
    }

    #[test]
    fn newer_feature_levels_say_where_to_read_on() {
        let config = Config { feature_level: 460, ..Config::default() };
        let reply = Failure::RateLimited(Duration::from_secs(1)).reply(&config);
        assert!(
            body(&reply).contains(
                "rate limit; see https://zulip.com/api/http-headers#rate-limiting-response-headers\""
            )
        );
    }

    #[test]
    fn faults_have_their_status_and_no_code() {
        let busy = FaultKind::Busy { retry_after: Duration::from_millis(1001) };
        for (kind, status, message, retry_after) in [
            (FaultKind::Unavailable, 503, "Service unavailable", None),
            (busy, 503, "Service unavailable", Some("2")),
            (FaultKind::Internal, 500, "Internal server error", None),
        ] {
            let reply = Failure::Fault(kind).reply(&Config::default());
            assert_eq!(reply.status().as_u16(), status);
            assert_eq!(body(&reply), format!("{{\"result\":\"error\",\"msg\":\"{message}\"}}\n"));
            assert_eq!(reply.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), retry_after);
        }
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(INTERNAL_ERROR, "{\"result\":\"error\",\"msg\":\"Internal server error\"}\n");
    }
}

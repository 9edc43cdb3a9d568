//! Everything that the protocol answers in place of a success, with its exact text (zulip.md 2.3 and 5).

use std::time::Duration;

use auth_core::{InternalError, InternalErrorKind, LoginError, TokenError};
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
    Refused(LoginRefusal),
    /// No realm at this host.
    NonexistentSubdomain,
    /// No or no good credential.
    Unauthorized(&'static str, Challenge),
    /// A good credential, but nobody may do this here.
    Forbidden(&'static str),
    /// Too many tries.
    RateLimited(Duration),
    /// It could not be judged.
    InternalError(InternalErrorKind),
}

/// A refused log-in: text and code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginRefusal {
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
            Self::InternalError(InternalErrorKind::Busy { retry_after }) => {
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
            Self::InternalError(InternalErrorKind::Unavailable | InternalErrorKind::Busy { .. }) => {
                (StatusCode::SERVICE_UNAVAILABLE, None, "Service unavailable")
            }
            Self::InternalError(_) => (StatusCode::INTERNAL_SERVER_ERROR, None, "Internal server error"),
        };
        (status, code, message.to_owned())
    }
}

impl LoginRefusal {
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

impl From<InternalError> for Failure {
    fn from(fault: InternalError) -> Self {
        Self::InternalError(fault.kind())
    }
}

/// What a refused log-in looks like from outside, on every route that says nothing else of it.
impl From<LoginError> for Failure {
    fn from(refusal: LoginError) -> Self {
        Self::Refused(match refusal {
            LoginError::AccountLimited { retry_after } | LoginError::NetworkLimited { retry_after } => {
                return Self::RateLimited(retry_after);
            }
            LoginError::PasswordLoginDisabled => LoginRefusal::PasswordAuthDisabled,
            LoginError::RealmInactive => LoginRefusal::RealmDeactivated,
            LoginError::UserInactive => LoginRefusal::UserDeactivated,
            LoginError::PasswordResetRequired => LoginRefusal::PasswordResetRequired,
            LoginError::Credentials(_)
            | LoginError::AppAccount
            | LoginError::NoRoles
            | LoginError::EmailUnverified
            | LoginError::SecondFactorRequired(_)
            | LoginError::SecondFactorInvalid(_)
            | LoginError::SecondFactorExhausted(_)
            | LoginError::OtherRealm
            | LoginError::Forbidden
            | LoginError::AssertionDisabled
            | LoginError::AssertionInvalid
            | LoginError::AssertionWithoutSubject
            | LoginError::AssertionMalformed => LoginRefusal::AuthenticationFailed,
            _ => LoginRefusal::AuthenticationFailed,
        })
    }
}

/// What a refused API key looks like from outside. A limited caller is told by [`Failure::RateLimited`].
impl From<TokenError> for Failure {
    fn from(refusal: TokenError) -> Self {
        let message = match refusal {
            TokenError::Limited => return Self::RateLimited(Duration::from_secs(1)),
            TokenError::RealmInactive => "This organization has been deactivated",
            TokenError::UserInactive => "Account is deactivated",
            TokenError::OtherRealm => "Account is not associated with this subdomain",
            TokenError::WebhookBot => "This API is not available to incoming webhook bots.",
            TokenError::Invalid => "Invalid API key",
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
    use auth_core::{Challenge as Second, FactorMethod, FailureReason};

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
            let reply = Failure::from(refusal.clone()).reply(&Config::default());
            assert_eq!((reply.status().as_u16(), body(&reply)), (401, generic), "{refusal:?}");
            assert!(!reply.headers().contains_key(WWW_AUTHENTICATE));
        }
        for (refusal, code) in [
            (LoginError::PasswordLoginDisabled, "PASSWORD_AUTH_DISABLED"),
            (LoginError::RealmInactive, "REALM_DEACTIVATED"),
            (LoginError::UserInactive, "USER_DEACTIVATED"),
            (LoginError::PasswordResetRequired, "PASSWORD_RESET_REQUIRED"),
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
        let busy = InternalErrorKind::Busy { retry_after: Duration::from_millis(1001) };
        for (kind, status, message, retry_after) in [
            (InternalErrorKind::Unavailable, 503, "Service unavailable", None),
            (busy, 503, "Service unavailable", Some("2")),
            (InternalErrorKind::Internal, 500, "Internal server error", None),
        ] {
            let reply = Failure::InternalError(kind).reply(&Config::default());
            assert_eq!(reply.status().as_u16(), status);
            assert_eq!(body(&reply), format!("{{\"result\":\"error\",\"msg\":\"{message}\"}}\n"));
            assert_eq!(reply.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), retry_after);
        }
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(INTERNAL_ERROR, "{\"result\":\"error\",\"msg\":\"Internal server error\"}\n");
    }
}

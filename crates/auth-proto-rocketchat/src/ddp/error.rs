//! Why a method was not done, and the error object that tells it (rocketchat.md 6.2).

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{ActionError, InternalError, InternalErrorKind, LoginError};
use serde::{Serialize, Serializer};

use crate::encode::{Code, Details, Told, Words, told, told_of_denial};

/// The methods' own words for denials: names without reasons.
const WORDS: Words =
    Words { not_permitted: ("not-authorized", ""), no_user: ("error-invalid-user", ""), method: None };

/// Why a method was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MethodError {
    /// There is no such method.
    NotFound(String),
    /// The parameters are of the wrong types.
    IllTyped,
    /// The log-in was refused.
    Refused(LoginError),
    /// The call on the account was denied.
    Denied(ActionError),
    /// It takes somebody who is signed in.
    NotSignedIn,
    /// Too many log-ins by one socket, and how long to wait.
    TooMany(Duration),
    /// It could not be judged.
    InternalError(InternalErrorKind),
}

impl From<InternalError> for MethodError {
    fn from(fault: InternalError) -> Self {
        Self::InternalError(fault.kind())
    }
}

impl From<ActionError> for MethodError {
    fn from(denial: ActionError) -> Self {
        Self::Denied(denial)
    }
}

impl Serialize for MethodError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shape().serialize(serializer)
    }
}

impl MethodError {
    fn shape(&self) -> Shape<'_> {
        match self {
            Self::NotFound(name) => {
                Shape::new(Code::Number(404), Some(format!("Method '{name}' not found").into()))
            }
            Self::IllTyped => Shape::new(Code::Number(400), Some("Match failed".into())),
            Self::Refused(refusal) => match told(refusal) {
                Some(told) => Shape::of(told),
                None => Shape::new(Code::Number(401), Some("User not found".into())),
            },
            Self::Denied(denial) => Shape::of(told_of_denial(denial, &WORDS)),
            Self::NotSignedIn => Shape::new(Code::Name("not-authorized"), None),
            Self::TooMany(wait) => {
                let seconds = wait.as_millis().div_ceil(1000);
                let reason = format!(
                    "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying \
                     again."
                );
                Shape {
                    details: Some(Extra::wait(*wait)),
                    ..Shape::new(Code::Name("too-many-requests"), Some(reason.into()))
                }
            }
            Self::InternalError(kind) => fault(*kind),
        }
    }
}

fn fault(kind: InternalErrorKind) -> Shape<'static> {
    let unavailable = || Shape::new(Code::Number(503), Some("Service unavailable".into()));
    match kind {
        InternalErrorKind::Unavailable => unavailable(),
        InternalErrorKind::Busy { retry_after } => {
            Shape { details: Some(Extra::wait(retry_after)), ..unavailable() }
        }
        _ => Shape::new(Code::Number(500), Some("Internal server error".into())),
    }
}

/// The error object, in the order of Meteor's fields. An error without a reason is told by its name in brackets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shape<'a> {
    is_client_safe: bool,
    error: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Extra<'a>>,
    message: String,
    error_type: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Extra<'a> {
    Told(Details<'a>),
    #[serde(rename_all = "camelCase")]
    Wait {
        /// In milliseconds.
        time_to_reset: u64,
    },
}

impl Extra<'_> {
    fn wait(wait: Duration) -> Self {
        Self::Wait { time_to_reset: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl<'a> Shape<'a> {
    fn new(error: Code, reason: Option<Cow<'a, str>>) -> Self {
        let message = match &reason {
            Some(reason) => format!("{reason} [{error}]"),
            None => format!("[{error}]"),
        };
        Self { is_client_safe: true, error, reason, details: None, message, error_type: "Meteor.Error" }
    }

    fn of(told: Told<'a>) -> Self {
        let reason = Some(told.message).filter(|message| !message.is_empty());
        Self { details: told.details.map(Extra::Told), ..Self::new(told.error, reason.map(Cow::from)) }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Challenge, FactorMethod, FailureReason, MailedChallenge, Timestamp};
    use serde_json::json;

    use super::*;

    fn check(error: &MethodError, expected: &str) {
        assert_eq!(serde_json::to_string(error).unwrap(), expected);
    }

    #[test]
    fn ordinary_refusal_is_the_same_bytes_whatever_the_cause() {
        for refusal in [
            LoginError::Credentials(FailureReason::WrongPassword),
            LoginError::Credentials(FailureReason::UnknownUser),
            LoginError::Credentials(FailureReason::ExpiredToken),
            LoginError::PasswordLoginDisabled,
            LoginError::RealmInactive,
        ] {
            check(
                &MethodError::Refused(refusal),
                r#"{"isClientSafe":true,"error":401,"reason":"User not found","message":"User not found [401]","errorType":"Meteor.Error"}"#,
            );
        }
    }

    #[test]
    fn errors_are_these_bytes() {
        check(
            &MethodError::NotFound("x".into()),
            r#"{"isClientSafe":true,"error":404,"reason":"Method 'x' not found","message":"Method 'x' not found [404]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::NotSignedIn,
            r#"{"isClientSafe":true,"error":"not-authorized","message":"[not-authorized]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::TooMany(Duration::from_millis(6001)),
            r#"{"isClientSafe":true,"error":"too-many-requests","reason":"Error, too many requests. Please slow down. You must wait 7 seconds before trying again.","details":{"timeToReset":6001},"message":"Error, too many requests. Please slow down. You must wait 7 seconds before trying again. [too-many-requests]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::Refused(LoginError::UserInactive),
            r#"{"isClientSafe":true,"error":"error-user-is-not-activated","reason":"User is not activated","details":{"function":"Accounts.validateLoginAttempt"},"message":"User is not activated [error-user-is-not-activated]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::InternalError(InternalErrorKind::Busy { retry_after: Duration::from_secs(2) }),
            r#"{"isClientSafe":true,"error":503,"reason":"Service unavailable","details":{"timeToReset":2000},"message":"Service unavailable [503]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::InternalError(InternalErrorKind::Internal),
            r#"{"isClientSafe":true,"error":500,"reason":"Internal server error","message":"Internal server error [500]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::IllTyped,
            r#"{"isClientSafe":true,"error":400,"reason":"Match failed","message":"Match failed [400]","errorType":"Meteor.Error"}"#,
        );
    }

    #[test]
    fn second_factor_is_asked_for_with_the_details_of_the_rest_answer() {
        let mailed = MailedChallenge {
            generated: false,
            expires: Timestamp::from_millis(1_767_326_645_678),
            recipient: "mailuser".into(),
        };
        let challenge = Challenge {
            method: FactorMethod::Email,
            available: vec![FactorMethod::Email],
            mailed: Some(mailed),
        };
        let expected = json!({
            "isClientSafe": true,
            "error": "totp-required",
            "reason": "TOTP Required",
            "details": {
                "method": "email",
                "codeGenerated": false,
                "codeExpires": "2026-01-02T04:04:05.678Z",
                "emailOrUsername": "mailuser",
                "availableMethods": ["email"],
            },
            "message": "TOTP Required [totp-required]",
            "errorType": "Meteor.Error",
        });
        for error in [
            MethodError::Refused(LoginError::SecondFactorRequired(challenge.clone())),
            MethodError::Denied(ActionError::SecondFactorRequired(challenge.clone())),
        ] {
            assert_eq!(serde_json::to_value(&error).unwrap(), expected);
        }
        for (denial, error) in [
            (ActionError::SecondFactorInvalid(challenge.clone()), "totp-invalid"),
            (ActionError::SecondFactorExhausted(challenge), "totp-max-attempts"),
            (ActionError::DeviceExists, "error-2fa-already-enabled"),
            (ActionError::NoDevice, "invalid-totp"),
            (ActionError::WrongCode, "invalid-totp"),
            (ActionError::NoUserName, "error-invalid-user"),
            (ActionError::NotPermitted, "not-authorized"),
        ] {
            assert_eq!(serde_json::to_value(MethodError::Denied(denial)).unwrap()["error"], error);
        }
    }
}

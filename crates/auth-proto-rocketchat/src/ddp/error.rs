//! Why a method failed, and the error object that tells a client.

use std::borrow::Cow;
use std::time::Duration;

use auth_core::{ActionError, FailureReason, InternalError, InternalErrorKind, LoginError, TokenError};
use serde::{Serialize, Serializer};

use crate::decode::DecodeError;
use crate::encode::{Details, ErrorCode, ErrorText, ErrorTexts, of_action_error, of_login_error};

/// The texts of methods: codes without messages.
const TEXTS: ErrorTexts = ErrorTexts {
    not_permitted: ("not-authorized", ""),
    no_such_user: ("error-invalid-user", ""),
    method: None,
};

/// Why a method failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MethodError {
    /// There is no such method.
    NotFound(String),
    /// The parameters are of the wrong types.
    IllTyped,
    /// The login was refused.
    Login(LoginError),
    /// The action was refused.
    Action(ActionError),
    /// The present password is wrong.
    WrongPassword,
    /// The password was set, and the client must log in, since a second factor is asked for.
    SecondFactorAfterReset,
    /// The method takes a signed-in user.
    NotSignedIn,
    /// The socket has logged in too often, or the account has changed itself too often; and how long to wait.
    Limited(Duration),
    /// The call could not be judged.
    Internal(InternalError),
}

impl From<InternalError> for MethodError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<LoginError> for MethodError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Internal(error) => Self::Internal(error),
            error => Self::Login(error),
        }
    }
}

impl From<ActionError> for MethodError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Internal(error) => Self::Internal(error),
            ActionError::TooManyActs(wait) | ActionError::TooManyAttempts(wait) => Self::Limited(wait),
            error => Self::Action(error),
        }
    }
}

impl From<TokenError> for MethodError {
    /// A token that is refused is like none.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Internal(error) => Self::Internal(error),
            _ => Self::NotSignedIn,
        }
    }
}

impl From<DecodeError> for MethodError {
    /// A parameter without a login form is answered like a wrong password.
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Unrecognised => Self::Login(LoginError::Credentials(FailureReason::NotOffered)),
            DecodeError::IllTyped(_) => Self::IllTyped,
        }
    }
}

impl Serialize for MethodError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object().serialize(serializer)
    }
}

impl MethodError {
    fn object(&self) -> ErrorObject<'_> {
        match self {
            Self::NotFound(name) => {
                ErrorObject::new(ErrorCode::Number(404), Some(format!("Method '{name}' not found").into()))
            }
            Self::IllTyped => ErrorObject::new(ErrorCode::Number(400), Some("Match failed".into())),
            Self::Login(error) => match of_login_error(error) {
                Some(text) => text.into(),
                None => ErrorObject::new(ErrorCode::Number(401), Some("User not found".into())),
            },
            Self::Action(error) => of_action_error(error, &TEXTS).into(),
            Self::WrongPassword => {
                ErrorObject::new(ErrorCode::Number(403), Some("Incorrect password".into()))
            }
            Self::SecondFactorAfterReset => ErrorObject::new(
                ErrorCode::Word("2fa-enabled"),
                Some("Changed password, but user not logged in because 2FA is enabled.".into()),
            ),
            Self::NotSignedIn => ErrorObject::new(ErrorCode::Word("not-authorized"), None),
            Self::Limited(wait) => {
                let seconds = wait.as_millis().div_ceil(1000);
                let reason = format!(
                    "Error, too many requests. Please slow down. You must wait {seconds} seconds before trying again."
                );
                ErrorObject {
                    details: Some(ObjectDetails::wait(*wait)),
                    ..ErrorObject::new(ErrorCode::Word("too-many-requests"), Some(reason.into()))
                }
            }
            Self::Internal(error) => internal(error.kind()),
        }
    }
}

fn internal(kind: InternalErrorKind) -> ErrorObject<'static> {
    let unavailable = || ErrorObject::new(ErrorCode::Number(503), Some("Service unavailable".into()));
    match kind {
        InternalErrorKind::Unavailable => unavailable(),
        InternalErrorKind::Busy { retry_after } => {
            ErrorObject { details: Some(ObjectDetails::wait(retry_after)), ..unavailable() }
        }
        InternalErrorKind::Defect | _ => {
            ErrorObject::new(ErrorCode::Number(500), Some("Internal server error".into()))
        }
    }
}

/// The error object, in the order of Meteor's fields. Without a reason, its message is the code in brackets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorObject<'a> {
    is_client_safe: bool,
    error: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<ObjectDetails<'a>>,
    message: String,
    error_type: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ObjectDetails<'a> {
    Text(Details<'a>),
    #[serde(rename_all = "camelCase")]
    Wait {
        /// In milliseconds.
        time_to_reset: u64,
    },
}

impl ObjectDetails<'_> {
    fn wait(wait: Duration) -> Self {
        Self::Wait { time_to_reset: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl<'a> ErrorObject<'a> {
    fn new(error: ErrorCode, reason: Option<Cow<'a, str>>) -> Self {
        let message = match &reason {
            Some(reason) => format!("{reason} [{error}]"),
            None => format!("[{error}]"),
        };
        Self { is_client_safe: true, error, reason, details: None, message, error_type: "Meteor.Error" }
    }
}

impl<'a> From<ErrorText<'a>> for ErrorObject<'a> {
    fn from(text: ErrorText<'a>) -> Self {
        let reason = Some(text.message).filter(|message| !message.is_empty());
        Self { details: text.details.map(ObjectDetails::Text), ..Self::new(text.code, reason.map(Cow::from)) }
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
    fn ordinary_refusal_is_the_same_bytes_whatever_the_reason() {
        for refused in [
            LoginError::Credentials(FailureReason::WrongPassword),
            LoginError::Credentials(FailureReason::UnknownUser),
            LoginError::Credentials(FailureReason::ExpiredToken),
            LoginError::PasswordLoginDisabled,
            LoginError::RealmInactive,
        ] {
            check(
                &MethodError::Login(refused),
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
            &MethodError::Limited(Duration::from_millis(6001)),
            r#"{"isClientSafe":true,"error":"too-many-requests","reason":"Error, too many requests. Please slow down. You must wait 7 seconds before trying again.","details":{"timeToReset":6001},"message":"Error, too many requests. Please slow down. You must wait 7 seconds before trying again. [too-many-requests]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::Login(LoginError::UserInactive),
            r#"{"isClientSafe":true,"error":"error-user-is-not-activated","reason":"User is not activated","details":{"function":"Accounts.validateLoginAttempt"},"message":"User is not activated [error-user-is-not-activated]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::Internal(InternalError::busy(Duration::from_secs(2))),
            r#"{"isClientSafe":true,"error":503,"reason":"Service unavailable","details":{"timeToReset":2000},"message":"Service unavailable [503]","errorType":"Meteor.Error"}"#,
        );
        check(
            &MethodError::Internal(InternalError::defect("a test")),
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
            ticket: None,
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
            MethodError::Login(LoginError::SecondFactorRequired(challenge.clone())),
            MethodError::Action(ActionError::SecondFactorRequired(challenge.clone())),
        ] {
            assert_eq!(serde_json::to_value(&error).unwrap(), expected);
        }
        for (refused, error) in [
            (ActionError::SecondFactorInvalid(challenge.clone()), "totp-invalid"),
            (ActionError::SecondFactorExhausted(challenge), "totp-max-attempts"),
            (ActionError::DeviceExists, "error-2fa-already-enabled"),
            (ActionError::NoDevice, "invalid-totp"),
            (ActionError::WrongCode, "invalid-totp"),
            (ActionError::NoUserName, "error-invalid-user"),
            (ActionError::NotPermitted, "not-authorized"),
            (ActionError::TooManyActs(Duration::from_secs(7)), "too-many-requests"),
        ] {
            assert_eq!(serde_json::to_value(MethodError::from(refused)).unwrap()["error"], error);
        }
    }
}

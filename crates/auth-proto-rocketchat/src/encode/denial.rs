//! Calls that were denied: 400 in the general envelope (rocketchat.md 2.2, 2.5, 3.1, 3.2).

use auth_core::ActionError;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::refusal::{Broken, Code, Details, Told, asking, bare};
use super::{Failure, json};

/// The words in which a group of calls tells what others tell differently: a code and a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// The caller may not.
    pub(crate) not_permitted: (&'static str, &'static str),
    /// There is no such user.
    pub(crate) no_user: (&'static str, &'static str),
    /// What the call is called in the details of its errors, where it has any.
    pub(crate) method: Option<&'static str>,
}

/// The words of calls that have none of their own.
pub(crate) static GENERAL: Words = Words::GENERAL;

impl Words {
    pub(crate) const GENERAL: Self = Self {
        not_permitted: ("error-not-allowed", "Not allowed"),
        no_user: ("error-invalid-user-id", "Invalid user id"),
        method: None,
    };

    /// The same with the name of a call in the details.
    pub(crate) const fn of(self, method: &'static str) -> Self {
        Self { method: Some(method), ..self }
    }

    /// Gives what a call gave, or says why it was denied.
    pub(crate) fn unless_denied<T>(&'static self, done: Result<T, ActionError>) -> Result<T, Failure> {
        done.map_err(|denial| Failure::Denied(Box::new(denial), self))
    }
}

/// The answer to a call that was denied. An error without a reason is told by its code in brackets alone.
pub(super) fn denied(denial: &ActionError, words: &Words) -> Response<Bytes> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Denied<'a> {
        success: bool,
        error: String,
        error_type: Code,
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Details<'a>>,
    }

    let Told { error: code, message, details } = told(denial, words);
    let error = if message.is_empty() { format!("[{code}]") } else { format!("{message} [{code}]") };
    json(StatusCode::BAD_REQUEST, &Denied { success: false, error, error_type: code, details })
}

/// What a client is told of a denial, whatever the envelope. Where there is no reason, the message is empty.
pub(crate) fn told<'a>(denial: &'a ActionError, words: &Words) -> Told<'a> {
    let of_call = |(code, reason): (&'static str, &'static str)| Told {
        details: words.method.map(|method| Details::Method { method }),
        ..bare(Code::Name(code), reason)
    };
    let word = |code: &'static str, reason: &'static str| bare(Code::Name(code), reason);
    match denial {
        ActionError::SecondFactorRequired(challenge) => asking("totp-required", "TOTP Required", challenge),
        ActionError::SecondFactorInvalid(challenge) => asking("totp-invalid", "TOTP Invalid", challenge),
        ActionError::SecondFactorExhausted(challenge) => {
            asking("totp-max-attempts", "TOTP Maximun Failed Attempts Reached", challenge)
        }
        ActionError::NotPermitted => of_call(words.not_permitted),
        ActionError::NoSuchUser => of_call(words.no_user),
        // The missing grammar is upstream's.
        ActionError::NoSuchToken => of_call(("error-token-does-not-exists", "Token does not exist")),
        ActionError::TokenExists => {
            of_call(("error-token-already-exists", "A token with this name already exists"))
        }
        ActionError::BadTokenName => {
            word("invalid-params", "must NOT have fewer than 1 or more than 256 bytes")
        }
        ActionError::DeviceExists => word("error-2fa-already-enabled", ""),
        ActionError::NoDevice | ActionError::WrongCode => word("invalid-totp", ""),
        ActionError::AddressUnverified => {
            word("error-invalid-user", "You need to verify your emails before setting up 2FA")
        }
        ActionError::NoUserName => word("error-invalid-user", "Invalid user"),
        ActionError::WrongToken => word("error-invalid-token", "Invalid token"),
        ActionError::WeakPassword(rules) => Told {
            details: (!rules.is_empty()).then(|| Details::Policy(rules.iter().map(Broken::of).collect())),
            ..word("error-password-policy-not-met", "The password does not meet the server's policy")
        },
        ActionError::NotOffered | _ => word("error-not-allowed", "Not allowed"),
    }
}

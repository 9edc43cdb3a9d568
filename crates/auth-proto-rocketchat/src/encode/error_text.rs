//! Errors in the words that clients know: code, message and details. The envelope around them is REST's or
//! DDP's.

use std::fmt;

use auth_core::{ActionError, Challenge, FactorMethod, LoginError, PolicyRule};
use serde::Serialize;

use super::date::IsoDate;

/// An error in the words that clients know.
pub(crate) struct ErrorText<'a> {
    pub(crate) code: ErrorCode,
    /// The message; empty where the code stands alone.
    pub(crate) message: &'static str,
    pub(crate) details: Option<Details<'a>>,
}

/// The code of an error: a word, or a number for the oldest errors.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum ErrorCode {
    Word(&'static str),
    Number(u16),
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The details of an error.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Details<'a> {
    /// The hook of Meteor that refuses a login.
    Hook { function: &'static str },
    /// The method that failed.
    Method { method: &'static str },
    /// The second factor that is asked for.
    SecondFactor(SecondFactor<'a>),
    /// The rules of the password policy that the password breaks.
    Policy(Vec<BrokenRule>),
}

/// The texts of errors that differ between calls: a code and a message each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErrorTexts {
    /// The caller lacks the permission.
    pub(crate) not_permitted: (&'static str, &'static str),
    /// There is no such user.
    pub(crate) no_such_user: (&'static str, &'static str),
    /// The method that the details of the call's errors name, if they name one.
    pub(crate) method: Option<&'static str>,
}

impl ErrorTexts {
    /// The texts of calls that have none of their own.
    pub(crate) const GENERAL: Self = Self {
        not_permitted: ("error-not-allowed", "Not allowed"),
        no_such_user: ("error-invalid-user-id", "Invalid user id"),
        method: None,
    };

    /// The same texts with a method in the details.
    pub(crate) const fn of_method(self, method: &'static str) -> Self {
        Self { method: Some(method), ..self }
    }
}

/// The text of a refused login. `None` for the ordinary refusal, which has another text in each envelope.
pub(crate) fn of_login_error(error: &LoginError) -> Option<ErrorText<'_>> {
    Some(match error {
        LoginError::UserInactive => of_hook("error-user-is-not-activated", "User is not activated"),
        LoginError::AppAccount => {
            of_hook("error-app-user-is-not-allowed-to-login", "App user is not allowed to login")
        }
        LoginError::NoRoles => of_hook("error-user-has-no-roles", "User has no roles"),
        LoginError::AccountLimited { .. } => {
            of_hook("error-login-blocked-for-user", "Login has been temporarily blocked For User")
        }
        LoginError::ClientLimited { .. } => {
            of_hook("error-login-blocked-for-ip", "Login has been temporarily blocked For IP")
        }
        // The placeholder is Rocket.Chat's.
        LoginError::EmailUnverified => plain("error-invalid-email", "Invalid email __email__"),
        LoginError::SecondFactorRequired(challenge) => factor_required(challenge),
        LoginError::SecondFactorInvalid(challenge) => factor_invalid(challenge),
        LoginError::SecondFactorExhausted(challenge) => factor_exhausted(challenge),
        LoginError::Forbidden => {
            ErrorText { code: ErrorCode::Number(403), message: "Login forbidden", details: None }
        }
        LoginError::Credentials(_)
        | LoginError::PasswordLoginDisabled
        | LoginError::RealmInactive
        | LoginError::PasswordResetRequired
        | LoginError::OtherRealm
        | LoginError::AssertionDisabled
        | LoginError::AssertionInvalid
        | LoginError::AssertionWithoutSubject
        | LoginError::AssertionMalformed
        | LoginError::Internal(_)
        | _ => return None,
    })
}

/// The text of an action that was refused, in the words of the call that asked for it.
pub(crate) fn of_action_error<'a>(error: &'a ActionError, texts: &ErrorTexts) -> ErrorText<'a> {
    let of_call = |(code, message)| ErrorText {
        details: texts.method.map(|method| Details::Method { method }),
        ..plain(code, message)
    };
    match error {
        ActionError::SecondFactorRequired(challenge) => factor_required(challenge),
        ActionError::SecondFactorInvalid(challenge) => factor_invalid(challenge),
        ActionError::SecondFactorExhausted(challenge) => factor_exhausted(challenge),
        ActionError::NotPermitted => of_call(texts.not_permitted),
        ActionError::NoSuchUser => of_call(texts.no_such_user),
        // The grammar of the code is Rocket.Chat's.
        ActionError::NoSuchToken => of_call(("error-token-does-not-exists", "Token does not exist")),
        ActionError::TokenExists => {
            of_call(("error-token-already-exists", "A token with this name already exists"))
        }
        // Rocket.Chat has no limit, and so no code for it.
        ActionError::TooManyTokens => {
            of_call(("error-too-many-tokens", "You have too many personal access tokens. Remove one first"))
        }
        ActionError::BadTokenName => plain(
            "invalid-params",
            "must NOT have fewer than 1 or more than 256 bytes, or control characters",
        ),
        ActionError::DeviceExists => plain("error-2fa-already-enabled", ""),
        ActionError::NoDevice | ActionError::WrongCode => plain("invalid-totp", ""),
        ActionError::AddressUnverified => {
            plain("error-invalid-user", "You need to verify your emails before setting up 2FA")
        }
        ActionError::UserNameTaken => {
            of_call(("error-field-unavailable", "This user name is already in use"))
        }
        ActionError::BadUserName => of_call((
            "error-input-is-not-a-valid-field",
            "A user name has letters and digits of ASCII, dots, hyphens and low lines",
        )),
        ActionError::BadFullName => of_call((
            "error-input-is-not-a-valid-field",
            "A name has 1 to 100 characters and none that can't be seen",
        )),
        ActionError::BadAddress => of_call(("error-invalid-email", "Invalid email")),
        ActionError::SamePassword => {
            of_call(("error-password-same-as-current", "Entered password same as current password"))
        }
        ActionError::NoUserName => plain("error-invalid-user", "Invalid user"),
        ActionError::WrongToken => plain("error-invalid-token", "Invalid token"),
        ActionError::WeakPassword(rules) => ErrorText {
            details: (!rules.is_empty())
                .then(|| Details::Policy(rules.iter().map(BrokenRule::from).collect())),
            ..plain("error-password-policy-not-met", "The password does not meet the server's policy")
        },
        ActionError::NotOffered | ActionError::Internal(_) | _ => plain("error-not-allowed", "Not allowed"),
    }
}

fn plain<'a>(code: &'static str, message: &'static str) -> ErrorText<'a> {
    ErrorText { code: ErrorCode::Word(code), message, details: None }
}

/// The text of a refusal by the state of the account, which follows a right password.
fn of_hook<'a>(code: &'static str, message: &'static str) -> ErrorText<'a> {
    let details = Details::Hook { function: "Accounts.validateLoginAttempt" };
    ErrorText { details: Some(details), ..plain(code, message) }
}

fn factor_required(challenge: &Challenge) -> ErrorText<'_> {
    of_challenge("totp-required", "TOTP Required", challenge)
}

fn factor_invalid(challenge: &Challenge) -> ErrorText<'_> {
    of_challenge("totp-invalid", "TOTP Invalid", challenge)
}

fn factor_exhausted(challenge: &Challenge) -> ErrorText<'_> {
    // The spelling is Rocket.Chat's.
    of_challenge("totp-max-attempts", "TOTP Maximun Failed Attempts Reached", challenge)
}

fn of_challenge<'a>(code: &'static str, message: &'static str, challenge: &'a Challenge) -> ErrorText<'a> {
    ErrorText { details: Some(Details::SecondFactor(challenge.into())), ..plain(code, message) }
}

/// What a client must know to ask its user for a second factor.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondFactor<'a> {
    method: &'static str,
    code_generated: bool,
    /// The end of a mailed code that is older than this attempt. A client knows that a new code is fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_expires: Option<IsoDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_or_username: Option<&'a str>,
    available_methods: Vec<&'static str>,
}

impl<'a> From<&'a Challenge> for SecondFactor<'a> {
    fn from(challenge: &'a Challenge) -> Self {
        let mailed = challenge.mailed.as_ref();
        Self {
            method: name(challenge.method),
            code_generated: mailed.is_some_and(|mailed| mailed.generated),
            code_expires: mailed.filter(|mailed| !mailed.generated).map(|mailed| IsoDate(mailed.expires)),
            email_or_username: mailed.map(|mailed| mailed.recipient.as_str()),
            available_methods: challenge.available.iter().copied().map(name).collect(),
        }
    }
}

fn name(method: FactorMethod) -> &'static str {
    match method {
        FactorMethod::Email => "email",
        FactorMethod::Password => "password",
        FactorMethod::Totp | _ => "totp",
    }
}

/// A rule of the password policy that a password breaks.
#[derive(Serialize)]
pub(crate) struct BrokenRule {
    error: &'static str,
    message: String,
}

impl From<&PolicyRule> for BrokenRule {
    fn from(rule: &PolicyRule) -> Self {
        let error = match rule {
            PolicyRule::MinLength(_) => "error-password-policy-not-met-minLength",
            PolicyRule::MaxLength(_) => "error-password-policy-not-met-maxLength",
            PolicyRule::MaxRepeats(_) => "error-password-policy-not-met-repeatingCharacters",
            PolicyRule::Lowercase => "error-password-policy-not-met-oneLowercase",
            PolicyRule::Uppercase => "error-password-policy-not-met-oneUppercase",
            PolicyRule::Number => "error-password-policy-not-met-oneNumber",
            PolicyRule::Special => "error-password-policy-not-met-oneSpecial",
        };
        Self { error, message: rule.to_string() }
    }
}

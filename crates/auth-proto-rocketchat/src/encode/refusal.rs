//! Refused log-ins (rocketchat.md 1.8, 2.2): what is told of them, and the REST answer: always 401, and the
//! ordinary refusal the same bytes whatever the cause.

use std::fmt;

use auth_core::{Challenge, FactorMethod, LoginError, PolicyRule};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::date::iso;
use super::json;

/// The answer to a refused log-in.
pub(crate) fn refusal(refusal: &LoginError) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Refused<'a> {
        success: bool,
        error: Code,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        details: Option<Details<'a>>,
        message: &'static str,
    }

    let Told { error, message, details } =
        told(refusal).unwrap_or_else(|| bare(Code::Name("Unauthorized"), "Unauthorized"));
    let body = Refused { success: false, error, status: "error", details, message };
    json(StatusCode::UNAUTHORIZED, &body)
}

/// What a client is told of a refusal, whatever the envelope. `None` for the ordinary refusal, which each
/// envelope has its own words for.
pub(crate) fn told(refusal: &LoginError) -> Option<Told<'_>> {
    Some(match refusal {
        LoginError::UserInactive => validation("error-user-is-not-activated", "User is not activated"),
        LoginError::AppAccount => {
            validation("error-app-user-is-not-allowed-to-login", "App user is not allowed to login")
        }
        LoginError::NoRoles => validation("error-user-has-no-roles", "User has no roles"),
        LoginError::AccountLimited { .. } => {
            validation("error-login-blocked-for-user", "Login has been temporarily blocked For User")
        }
        LoginError::NetworkLimited { .. } => {
            validation("error-login-blocked-for-ip", "Login has been temporarily blocked For IP")
        }
        // The placeholder and the misspelling below are upstream's.
        LoginError::EmailUnverified => bare(Code::Name("error-invalid-email"), "Invalid email __email__"),
        LoginError::SecondFactorRequired(challenge) => asking("totp-required", "TOTP Required", challenge),
        LoginError::SecondFactorInvalid(challenge) => asking("totp-invalid", "TOTP Invalid", challenge),
        LoginError::SecondFactorExhausted(challenge) => {
            asking("totp-max-attempts", "TOTP Maximun Failed Attempts Reached", challenge)
        }
        LoginError::Forbidden => bare(Code::Number(403), "Login forbidden"),
        LoginError::Credentials(_)
        | LoginError::PasswordLoginDisabled
        | LoginError::RealmInactive
        | LoginError::PasswordResetRequired
        | LoginError::OtherRealm
        | LoginError::AssertionDisabled
        | LoginError::AssertionInvalid
        | LoginError::AssertionWithoutSubject
        | LoginError::AssertionMalformed
        | _ => return None,
    })
}

pub(super) fn bare(error: Code, message: &'static str) -> Told<'static> {
    Told { error, message, details: None }
}

/// A refusal by the state of the account, told after the password was right.
fn validation(error: &'static str, message: &'static str) -> Told<'static> {
    let details = Details::Hook { function: "Accounts.validateLoginAttempt" };
    Told { details: Some(details), ..bare(Code::Name(error), message) }
}

/// A question for a second factor, or what was wrong with the answer.
pub(super) fn asking<'a>(error: &'static str, message: &'static str, challenge: &'a Challenge) -> Told<'a> {
    Told { details: Some(Details::SecondFactor(challenge.into())), ..bare(Code::Name(error), message) }
}

/// A refusal in the words that clients know it by.
pub(crate) struct Told<'a> {
    pub(crate) error: Code,
    pub(crate) message: &'static str,
    pub(crate) details: Option<Details<'a>>,
}

/// What names an error: a word, or a number for the oldest of them.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Code {
    Name(&'static str),
    Number(u16),
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Number(number) => number.fmt(f),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Details<'a> {
    Hook { function: &'static str },
    Method { method: &'static str },
    SecondFactor(SecondFactor<'a>),
    Policy(Vec<Broken>),
}

/// A rule of the password policy that is not kept (rocketchat.md 5).
#[derive(Serialize)]
pub(crate) struct Broken {
    error: &'static str,
    message: String,
}

impl Broken {
    pub(crate) fn of(rule: &PolicyRule) -> Self {
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

/// What a client must know to answer a question for a second factor (rocketchat.md 2.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecondFactor<'a> {
    method: &'static str,
    code_generated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_or_username: Option<&'a str>,
    available_methods: Vec<&'static str>,
}

impl<'a> From<&'a Challenge> for SecondFactor<'a> {
    fn from(challenge: &'a Challenge) -> Self {
        let mailed = challenge.mailed.as_ref();
        Self {
            method: method(challenge.method),
            code_generated: mailed.is_some_and(|mailed| mailed.generated),
            // Told of a code that was there before; of a new one the client knows that it is fresh.
            code_expires: mailed.filter(|mailed| !mailed.generated).map(|mailed| iso(mailed.expires)),
            email_or_username: mailed.map(|mailed| mailed.recipient.as_str()),
            available_methods: challenge.available.iter().copied().map(method).collect(),
        }
    }
}

fn method(method: FactorMethod) -> &'static str {
    match method {
        FactorMethod::Email => "email",
        FactorMethod::Password => "password",
        FactorMethod::Totp | _ => "totp",
    }
}

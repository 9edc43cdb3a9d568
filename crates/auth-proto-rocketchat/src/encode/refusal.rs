//! Refused log-ins (rocketchat.md 1.8, 2.2): always 401, and the ordinary refusal the same bytes whatever the
//! cause.

use auth_core::{Challenge, FactorMethod, Refusal};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use super::date::iso;
use super::json;

/// The answer to a refused log-in.
pub(crate) fn refusal(refusal: &Refusal) -> Response<Bytes> {
    json(StatusCode::UNAUTHORIZED, &body(refusal))
}

fn body(refusal: &Refusal) -> Refused<'_> {
    match refusal {
        Refusal::UserInactive => validation("error-user-is-not-activated", "User is not activated"),
        Refusal::AppAccount => {
            validation("error-app-user-is-not-allowed-to-login", "App user is not allowed to login")
        }
        Refusal::NoRoles => validation("error-user-has-no-roles", "User has no roles"),
        Refusal::AccountLimited { .. } => {
            validation("error-login-blocked-for-user", "Login has been temporarily blocked For User")
        }
        Refusal::NetworkLimited { .. } => {
            validation("error-login-blocked-for-ip", "Login has been temporarily blocked For IP")
        }
        // The placeholder and the misspelling below are upstream's.
        Refusal::EmailUnverified => bare(Code::Name("error-invalid-email"), "Invalid email __email__"),
        Refusal::SecondFactorRequired(challenge) => asking("totp-required", "TOTP Required", challenge),
        Refusal::SecondFactorInvalid(challenge) => asking("totp-invalid", "TOTP Invalid", challenge),
        Refusal::SecondFactorExhausted(challenge) => {
            asking("totp-max-attempts", "TOTP Maximun Failed Attempts Reached", challenge)
        }
        Refusal::Forbidden => bare(Code::Number(403), "Login forbidden"),
        Refusal::Credentials(_)
        | Refusal::PasswordLoginDisabled
        | Refusal::RealmInactive
        | Refusal::PasswordResetRequired
        | Refusal::OtherRealm
        | Refusal::AssertionDisabled
        | Refusal::AssertionInvalid
        | Refusal::AssertionWithoutSubject
        | Refusal::AssertionMalformed
        | _ => bare(Code::Name("Unauthorized"), "Unauthorized"),
    }
}

fn bare(error: Code, message: &'static str) -> Refused<'static> {
    Refused { success: false, error, status: "error", details: None, message }
}

/// A refusal by the state of the account, told after the password was right.
fn validation(error: &'static str, message: &'static str) -> Refused<'static> {
    let details = Details::Hook { function: "Accounts.validateLoginAttempt" };
    Refused { details: Some(details), ..bare(Code::Name(error), message) }
}

fn asking<'a>(error: &'static str, message: &'static str, challenge: &'a Challenge) -> Refused<'a> {
    Refused { details: Some(Details::SecondFactor(challenge.into())), ..bare(Code::Name(error), message) }
}

#[derive(Serialize)]
struct Refused<'a> {
    success: bool,
    error: Code,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
    message: &'static str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Code {
    Name(&'static str),
    Number(u16),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Details<'a> {
    Hook { function: &'static str },
    SecondFactor(SecondFactor<'a>),
}

/// What a client must know to answer a question for a second factor (rocketchat.md 2.2).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecondFactor<'a> {
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

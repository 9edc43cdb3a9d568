//! The proof that a service asks for, as a field of a form, and the proof that came back.

use auth_core::{FactorMethod, PresentedFactor};
use auth_pages::{Input, Kind};

use crate::decode::fields::Fields;
use crate::text::Texts;

/// A method as forms carry it.
pub(crate) fn name(method: FactorMethod) -> &'static str {
    match method {
        FactorMethod::Totp => "totp",
        FactorMethod::Email => "email",
        _ => "password",
    }
}

/// The method that a form carries.
pub(crate) fn method(name: &str) -> FactorMethod {
    match name {
        "totp" => FactorMethod::Totp,
        "email" => FactorMethod::Email,
        _ => FactorMethod::Password,
    }
}

/// The field that asks for a proof.
pub(crate) fn input<'a>(method: FactorMethod, t: &'static Texts) -> Input<'a> {
    match method {
        FactorMethod::Totp => Input::code(t.code_step.code, Kind::Code, t.code_step.code_hint),
        FactorMethod::Email => Input::code(t.code_step.code, Kind::Digits, t.code_step.code_hint),
        _ => Input::new("password", t.sign_in.password, Kind::Password, "current-password"),
    }
}

/// The proof in a form; `None` where the field was left empty.
pub(crate) fn presented(method: FactorMethod, fields: &Fields<'_>) -> Option<PresentedFactor> {
    let (code, password) = match method {
        FactorMethod::Password => (None, Some(fields.password("password")?)),
        _ => (Some(fields.code("code")?), None),
    };
    Some(PresentedFactor { code, method: Some(method), password })
}

/// What is asked for at sign-in, in words.
pub(crate) fn lead(method: FactorMethod, t: &'static Texts) -> &'static str {
    match method {
        FactorMethod::Email => t.code_step.by_mail,
        _ => t.code_step.by_app,
    }
}

/// What is asked for before a way in is added, in words.
pub(crate) fn lead_of_confirmation(method: FactorMethod, t: &'static Texts) -> &'static str {
    match method {
        FactorMethod::Totp => t.confirm.lead_app,
        FactorMethod::Email => t.confirm.lead_mail,
        _ => t.confirm.lead_password,
    }
}

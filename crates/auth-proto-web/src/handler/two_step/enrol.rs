//! A new app: its secret, and its first code.

use auth_core::{ActionError, Answer, Enrolment, PresentedFactor};
use auth_pages::{Input, Kind};
use http::StatusCode;

use super::overview::{Draft, HERE, overview};
use crate::answer::page;
use crate::decode::next::Next;
use crate::encode::qr::Picture;
use crate::error::PageError;
use crate::form::{FormName, Opened};
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::view::{BackupCodes, Enrol};

/// Begins with a new app, and shows its secret.
pub(crate) async fn enrol(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required_for_factors(state, request).await?;
    let opened = signed_in.open(state, request, FormName::Enrol, HERE)?;
    signed_in.fresh(state, request, HERE)?;
    let factor = PresentedFactor::default();
    match state.services.enrol_device(&signed_in.caller(request, &factor)).await {
        Ok(enrolment) => picture(state, request, &signed_in, (&enrolment, next_of(&opened).as_ref()), ""),
        Err(ActionError::DeviceExists) => exists(state, request, &signed_in).await,
        Err(error) => Err(or_confirm(error)),
    }
}

/// Takes the first code of the new app, and shows the backup codes.
pub(crate) async fn confirm(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required_for_factors(state, request).await?;
    let opened = signed_in.open(state, request, FormName::ConfirmDevice, HERE)?;
    signed_in.fresh(state, request, HERE)?;
    let out_of_date = || PageError::OutOfDate { start: HERE };
    let secret = opened.token("secret").ok_or_else(out_of_date)?;
    let enrolment = Enrolment { secret, url: opened.token("url").ok_or_else(out_of_date)? };
    let next = next_of(&opened);
    let again = |error| picture(state, request, &signed_in, (&enrolment, next.as_ref()), error);
    let Some(code) = request.form().code("code") else {
        return again(t.two_step.missing);
    };
    if !opened.spend(state).await? {
        return Err(out_of_date());
    }
    let factor = PresentedFactor::default();
    match state.services.confirm_device(&signed_in.caller(request, &factor), &code).await {
        Ok(codes) => {
            let shell = signed_in.shell(state, request, HERE, false);
            let next = next.as_ref().map_or(HERE, Next::as_str);
            let view = BackupCodes { shell, t, notice: t.enrol.done, codes: &codes, next };
            Ok(page(state, StatusCode::OK, &view)?)
        }
        Err(ActionError::WrongCode) => again(t.enrol.wrong),
        Err(ActionError::DeviceExists) => exists(state, request, &signed_in).await,
        Err(ActionError::NoDevice) => Err(out_of_date()),
        Err(error) => Err(or_confirm(error)),
    }
}

/// The page to go on to, which a form carries.
pub(super) fn next_of(opened: &Opened) -> Option<Next> {
    opened.text("next").and_then(|next| Next::parse(&next))
}

/// What a service demands beyond a fresh session is confirmed like it.
fn or_confirm(error: ActionError) -> PageError {
    match error {
        ActionError::SecondFactorRequired(_) => PageError::ConfirmFirst { next: HERE },
        error => error.into(),
    }
}

async fn exists(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
) -> Result<Answer, PageError> {
    let draft =
        Draft { problem: request.texts.two_step.exists, status: StatusCode::CONFLICT, ..Draft::default() };
    overview(state, request, signed_in, draft).await
}

/// The page of the secret. Its form carries the secret, so that a wrong code leads to the same picture.
fn picture(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    (enrolment, next): (&Enrolment, Option<&Next>),
    error: &'static str,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let (secret, url) = (enrolment.secret.expose(), enrolment.url.expose());
    let view = Enrol {
        shell: signed_in.shell(state, request, HERE, !error.is_empty()),
        t,
        picture: Picture::of(url),
        url,
        secret: &in_groups(secret),
        form: signed_in.seal(
            state,
            FormName::ConfirmDevice,
            &[("secret", secret), ("url", url), ("next", next.map_or("", Next::as_str))],
        ),
        code: Input::code(t.enrol.code, Kind::Digits, t.enrol.code_hint).error(error),
    };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::FORBIDDEN };
    Ok(page(state, status, &view)?)
}

/// A text in groups of four characters.
fn in_groups(text: &str) -> String {
    let mut grouped = String::new();
    for (at, character) in text.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_read_out_in_groups_of_four() {
        for (text, grouped) in [("", ""), ("ABCD", "ABCD"), ("ABCDE", "ABCD E"), ("ABCDEFGH", "ABCD EFGH")] {
            assert_eq!(in_groups(text), grouped);
        }
    }
}

//! What the account has, new backup codes, and the removal of the app.

use auth_core::{ActionError, Answer, FactorMethod, PresentedFactor};
use auth_pages::{Input, Kind};
use http::StatusCode;

use crate::answer::page;
use crate::decode::next::Next;
use crate::encode::moment::Moment;
use crate::error::PageError;
use crate::form::FormName;
use crate::notice::{self, Notice};
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::text::{Texts, fill};
use crate::view::{BackupCodes, TwoStep};

/// Where this page is.
pub(super) const HERE: &str = "/account/two-step";

/// What is shown of an act that failed.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) problem: &'static str,
    pub(super) renew_error: &'static str,
    pub(super) remove_error: &'static str,
    /// The page to go on to once there is a factor.
    pub(super) next: Option<Next>,
    pub(super) status: StatusCode,
}

/// Shows what the account has.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required_for_factors(state, request).await?;
    let next = request.query().text("next").and_then(|next| Next::parse(&next));
    overview(state, request, &signed_in, Draft { next, ..Draft::default() }).await
}

/// Makes new backup codes for a code of the app.
pub(crate) async fn renew(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required_for_factors(state, request).await?;
    let fields = request.form();
    signed_in.open(state, request, FormName::RenewCodes, HERE)?;
    let wrong = |renew_error| Draft { renew_error, status: StatusCode::FORBIDDEN, ..Draft::default() };
    let Some(code) = fields.code("code") else {
        return overview(state, request, &signed_in, wrong(t.two_step.missing)).await;
    };
    let presented = presented(&code);
    match state.services.renew_backup_codes(&signed_in.caller(request, &presented), &code).await {
        Ok(codes) => {
            let view = BackupCodes {
                shell: signed_in.shell(state, request, HERE, false),
                t,
                notice: "",
                codes: &codes,
                next: HERE,
            };
            Ok(page(state, StatusCode::OK, &view)?)
        }
        Err(error) => {
            let draft = wrong(told(error, t)?);
            overview(state, request, &signed_in, draft).await
        }
    }
}

/// Removes the app for one of its codes.
pub(crate) async fn remove(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required_for_factors(state, request).await?;
    let fields = request.form();
    signed_in.open(state, request, FormName::RemoveDevice, HERE)?;
    let wrong = |remove_error| Draft { remove_error, status: StatusCode::FORBIDDEN, ..Draft::default() };
    let Some(code) = fields.code("code") else {
        return overview(state, request, &signed_in, wrong(t.two_step.missing)).await;
    };
    let presented = presented(&code);
    let draft = match state.services.remove_device(&signed_in.caller(request, &presented), &code).await {
        Ok(true) => return Ok(notice::lead(state, &signed_in, HERE, Notice::DeviceRemoved)),
        Ok(false) => wrong(t.two_step.wrong),
        Err(error) => wrong(told(error, t)?),
    };
    overview(state, request, &signed_in, draft).await
}

/// Keeps the app that a help desk was asked to remove.
pub(crate) async fn keep(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required_for_factors(state, request).await?;
    signed_in.open(state, request, FormName::KeepDevice, HERE)?;
    let factor = PresentedFactor::default();
    state.services.keep_device(&signed_in.caller(request, &factor)).await?;
    Ok(notice::lead(state, &signed_in, HERE, Notice::DeviceKept))
}

/// The code as the factor that is asked for, too: it is one.
fn presented(code: &auth_core::OneTimeCode) -> PresentedFactor {
    PresentedFactor { code: Some(code.clone()), method: Some(FactorMethod::Totp), password: None }
}

/// What a refused code is told.
fn told(error: ActionError, t: &'static Texts) -> Result<&'static str, PageError> {
    match error {
        ActionError::WrongCode
        | ActionError::SecondFactorInvalid(_)
        | ActionError::SecondFactorRequired(_) => Ok(t.two_step.wrong),
        ActionError::SecondFactorExhausted(_) => Ok(t.sign_in.exhausted),
        ActionError::NoDevice => Ok(t.two_step.none),
        error => Err(error.into()),
    }
}

/// The page of what the account has.
pub(super) async fn overview(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    draft: Draft,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let profile = &signed_in.principal.profile;
    let factor = PresentedFactor::default();
    let caller = signed_in.caller(request, &factor);
    let (left, removal) = match profile.totp {
        true => {
            (state.services.backup_codes_left(&caller).await?, state.services.device_removal(&caller).await?)
        }
        false => (0, None),
    };
    let mailed = profile.user.email_second_factor;
    let next = draft.next.as_ref().map_or("", Next::as_str);
    let code = |id, error| Input { id, ..Input::code(t.two_step.code, Kind::Digits, "").error(error) };
    let view = TwoStep {
        shell: signed_in.shell(state, request, HERE, draft.status != StatusCode::OK),
        t,
        notice: notice::shown(state, request, signed_in),
        problem: draft.problem,
        is_due: profile.lacks_second_factor(),
        has_totp: profile.totp,
        codes_left: match left {
            1 => t.two_step.codes_left_one.to_owned(),
            _ => fill(t.two_step.codes_left, &[&left.to_string()]),
        },
        has_mailed_codes: mailed,
        can_mail: mailed || profile.user.email().is_some_and(|email| email.verified),
        enrol: signed_in.seal(state, FormName::Enrol, &[("next", next)]),
        renew: signed_in.seal(state, FormName::RenewCodes, &[]),
        renew_code: code("renew-code", draft.renew_error),
        removal: removal.map_or_else(String::new, |until| {
            fill(t.two_step.removal_lead, &[&Moment::new(until, &t.months).shown])
        }),
        keep: signed_in.seal(state, FormName::KeepDevice, &[]),
        remove: signed_in.seal(state, FormName::RemoveDevice, &[]),
        remove_code: code("remove-code", draft.remove_error),
        mail: signed_in.seal(
            state,
            FormName::MailedCodes,
            &[("on", if mailed { "no" } else { "yes" }), ("next", next)],
        ),
    };
    Ok(page(state, draft.status, &view)?)
}

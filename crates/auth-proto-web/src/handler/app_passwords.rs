//! `/account/app-passwords`: passwords for programs.

use std::time::Duration;

use auth_core::{ActionError, Answer, CredentialKind, NewAppPassword as New, PresentedFactor, ProtocolName};
use auth_pages::{Input, Kind};
use http::StatusCode;

use super::sessions::end_named;
use crate::answer::page;
use crate::error::PageError;
use crate::form::FormName;
use crate::notice::{self, Notice};
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::text::Texts;
use crate::view::{AppPasswords, Choice, Make, NewAppPassword, Row, protocol};

/// Where this page is.
const HERE: &str = "/account/app-passwords";

/// How many days an app password may be good; none is for ever.
const DAYS: [Option<u64>; 4] = [None, Some(30), Some(90), Some(365)];

/// What is shown of an attempt that failed.
#[derive(Debug, Default)]
struct Draft {
    name: String,
    protocols: Vec<ProtocolName>,
    days: Option<u64>,
    problem: &'static str,
    name_error: &'static str,
    status: StatusCode,
}

/// Lists the app passwords.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required(state, request).await?;
    list(state, request, &signed_in, Draft::default()).await
}

/// Makes an app password, and shows it once.
pub(crate) async fn make(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required(state, request).await?;
    let opened = signed_in.open(state, request, FormName::MakeAppPassword, HERE)?;
    signed_in.fresh(state, request, HERE)?;
    let fields = request.form();
    let asked: Vec<_> = fields.all("protocol").filter_map(|name| ProtocolName::from_name(&name)).collect();
    let known = state.config.app_password_protocols.iter().copied();
    let days = fields.text("ends").and_then(|days| days.parse().ok());
    let draft = Draft {
        name: fields.text("name").unwrap_or_default().trim().to_owned(),
        protocols: known.filter(|name| asked.contains(name)).collect(),
        days: days.filter(|days| DAYS.contains(&Some(*days))),
        status: StatusCode::UNPROCESSABLE_ENTITY,
        ..Draft::default()
    };
    if draft.name.is_empty() {
        let draft = Draft { name_error: t.app_passwords.no_name, ..draft };
        return list(state, request, &signed_in, draft).await;
    }
    if !opened.spend(state).await? {
        return Err(PageError::OutOfDate { start: HERE });
    }
    let day = Duration::from_secs(24 * 3600);
    let lifetime = draft.days.and_then(|days| day.checked_mul(u32::try_from(days).ok()?));
    let expires = lifetime.map(|lifetime| state.services.now() + lifetime);
    let new = New { name: &draft.name, protocols: &draft.protocols, expires };
    let factor = PresentedFactor::default();
    let draft = match state.services.create_app_password(&signed_in.caller(request, &factor), &new).await {
        Ok(password) => {
            let view = NewAppPassword {
                shell: signed_in.shell(state, request, HERE, false),
                t,
                name: &draft.name,
                login_name: signed_in.login_name(),
                password: &password,
            };
            return Ok(page(state, StatusCode::OK, &view)?);
        }
        Err(ActionError::BadTokenName) => Draft { name_error: t.app_passwords.bad_name, ..draft },
        Err(ActionError::TokenExists) => Draft { name_error: t.app_passwords.taken, ..draft },
        Err(ActionError::TooManyTokens) => Draft { problem: t.app_passwords.too_many, ..draft },
        Err(ActionError::SecondFactorRequired(_)) => return Err(PageError::ConfirmFirst { next: HERE }),
        Err(error) => return Err(error.into()),
    };
    list(state, request, &signed_in, draft).await
}

/// Revokes an app password.
pub(crate) async fn revoke(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required(state, request).await?;
    signed_in.open(state, request, FormName::RevokeAppPassword, HERE)?;
    end_named(state, request, &signed_in).await?;
    Ok(notice::lead(state, &signed_in, HERE, Notice::AppPasswordRevoked))
}

async fn list(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    draft: Draft,
) -> Result<Answer, PageError> {
    let t = request.texts;
    let factor = PresentedFactor::default();
    let credentials = state.services.own_credentials(&signed_in.caller(request, &factor)).await?;
    let app_passwords = credentials.iter().filter(|found| found.kind == CredentialKind::APP_PASSWORD);
    let view = AppPasswords {
        shell: signed_in.shell(state, request, HERE, draft.status != StatusCode::OK),
        t,
        notice: notice::shown(state, request, signed_in),
        problem: draft.problem,
        rows: app_passwords.map(|found| Row::new(found, t)).collect(),
        revoke: signed_in.seal(state, FormName::RevokeAppPassword, &[]),
        make: signed_in.is_fresh(state, request).then(|| Make {
            form: signed_in.seal(state, FormName::MakeAppPassword, &[]),
            name: Input::new("name", t.app_passwords.name, Kind::Text, "off")
                .hint(t.app_passwords.name_hint)
                .value(&draft.name)
                .error(draft.name_error)
                .problem(draft.problem),
            protocols: protocols(state, t, &draft),
            ends: ends(t, &draft),
        }),
    };
    Ok(page(state, draft.status, &view)?)
}

/// The protocols to choose from.
fn protocols(state: &WebProtocol, t: &'static Texts, draft: &Draft) -> Vec<Choice> {
    let choice = |name: &ProtocolName| Choice {
        value: name.to_string(),
        label: protocol(name, t).to_owned(),
        is_chosen: draft.protocols.contains(name),
    };
    state.config.app_password_protocols.iter().map(choice).collect()
}

/// The ends to choose from.
fn ends(t: &'static Texts, draft: &Draft) -> Vec<Choice> {
    let labels =
        [t.app_passwords.never, t.app_passwords.month, t.app_passwords.quarter, t.app_passwords.year];
    let choice = |(days, label): (Option<u64>, &str)| Choice {
        value: days.map(|days| days.to_string()).unwrap_or_default(),
        label: label.to_owned(),
        is_chosen: draft.days == days,
    };
    DAYS.into_iter().zip(labels).map(choice).collect()
}

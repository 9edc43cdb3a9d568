//! `/account/sessions`: everything that the account is signed in with.

use auth_core::{ActionError, Answer, CredentialId, PresentedFactor};
use http::StatusCode;

use crate::answer::page;
use crate::error::PageError;
use crate::form::FormName;
use crate::notice::{self, Notice};
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::view::{Row, Sessions};

/// Where this page is.
const HERE: &str = "/account/sessions";

/// Lists everything.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let t = request.texts;
    let signed_in = session::required(state, request).await?;
    let factor = PresentedFactor::default();
    let credentials = state.services.own_credentials(&signed_in.caller(request, &factor)).await?;
    let view = Sessions {
        shell: signed_in.shell(state, request, HERE, false),
        t,
        notice: notice::shown(state, request, &signed_in),
        rows: credentials.iter().map(|credential| Row::new(credential, t)).collect(),
        end: signed_in.seal(state, FormName::EndCredential, &[]),
        end_others: signed_in.seal(state, FormName::EndOthers, &[]),
    };
    Ok(page(state, StatusCode::OK, &view)?)
}

/// Ends one of them.
pub(crate) async fn end(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required(state, request).await?;
    signed_in.open(state, request, FormName::EndCredential, HERE)?;
    end_named(state, request, &signed_in).await?;
    Ok(notice::lead(state, &signed_in, HERE, Notice::CredentialEnded))
}

/// Ends the credential that a form names. What is gone already has ended.
pub(super) async fn end_named(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
) -> Result<(), PageError> {
    let id =
        request.form().text("id").and_then(|id| id.parse::<CredentialId>().ok()).ok_or(PageError::Refused)?;
    let factor = PresentedFactor::default();
    match state.services.end_credential(&signed_in.caller(request, &factor), id).await {
        Ok(()) | Err(ActionError::NoSuchToken) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Ends all but the session that came along.
pub(crate) async fn end_others(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::required(state, request).await?;
    signed_in.open(state, request, FormName::EndOthers, HERE)?;
    let factor = PresentedFactor::default();
    state.services.end_other_sessions(&signed_in.caller(request, &factor)).await?;
    Ok(notice::lead(state, &signed_in, HERE, Notice::OthersEnded))
}

//! `/account/zulip`: the API key, and the file that holds it.

use auth_core::{ActionError, Answer, ApiKey, PresentedFactor, is_control};
use http::StatusCode;

use crate::answer::{download, page};
use crate::error::PageError;
use crate::form::FormName;
use crate::request::Request;
use crate::session::{self, SignedIn};
use crate::state::WebProtocol;
use crate::view::Zulip;

/// Where this page is.
const HERE: &str = "/account/zulip";

/// Shows the page without the key.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let site = site(state)?;
    let signed_in = session::required(state, request).await?;
    view(state, request, &signed_in, site, None, "")
}

/// Shows the page with the key.
pub(crate) async fn show_key(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let site = site(state)?;
    let signed_in = judged(state, request, FormName::ShowKey).await?;
    let key = key(state, request, &signed_in).await?;
    view(state, request, &signed_in, site, Some(key), "")
}

/// Makes a new key, and shows it.
pub(crate) async fn regenerate(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let site = site(state)?;
    let signed_in = judged(state, request, FormName::RegenerateKey).await?;
    let factor = PresentedFactor::default();
    let made = state.services.regenerate_api_key(&signed_in.caller(request, &factor)).await;
    let key = made.map_err(or_confirm)?;
    view(state, request, &signed_in, site, Some(key), request.texts.zulip.regenerated)
}

/// Gives the file from which programs read the key.
pub(crate) async fn zuliprc(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let site = site(state)?;
    let signed_in = judged(state, request, FormName::Zuliprc).await?;
    let address = signed_in.user().email().map(|email| email.address.to_owned());
    // A line end in an address would begin another setting.
    let address = address.filter(|address| !address.contains(is_control)).ok_or(PageError::Refused)?;
    let key = key(state, request, &signed_in).await?;
    Ok(download(state, "zuliprc", format!("[api]\nemail={address}\nkey={}\nsite={site}\n", key.expose())))
}

/// Zulip's address.
fn site(state: &WebProtocol) -> Result<&str, PageError> {
    state.config.zulip_url.as_deref().ok_or(PageError::NotFound)
}

/// The sender of a form of this page, who has shown of late who is there.
async fn judged(state: &WebProtocol, request: &Request<'_>, name: FormName) -> Result<SignedIn, PageError> {
    let signed_in = session::required(state, request).await?;
    signed_in.open(state, request, name, HERE)?;
    signed_in.fresh(state, request, HERE)?;
    Ok(signed_in)
}

async fn key(state: &WebProtocol, request: &Request<'_>, signed_in: &SignedIn) -> Result<ApiKey, PageError> {
    let factor = PresentedFactor::default();
    state.services.api_key(&signed_in.caller(request, &factor)).await.map_err(or_confirm)
}

fn or_confirm(error: ActionError) -> PageError {
    match error {
        ActionError::SecondFactorRequired(_) => PageError::ConfirmFirst { next: HERE },
        error => error.into(),
    }
}

fn view(
    state: &WebProtocol,
    request: &Request<'_>,
    signed_in: &SignedIn,
    site: &str,
    key: Option<ApiKey>,
    notice: &'static str,
) -> Result<Answer, PageError> {
    let view = Zulip {
        shell: signed_in.shell(state, request, HERE, false),
        t: request.texts,
        notice,
        site,
        address: signed_in.user().email().map(|email| email.address),
        key,
        show: signed_in.seal(state, FormName::ShowKey, &[]),
        zuliprc: signed_in.seal(state, FormName::Zuliprc, &[]),
        regenerate: signed_in.seal(state, FormName::RegenerateKey, &[]),
    };
    Ok(page(state, StatusCode::OK, &view)?)
}

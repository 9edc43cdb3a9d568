//! `/`: what this is, and the way in.

use auth_core::Answer;
use http::StatusCode;

use crate::answer::page;
use crate::error::PageError;
use crate::request::Request;
use crate::session;
use crate::state::WebProtocol;
use crate::view::Front;

/// Shows the front page.
pub(crate) async fn show(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    let signed_in = session::find(state, request).await?;
    let view = Front {
        shell: match &signed_in {
            Some(signed_in) => signed_in.shell(state, request, "/", false),
            None => state.look.shell(None, false),
        },
        t: request.texts,
        organisation: request.organisation(),
        is_signed_in: signed_in.is_some(),
        can_reset: state.config.password_reset,
        demo: state.config.demo.as_ref(),
    };
    Ok(page(state, StatusCode::OK, &view)?)
}

//! `/sign-out`: ends the session.

use auth_core::Answer;

use crate::answer::{redirect, set_cookie};
use crate::decode::cookies::SESSION;
use crate::encode::cookie;
use crate::error::PageError;
use crate::form::FormName;
use crate::request::Request;
use crate::session;
use crate::state::WebProtocol;

/// Ends the session that came along, and takes its cookie away.
pub(crate) async fn submit(state: &WebProtocol, request: &Request<'_>) -> Result<Answer, PageError> {
    if let Some(signed_in) = session::find(state, request).await? {
        signed_in.open(state, request, FormName::SignOut, "/account")?;
        state.services.revoke(&signed_in.principal).await?;
    }
    let mut answer = redirect(state, "/");
    set_cookie(&mut answer, cookie::removed(SESSION));
    Ok(answer)
}

//! `/accounts/login/jwt/`: a browser logs in by a JSON web token in which another system names the user.

use auth_core::{Answer, LoginMethod, Token};

use super::external::{self, External};
use super::pad::Flow;
use crate::decode::assertion::email_of;
use crate::error::PageError;
use crate::exact::ASSERTION_FROM_OTHER_SITES;
use crate::state::ZulipProtocol;
use crate::visit::Visit;

/// Gives the browser a session. Neither a pad nor `next` is looked at.
///
/// No form of this server sends the token, so that no form's token can come along: what tells that a page of another site had
/// the browser send it is the browser itself.
pub(super) async fn log_in(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let is_from_elsewhere = visit.request.header("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if is_from_elsewhere && !state.config.exact.has(ASSERTION_FROM_OTHER_SITES) {
        return Err(PageError::Forbidden);
    }
    let token = visit.request.parameters.get("token").unwrap_or_default();
    let address = email_of(token).unwrap_or_default();
    let external = External {
        flow: Flow::Browser,
        address: &address,
        target: visit.url(),
        here: "/accounts/login/jwt/",
    };
    external::log_in(state, visit, LoginMethod::Assertion(Token::new(token)), external).await
}

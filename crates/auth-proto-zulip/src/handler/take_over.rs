//! `/accounts/login/subdomain/TOKEN`: a login goes on here that began in another browser, or at another host.

use auth_core::{
    Answer, CredentialKind, GrantKind, LoginAttempt, LoginError, LoginMethod, ProtocolName, SecondStep, Token,
};

use super::external::give_session;
use crate::decode::basic::looks_like_key;
use crate::encode::response::redirect;
use crate::error::{ApiError, PageError};
use crate::request::Request;
use crate::state::ZulipProtocol;
use crate::visit::Visit;

const OTHER_REALM: ApiError = ApiError::BadRequest("Invalid subdomain");

/// Judges the token where no pages are served, so that none is ever given out.
pub(crate) fn refuse(request: &Request<'_>) -> ApiError {
    if looks_like_key(token(request)) { ApiError::UnknownSession } else { ApiError::MalformedSession }
}

/// Turns the token into a session. It is used up, also at the host of another realm.
pub(super) async fn go_on(state: &ZulipProtocol, visit: &Visit<'_>) -> Result<Answer, PageError> {
    let token = token(visit.request);
    if !looks_like_key(token) {
        return Err(ApiError::MalformedSession.into());
    }
    let reply = state.services.log_in(LoginAttempt {
        protocol: ProtocolName::ZULIP,
        realm: visit.realm.clone(),
        method: LoginMethod::Handover(Token::new(token)),
        // Whoever got the token had shown the second factor.
        second_step: SecondStep::NotOffered,
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        peer: visit.request.peer.clone(),
    });
    let reply = reply.await;
    let login = reply.result.map_err(|error| match error {
        LoginError::Internal(error) => error.into(),
        LoginError::OtherRealm => OTHER_REALM.into(),
        LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
            PageError::Limited { retry_after }
        }
        _ => PageError::LoginOver,
    })?;
    let mut answer = redirect(visit.url()).into();
    give_session(state, visit, &mut answer, &login.grant).await?;
    Ok(answer)
}

/// The last part of a path.
fn token<'a>(request: &'a Request<'_>) -> &'a str {
    request.http.uri().path().rsplit('/').next().unwrap_or_default()
}

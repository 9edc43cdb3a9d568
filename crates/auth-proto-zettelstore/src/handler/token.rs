//! `/a`: POST logs in, PUT renews a token.

use auth_core::{
    Answer, CredentialCheck, Grant, GrantKind, Identifier, InternalError, LoginAttempt, LoginMethod,
    LoginReply, ProtocolName, SecondStep, SecretInput,
};

use crate::decode::Credentials;
use crate::decode::{login, token};
use crate::encode::answer;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZettelstoreProtocol;

/// Logs in. A request without a user name is refused at once; the services are not asked.
pub(crate) async fn log_in(state: &ZettelstoreProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    if !state.config.authentication {
        return Ok(answer::free_access(state.config.answer).into());
    }
    let Credentials { user_name, password } =
        login::credentials(request.http)?.ok_or(ApiError::LoginRefused)?;
    let attempt = LoginAttempt {
        protocol: ProtocolName::ZETTELSTORE,
        realm: state.realm().await?.ok_or(ApiError::LoginRefused)?,
        method: LoginMethod::Password {
            who: Identifier::user_name(user_name),
            secret: SecretInput::Password(password),
        },
        second_step: SecondStep::NotOffered,
        grant: GrantKind::SignedToken(state.config.answer.token_form()),
        peer: request.peer.clone(),
    };
    let LoginReply { result, not_before, .. } = state.services.log_in(attempt).await;
    let mut answer = match result {
        Ok(login) => granted(state, &login.grant)?,
        Err(error) => ApiError::from(error).into_answer(),
    };
    answer.not_before = not_before;
    Ok(answer)
}

/// Renews the token that the request presents. Names and passwords count for nothing here.
pub(crate) async fn renew(state: &ZettelstoreProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    if !state.config.authentication {
        return Ok(answer::free_access(state.config.answer).into());
    }
    let check = credential_check(state, request).await?.ok_or(ApiError::NotRenewed)?;
    let renewed = state.services.renew(check, state.config.answer.token_form()).await;
    let grant = renewed.map_err(ApiError::of_renewal)?;
    Ok(granted(state, &grant)?)
}

/// The check of the token that a request presents; `None` for a request without a token, and where nobody can have one.
pub(crate) async fn credential_check(
    state: &ZettelstoreProtocol,
    request: &Request<'_>,
) -> Result<Option<CredentialCheck>, InternalError> {
    let Some(credential) = token::presented(request.http.headers()) else {
        return Ok(None);
    };
    let Some(realm) = state.realm().await? else {
        return Ok(None);
    };
    Ok(Some(CredentialCheck {
        protocol: ProtocolName::ZETTELSTORE,
        realm: Some(realm),
        credential,
        peer: request.peer.clone(),
    }))
}

fn granted(state: &ZettelstoreProtocol, grant: &Grant) -> Result<Answer, InternalError> {
    match grant {
        Grant::SignedToken { token, lifetime } => {
            Ok(answer::token(state.config.answer, token, *lifetime).into())
        }
        _ => Err(InternalError::defect("a Zettelstore login was granted something else than a signed token")),
    }
}

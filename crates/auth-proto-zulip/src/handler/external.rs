//! How a login ends that another system vouches for: in a session, at a mobile app, or at the desktop program.

use auth_core::{
    Answer, CredentialKind, Grant, GrantKind, InternalError, Login, LoginAttempt, LoginError, LoginMethod,
    LoginReply, ProtocolName, SecondStep,
};
use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;

use super::pad::{DESKTOP, Flow, INVALID};
use super::{flow, log_in, login, set_up, sign_in};
use crate::desktop_key::{DesktopKey, NONCE};
use crate::encode::response::{redirect, to_known_user};
use crate::error::PageError;
use crate::exact::{EXTERNAL_LOGIN_WITHOUT_FACTOR, MOBILE_FLOW_WITHOUT_ASKING};
use crate::state::ZulipProtocol;
use crate::view::{DesktopToken, NoAccount};
use crate::visit::Visit;

/// A login for which another system vouches.
#[derive(Clone, Copy, Debug)]
pub(super) struct External<'a> {
    /// For whom the browser asks.
    pub(super) flow: Flow<'a>,
    /// The address of the user, where it is known.
    pub(super) address: &'a str,
    /// Where the browser is led to in a session.
    pub(super) target: &'a str,
    /// The path at which the login begins anew.
    pub(super) here: &'static str,
}

/// Logs in, and ends the flow.
pub(super) async fn log_in(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    method: LoginMethod,
    external: External<'_>,
) -> Result<Answer, PageError> {
    let assertion = match &method {
        LoginMethod::Assertion(token) => Some(token.clone()),
        _ => None,
    };
    let attempt = LoginAttempt {
        protocol: ProtocolName::ZULIP,
        realm: visit.realm.clone(),
        method: method.clone(),
        second_step: second_step(state, visit, external.address),
        grant: grant(state, external.flow),
        peer: visit.request.peer.clone(),
    };
    let LoginReply { result, not_before, .. } = state.services.log_in(attempt).await;
    let t = &visit.t.log_in;
    let answer = match result {
        Ok(login) if login.profile.lacks_second_factor() && !is_session(&login.grant, external.flow) => {
            // The app gets nothing yet. Its browser gets a session, with which a second factor is set up.
            let target = external.after_factor();
            let external = External { flow: Flow::Browser, target: &target, ..external };
            return Box::pin(log_in(state, visit, method, external)).await;
        }
        Ok(login) => end(state, visit, &login, external).await?,
        Err(LoginError::Internal(error)) => return Err(error.into()),
        Err(LoginError::SecondFactorRequired(challenge)) => {
            let again = sign_in::second_factor(challenge, "");
            log_in::form_to(state, visit, &again, &external.after_factor())?
        }
        Err(LoginError::SecondFactorExhausted(challenge)) => {
            let again = sign_in::second_factor(challenge, t.exhausted);
            log_in::form_to(state, visit, &again, &external.after_factor())?
        }
        Err(LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after }) => {
            return Err(PageError::Limited { retry_after });
        }
        Err(
            error @ (LoginError::AssertionDisabled
            | LoginError::AssertionInvalid
            | LoginError::AssertionMalformed
            | LoginError::AssertionWithoutSubject),
        ) => {
            let token = assertion.as_ref().map(|token| token.expose()).unwrap_or_default();
            return Err(login::assertion_error(state, error, token).into());
        }
        // Neither system says whether the account is deactivated, or is not there.
        Err(_) => no_account(state, visit, external.address)?,
    };
    Ok(Answer { not_before: answer.not_before.max(not_before), ..answer })
}

impl External<'_> {
    /// Where a browser goes on that has shown a second factor.
    fn after_factor(&self) -> String {
        match self.flow {
            Flow::Browser => self.target.to_owned(),
            Flow::Mobile(pad) => flow::with_pad(pad),
            Flow::Desktop(pad) => format!("{}?{DESKTOP}={pad}", self.here),
        }
    }
}

/// What a login is for. A mobile app gets its key from a page that asks, for which there is to be a session.
fn grant(state: &ZulipProtocol, flow: Flow<'_>) -> GrantKind {
    match flow {
        Flow::Mobile(_) if state.config.exact.has(MOBILE_FLOW_WITHOUT_ASKING) => GrantKind::ApiKey,
        Flow::Browser | Flow::Mobile(_) => GrantKind::Token(CredentialKind::WEB_SESSION),
        Flow::Desktop(_) => GrantKind::Token(CredentialKind::HANDOVER),
    }
}

/// Whether a browser got a session, rather than an app its key or its token.
fn is_session(grant: &Grant, flow: Flow<'_>) -> bool {
    matches!(grant, Grant::Token { .. }) && !matches!(flow, Flow::Desktop(_))
}

/// Whether a second factor is asked for: not of whoever is signed in here to the same account, and has shown it a short time
/// ago.
fn second_step(state: &ZulipProtocol, visit: &Visit<'_>, address: &str) -> SecondStep {
    let factor = Default::default();
    let has_shown = visit.browser.signed_in().is_some_and(|signed_in| {
        let own = signed_in.user().email();
        own.is_some_and(|own| auth_core::fold(own.address) == auth_core::fold(address))
            && state.services.is_fresh(&signed_in.caller(visit.request, &factor))
    });
    if has_shown || state.config.exact.has(EXTERNAL_LOGIN_WITHOUT_FACTOR) {
        SecondStep::NotOffered
    } else {
        SecondStep::Offered(None)
    }
}

async fn end(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    login: &Login,
    external: External<'_>,
) -> Result<Answer, PageError> {
    match (external.flow, &login.grant) {
        (Flow::Mobile(pad), Grant::ApiKey(key)) => {
            let user = &login.profile.user;
            let address = user.email().map(|email| email.address).unwrap_or_default();
            let number = user.external_number(ProtocolName::ZULIP);
            let mut answer = flow::to_app(pad, key, address, number, visit.url())?;
            to_known_user(answer.response.headers_mut());
            Ok(answer)
        }
        (Flow::Desktop(pad), Grant::Token { token, .. }) => {
            let nonce = nonce(state)?;
            let key = DesktopKey::parse(pad).map_err(|_| INVALID)?;
            let sealed = key.seal(nonce, token.expose());
            let data =
                sealed.ok_or_else(|| InternalError::defect("a token that is too long to be sealed"))?;
            let script = &state.scripts.token.path;
            visit.page_with_script(
                state,
                &DesktopToken { shell: visit.shell(state), t: visit.t, data, script },
            )
        }
        (flow, grant) => {
            let target = match flow {
                Flow::Mobile(pad) => flow::with_pad(pad),
                _ => external.target.to_owned(),
            };
            if let Some(answer) = set_up::lead(state, visit, login, &target).await? {
                return Ok(answer);
            }
            let mut answer = redirect(&target).into();
            give_session(state, visit, &mut answer, grant).await?;
            Ok(answer)
        }
    }
}

/// Gives a browser the session that a login granted, in place of the one that it has.
pub(super) async fn give_session(
    state: &ZulipProtocol,
    visit: &Visit<'_>,
    answer: &mut Answer,
    grant: &Grant,
) -> Result<(), InternalError> {
    let Grant::Token { token, .. } = grant else {
        return Err(InternalError::defect("a sign-in was granted something else than a token"));
    };
    if let Some(before) = visit.browser.signed_in() {
        state.services.revoke(&before.principal).await?;
    }
    visit.browser.sign_in(state, answer, token);
    Ok(())
}

/// Tells that there is no account, for whoever has one of another address.
fn no_account(state: &ZulipProtocol, visit: &Visit<'_>, address: &str) -> Result<Answer, PageError> {
    let view = NoAccount { shell: visit.shell(state), t: visit.t, address };
    visit.page(state, StatusCode::OK, &view)
}

/// A random nonce: 16 symbols of six bits each.
fn nonce(state: &ZulipProtocol) -> Result<[u8; NONCE], InternalError> {
    let token = state.services.new_token();
    let text = token.expose();
    let symbols = text.get(text.len().saturating_sub(NONCE / 3 * 4)..).unwrap_or_default();
    let bytes = BASE64URL_NOPAD.decode(symbols.as_bytes()).ok();
    let nonce = bytes.and_then(|bytes| bytes.try_into().ok());
    nonce.ok_or_else(|| InternalError::defect("a random token is no base64"))
}

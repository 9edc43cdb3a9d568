//! `PATCH settings`: what users change about their own accounts. Parameters that a login server keeps nothing of are passed
//! over, as the real server passes over those that it doesn't know.

use std::sync::Arc;

use auth_core::{
    ActionError, Answer, Caller, CredentialKind, FactorMethod, GrantKind, Identifier, LoginAttempt,
    LoginError, LoginMethod, NameKind, OwnChange, Password, PresentedFactor, Principal, ProtocolName,
    SecondStep, SecretInput,
};

use crate::encode::response::{Success, ok, rate_limit};
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZulipProtocol;

const BOT: ApiError = ApiError::BadRequest("This endpoint does not accept bot requests.");
const OF_DIRECTORY: ApiError = ApiError::BadRequest("Your Zulip password is managed in LDAP");
const WRONG_PASSWORD: ApiError = ApiError::BadRequest("Wrong password!");
const WEAK_PASSWORD: ApiError = ApiError::BadRequest("New password is too weak!");
const BAD_ADDRESS: ApiError = ApiError::BadRequest("Enter a valid email address.");
const LONG_NAME: ApiError = ApiError::BadRequest("Name too long!");
const SHORT_NAME: ApiError = ApiError::BadRequest("Name too short!");
const BAD_NAME: ApiError = ApiError::BadRequest("Invalid characters in name!");

/// The characters of a display name.
const NAME_LENGTHS: std::ops::RangeInclusive<usize> = 2..=100;

/// Characters that have a meaning where Zulip's messages mention a user.
const NO_NAME: [char; 6] = ['*', '`', '\\', '>', '"', '@'];

/// Changes the password, the display name and the address of the caller. An address is asked for the present password too,
/// since whoever has it can set the password anew.
pub(super) async fn change(
    state: &ZulipProtocol,
    request: &Request<'_>,
    principal: &Principal,
) -> Result<Answer, ApiError> {
    let user = &principal.profile.user;
    if user.bot.is_some() {
        return Err(BOT);
    }
    let parameters = &request.parameters;
    let new = parameters.in_body("new_password").map(Password::new);
    let own_address = user.email().map(|email| email.address);
    let address = parameters.in_body("email").map(str::trim).filter(|address| Some(*address) != own_address);
    let full_name = parameters.in_body("full_name").map(str::trim).filter(|name| *name != user.full_name);
    if user.name(NameKind::Directory).is_some() && (new.is_some() || address.is_some()) {
        return Err(OF_DIRECTORY);
    }
    let old = Password::new(parameters.in_body("old_password").unwrap_or_default());
    let mut proof = None;
    if new.is_some() || address.is_some() {
        let (answer, is_right) = prove(state, request, principal, &old).await;
        if !is_right {
            return Ok(answer);
        }
        proof = Some(answer);
    }
    if let Some(name) = full_name {
        check_name(name)?;
    }
    let factor = PresentedFactor { code: None, method: Some(FactorMethod::Password), password: Some(old) };
    let caller = Caller { principal, peer: request.peer, protocol: ProtocolName::ZULIP, factor: &factor };
    let change = OwnChange { full_name, address, password: new.as_ref(), ..OwnChange::default() };
    let changed = if change.is_empty() {
        Ok(())
    } else {
        state.services.change_own_account(&caller, &change).await.map(drop)
    };
    let mut answer = match changed {
        // The real server takes the same password again.
        Ok(()) | Err(ActionError::SamePassword) => ok(&Success::EMPTY).into(),
        Err(error) => refusal(error).into_answer(&state.config),
    };
    if let Some(proof) = proof {
        // The limit of logins, which the present password counted against, is the one that is told.
        for (name, value) in proof.response.headers() {
            answer.response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        answer.not_before = proof.not_before;
    }
    Ok(answer)
}

/// Judges the present password as a log-in: the same limits, the same log. Gives the refusal, or an empty answer with the
/// status of the limit.
async fn prove(
    state: &ZulipProtocol,
    request: &Request<'_>,
    principal: &Principal,
    old: &Password,
) -> (Answer, bool) {
    if principal.kind == Some(CredentialKind::WEB_SESSION) {
        return prove_in_session(state, request, principal, old).await;
    }
    let address = principal.profile.user.email().map(|email| email.address).unwrap_or_default();
    let reply = state
        .services
        .log_in(LoginAttempt {
            protocol: ProtocolName::ZULIP,
            realm: Arc::clone(&principal.profile.realm),
            method: LoginMethod::Password {
                who: Identifier::email(address),
                secret: SecretInput::Password(old.clone()),
            },
            second_step: SecondStep::NotOffered,
            grant: GrantKind::ApiKey,
            peer: request.peer.clone(),
        })
        .await;
    let is_right = reply.result.is_ok();
    let mut answer = match reply.result {
        Ok(_) => http::Response::default().into(),
        Err(LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after }) => {
            ApiError::TooManyPasswords { retry_after }.into_answer(&state.config)
        }
        Err(LoginError::Internal(error)) => ApiError::Internal(error).into_answer(&state.config),
        Err(_) => WRONG_PASSWORD.into_answer(&state.config),
    };
    rate_limit(answer.response.headers_mut(), reply.rate_limit.as_ref());
    answer.not_before = reply.not_before;
    (answer, is_right)
}

/// Judges the present password of a browser's session, which has shown a second factor where the account has one.
async fn prove_in_session(
    state: &ZulipProtocol,
    request: &Request<'_>,
    principal: &Principal,
    old: &Password,
) -> (Answer, bool) {
    let factor = PresentedFactor::default();
    let caller = Caller { principal, peer: request.peer, protocol: ProtocolName::ZULIP, factor: &factor };
    let reply = state.services.show_password(&caller, old).await;
    let is_right = reply.result.is_ok();
    let mut answer = match reply.result {
        Ok(()) => http::Response::default().into(),
        Err(error) => refusal(error).into_answer(&state.config),
    };
    rate_limit(answer.response.headers_mut(), reply.rate_limit.as_ref());
    (answer, is_right)
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let length = name.chars().count();
    if length > *NAME_LENGTHS.end() {
        return Err(LONG_NAME);
    }
    if length < *NAME_LENGTHS.start() {
        return Err(SHORT_NAME);
    }
    if name.contains(NO_NAME) || name.contains(auth_core::is_invisible) {
        return Err(BAD_NAME);
    }
    Ok(())
}

fn refusal(error: ActionError) -> ApiError {
    match error {
        ActionError::SecondFactorRequired(_)
        | ActionError::SecondFactorInvalid(_)
        | ActionError::SecondFactorExhausted(_)
        | ActionError::NotOffered => WRONG_PASSWORD,
        ActionError::WeakPassword(_) => WEAK_PASSWORD,
        ActionError::BadAddress => BAD_ADDRESS,
        ActionError::BadFullName => BAD_NAME,
        ActionError::TooManyAttempts(retry_after) => ApiError::TooManyPasswords { retry_after },
        error => error.into(),
    }
}

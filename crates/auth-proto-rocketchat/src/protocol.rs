//! Dispatch: from a request to its operation, and from the operation to its handler.

use async_trait::async_trait;
use auth_core::{
    Answer, BodyRule, BodyTooLarge, Peer, Permission, Principal, Protocol, ProtocolName, RateLimitStatus,
    RequestError, Route,
};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};

use crate::call::Call;
use crate::encode;
use crate::error::ApiError;
use crate::exact::{SLASHES, UNKNOWN_PATH_TEXT};
use crate::handler::{
    info, login, method, own_account, page, personal_token, preflight, second_factor, session, settings,
};
use crate::route::{self, Audience, Endpoint, Operation};
use crate::state::RocketChatProtocol;

#[async_trait]
impl Protocol for RocketChatProtocol {
    fn name(&self) -> ProtocolName {
        ProtocolName::ROCKETCHAT
    }

    fn route(&self, path: &str) -> Route {
        route::find(path)
    }

    fn merges_slashes(&self) -> bool {
        !self.config.exact.has(SLASHES)
    }

    /// No handler of a GET request looks at the body.
    fn body_rule(&self, _: &Route, method: &Method, _: &HeaderMap) -> BodyRule {
        let is_read = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if is_read { BodyRule::UpTo(route::BODY_LIMIT) } else { BodyRule::Ignored }
    }

    fn refuse(&self, error: RequestError) -> Answer {
        let mut answer = ApiError::from(error).into_answer();
        encode::finish(&Method::POST, &mut answer.response);
        answer
    }

    async fn answer(&self, route: &Route, request: Request<Bytes>, peer: &Peer) -> Answer {
        let mut answer = if request.method() == Method::OPTIONS {
            preflight::answer(&self.config, request.headers())
        } else if let Some(operation) = Operation::of(route, request.method()) {
            answer_operation(self, operation, &request, peer).await
        } else if self.config.exact.has(UNKNOWN_PATH_TEXT) {
            encode::text(StatusCode::NOT_FOUND, "404 Not Found")
        } else {
            encode::unknown_path()
        };
        encode::finish(request.method(), &mut answer.response);
        answer
    }
}

/// Finds the user, counts the call against the limit, and lets the handler answer.
async fn answer_operation(
    state: &RocketChatProtocol,
    operation: &Operation,
    request: &Request<Bytes>,
    peer: &Peer,
) -> Answer {
    let call = match operation.audience {
        Audience::Anybody => Ok(Call::anonymous(request, peer)),
        _ => Call::authenticated(state, request, peer).await,
    };
    let call = match call {
        Ok(call) => call,
        Err(error) => return error.into_answer(),
    };
    let rate_limit = count(state, operation, &call);
    let result = match rate_limit {
        Some(status) if status.retry_after.is_some() => Err(ApiError::Limited(status)),
        _ if request.extensions().get::<BodyTooLarge>().is_some() => Err(ApiError::BodyTooLarge),
        _ if !admits(operation.audience, call.principal.as_deref()) => Err(ApiError::NotLoggedIn),
        _ => dispatch(state, operation.endpoint, &call).await,
    };
    let mut answer = result.unwrap_or_else(ApiError::into_answer);
    if let Some(status) = &rate_limit {
        encode::rate_limit(answer.response.headers_mut(), status);
    }
    answer
}

/// Counts a call. Users with the permission to bypass the limit are not counted.
fn count(state: &RocketChatProtocol, operation: &Operation, call: &Call<'_>) -> Option<RateLimitStatus> {
    let exempt = |principal: &Principal| principal.profile.user.may(Permission::BypassRateLimit);
    // A method counts by its own name, which the handler reads from the body. The page is no call.
    if matches!(operation.endpoint, Endpoint::Method | Endpoint::Home)
        || call.principal.as_deref().is_some_and(exempt)
    {
        return None;
    }
    state.services.admit(ProtocolName::ROCKETCHAT, operation.name, call.peer)
}

fn admits(audience: Audience, principal: Option<&Principal>) -> bool {
    match audience {
        Audience::Anybody | Audience::AnybodyOrUser => true,
        Audience::User => principal.is_some(),
        Audience::NamedUser => principal.is_some_and(|user| user.profile.user.user_name().is_some()),
    }
}

async fn dispatch(
    state: &RocketChatProtocol,
    endpoint: Endpoint,
    call: &Call<'_>,
) -> Result<Answer, ApiError> {
    match endpoint {
        Endpoint::BackupCodesLeft => second_factor::backup_codes_left(state, call).await,
        Endpoint::ChangeOwnAccount => own_account::change(state, call).await,
        Endpoint::ConfirmDevice => second_factor::confirm_device(state, call).await,
        Endpoint::CreatePersonalToken => personal_token::create(state, call).await,
        Endpoint::CreateToken => session::create_token(state, call).await,
        Endpoint::EnrolDevice => second_factor::enrol_device(state, call).await,
        Endpoint::ForgotPassword => login::forgot_password(state, call).await,
        Endpoint::Home => page::home(state, call).await,
        Endpoint::Info => info::info(state, call).await,
        Endpoint::Instances => info::instances(state, call).await,
        Endpoint::ListPersonalTokens => personal_token::list(state, call).await,
        Endpoint::LogIn => login::log_in(state, call).await,
        Endpoint::LogOut => session::log_out(state, call).await,
        Endpoint::LogOutOtherClients => session::log_out_other_clients(state, call).await,
        Endpoint::LogOutUser => session::log_out_user(state, call).await,
        Endpoint::MailAddressProof => login::mail_address_proof(state, call).await,
        Endpoint::MailCode => login::mail_code(state, call).await,
        Endpoint::Me => session::me(state, call).await,
        Endpoint::Method => method::call(state, call).await,
        Endpoint::OauthSettings => settings::oauth(state, call).await,
        Endpoint::PasswordPolicy => settings::password_policy(state, call).await,
        Endpoint::PublicSettings => settings::public(state, call).await,
        Endpoint::RemoveDevice => second_factor::remove_device(state, call).await,
        Endpoint::RemoveOtherTokens => session::remove_other_tokens(state, call).await,
        Endpoint::RemovePersonalToken => personal_token::remove(state, call).await,
        Endpoint::RenewBackupCodes => second_factor::renew_backup_codes(state, call).await,
        Endpoint::ReplacePersonalToken => personal_token::replace(state, call).await,
        Endpoint::RequireMailedCodes => second_factor::require_mailed_codes(state, call).await,
        Endpoint::ResetDevice => second_factor::reset_device(state, call).await,
        Endpoint::ServiceConfigurations => settings::service_configurations(state, call).await,
        Endpoint::SuggestUserName => own_account::suggest_user_name(state, call).await,
        Endpoint::SyncDirectory => second_factor::sync_directory(state, call).await,
        Endpoint::VerifyAddress => page::verify_address(state, call).await,
        Endpoint::WaiveMailedCodes => second_factor::waive_mailed_codes(state, call).await,
        Endpoint::WebdavAccounts => info::webdav_accounts(state, call).await,
    }
}

//! The routes that take an API key: `users/me`, `users/me/api_key/regenerate` and `settings`.
//!
//! They check the method first, then the credential.

use auth_core::{
    Answer, Caller, CheckReply, CredentialCheck, PresentedCredential, PresentedFactor, Principal, Profile,
    ProtocolName, TokenError,
};
use http::{Method, StatusCode};
use serde::Serialize;

use super::own_settings;
use crate::decode::basic::{Basic, BasicError};
use crate::decode::header::prefers_html;
use crate::encode::error::Challenge;
use crate::encode::response::{Success, has_rate_limit, ok, ok_body, options, rate_limit, to_known_user};
use crate::encode::user::UserObject;
use crate::error::ApiError;
use crate::request::Request;
use crate::route::Endpoint;
use crate::state::ZulipProtocol;

pub(super) const NOT_LOGGED_IN: &str = "Not logged in: API authentication or user session required";

pub(super) const NOT_DELETED: &str = "Accounts are deactivated by the administrators of this server";

/// Checks the method and the credential, and answers the call of a known user.
pub(crate) async fn call(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let method = match method_of(state, request) {
        Ok(method) => method,
        Err(refused) => return Ok(*refused),
    };
    let Some(authorization) = request.authorization() else {
        return Ok(match to_login_page(state, request) {
            Some(to_login) => state.never_cached(to_login),
            None => ApiError::Unauthorized(NOT_LOGGED_IN, Challenge::Basic).into_answer(&state.config),
        });
    };
    let CheckReply { result, rate_limit: status } = check(state, request, &authorization).await?;
    let mut answer = match result {
        Ok(principal) => {
            let answer = match answer_user(state, request, &principal, method).await {
                Ok(answer) if answer.response.status().is_success() => state.never_cached(answer),
                Ok(refused) => refused,
                Err(error) => error.into_answer(&state.config),
            };
            known_user(answer)
        }
        Err(TokenError::Limited) => {
            let retry_after = status.as_ref().and_then(|status| status.retry_after);
            let error = retry_after
                .map_or_else(|| TokenError::Limited.into(), |retry_after| ApiError::Limited { retry_after });
            known_user(error.into_answer(&state.config))
        }
        Err(error) => ApiError::from(error).into_answer(&state.config),
    };
    // A route that counts against another limit tells of that one.
    if !has_rate_limit(answer.response.headers()) {
        rate_limit(answer.response.headers_mut(), status.as_ref());
    }
    Ok(answer)
}

/// The method of a call, which a form's field replaces; the answer to a method that the route doesn't have, and to `OPTIONS`.
pub(super) fn method_of<'r>(state: &ZulipProtocol, request: &'r Request<'_>) -> Result<&'r str, Box<Answer>> {
    let methods = request.route.methods;
    if request.http.method() == Method::OPTIONS {
        return Err(Box::new(state.never_cached(options(methods).into())));
    }
    let method = request.parameters.in_body("method").unwrap_or(request.http.method().as_str());
    if methods.contains(&method) {
        return Ok(method);
    }
    let refused = ApiError::MethodNotAllowed(methods).into_answer(&state.config);
    Err(Box::new(state.never_cached(refused)))
}

/// Sends a browser without a credential to the login page; `None` for other clients.
pub(super) fn to_login_page(state: &ZulipProtocol, request: &Request<'_>) -> Option<Answer> {
    let is_browser = request.accept().is_some_and(|accept| prefers_html(&accept));
    is_browser.then(|| ApiError::LoginPage(request.route.pattern).into_answer(&state.config))
}

/// Decodes the credential and has it checked. A key is checked also where the host leads to no realm.
async fn check(
    state: &ZulipProtocol,
    request: &Request<'_>,
    authorization: &str,
) -> Result<CheckReply, ApiError> {
    let Basic { email, key } = Basic::parse(authorization).map_err(|error| match error {
        BasicError::OtherScheme => ApiError::BadRequest("This endpoint requires HTTP basic authentication."),
        BasicError::Malformed => {
            ApiError::Unauthorized("Invalid authorization header for basic auth", Challenge::Basic)
        }
        BasicError::MalformedKey => ApiError::Unauthorized("Malformed API key", Challenge::Basic),
    })?;
    let check = CredentialCheck {
        protocol: ProtocolName::ZULIP,
        realm: state.realm(&request.site).await?,
        credential: PresentedCredential::ApiKey { email, key },
        peer: request.peer.clone(),
    };
    Ok(state.services.check(check).await)
}

async fn answer_user(
    state: &ZulipProtocol,
    request: &Request<'_>,
    principal: &Principal,
    method: &str,
) -> Result<Answer, ApiError> {
    match (request.route.endpoint, method) {
        (Endpoint::OwnUser, "DELETE") => Err(ApiError::Forbidden(NOT_DELETED)),
        (Endpoint::RegenerateApiKey, _) => regenerate(state, request, principal).await,
        (Endpoint::OwnSettings, _) => own_settings::change(state, request, principal).await,
        _ => Ok(own_user(state, &principal.profile)),
    }
}

fn known_user(mut answer: Answer) -> Answer {
    to_known_user(answer.response.headers_mut());
    answer
}

/// The caller's own user object.
pub(super) fn own_user(state: &ZulipProtocol, profile: &Profile) -> Answer {
    #[derive(Serialize)]
    struct Empty {}
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        success: Success,
        #[serde(flatten)]
        user: UserObject<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        profile_data: Option<Empty>,
        max_message_id: i64,
    }
    if let Some(body) = state.own_users.get(profile) {
        return ok_body(body).into();
    }
    let document = Document {
        success: Success::EMPTY,
        user: UserObject::new(profile, state.config.feature_level),
        profile_data: profile.user.bot.is_none().then_some(Empty {}),
        max_message_id: -1,
    };
    let response = ok(&document);
    if response.status() == StatusCode::OK {
        state.own_users.keep(profile, response.body().clone());
    }
    response.into()
}

/// Gives the caller a new API key; the old one is refused from then on.
async fn regenerate(
    state: &ZulipProtocol,
    request: &Request<'_>,
    principal: &Principal,
) -> Result<Answer, ApiError> {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        success: Success,
        api_key: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ignored_parameters_unsupported: Vec<&'a str>,
    }
    let caller = Caller {
        principal,
        peer: request.peer,
        protocol: ProtocolName::ZULIP,
        factor: &PresentedFactor::default(),
    };
    let key = state.services.regenerate_api_key(&caller).await?;
    let document = Document {
        success: Success::EMPTY,
        api_key: key.expose(),
        ignored_parameters_unsupported: request.parameters.surplus(&[]),
    };
    Ok(ok(&document).into())
}

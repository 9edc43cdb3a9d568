//! `POST fetch_api_key` and `POST jwt/fetch_api_key`: logins for an API key.

use std::sync::Arc;

use auth_core::{
    Answer, ApiKey, FailureReason, Grant, GrantKind, Identifier, InternalError, Login, LoginAttempt,
    LoginError, LoginMethod, LoginReply, Profile, ProtocolName, Realm, SecondStep, SecretInput, Token,
};
use http::Method;
use serde::Serialize;

use crate::decode::email::is_email;
use crate::encode::response::{Success, ok, rate_limit};
use crate::encode::user::{UserObject, address};
use crate::error::ApiError;
use crate::exact::ASSERTION_TYPE_ERROR;
use crate::request::Request;
use crate::state::ZulipProtocol;

pub(super) const INVALID_EMAIL: ApiError = ApiError::BadRequest("Enter a valid email address.");

const ASSERTIONS_DISABLED: ApiError =
    ApiError::BadRequest("JWT authentication is not enabled for this organization");
const NO_ASSERTION: ApiError = ApiError::BadRequest("No JSON web token passed in request");
const BAD_ASSERTION: ApiError = ApiError::BadRequest("Bad JSON web token");
const NAMELESS_ASSERTION: ApiError = ApiError::BadRequest("No email specified in JSON web token claims");

/// An API key and its owner.
#[derive(Serialize)]
struct KeyDocument<'a> {
    #[serde(flatten)]
    success: Success,
    api_key: &'a str,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored_parameters_unsupported: Vec<&'a str>,
}

/// Logs in by e-mail address and password.
pub(crate) async fn by_password(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    expect_post(request)?;
    let username = request.parameters.get("username").ok_or(ApiError::MissingParameter("username"))?;
    let password = request.parameters.password().ok_or(ApiError::MissingParameter("password"))?;
    let realm = state.realm(&request.site).await?.ok_or(ApiError::NonexistentSubdomain)?;
    if !realm.asks_a_directory() && !is_email(username) {
        return Err(INVALID_EMAIL);
    }
    // The state of an account is told by the backend of stored passwords, where the realm asks it.
    let tells_state = realm.asks_stored_passwords();
    let method = LoginMethod::Password {
        who: Identifier::email(username),
        secret: SecretInput::Password(password.clone()),
    };
    let reply = ask(state, request, realm, method).await;
    let mut answer = match reply.result {
        Ok(login) => granted_key(&login, request, &["username", "password"])?,
        Err(LoginError::UserInactive | LoginError::RealmInactive) if !tells_state => {
            let error = LoginError::Credentials(FailureReason::NotOffered);
            ApiError::Login(error).into_answer(&state.config)
        }
        Err(error) => ApiError::from(error).into_answer(&state.config),
    };
    rate_limit(answer.response.headers_mut(), reply.rate_limit.as_ref());
    answer.not_before = reply.not_before;
    Ok(answer)
}

/// Logs in by a token of another system.
pub(crate) async fn by_assertion(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    expect_post(request)?;
    let include_profile = match request.parameters.get("include_profile") {
        Some(text) => boolean(text)?,
        None => false,
    };
    let token = request.parameters.get("token").unwrap_or_default();
    let realm = state.realm(&request.site).await?.ok_or(ApiError::NonexistentSubdomain)?;
    let reply = ask(state, request, realm, LoginMethod::Assertion(Token::new(token))).await;
    let mut answer = match reply.result {
        Ok(login) => {
            let feature_level = state.config.feature_level;
            let user = include_profile.then(|| UserObject::new(&login.profile, feature_level));
            key(&login, None, user, request.parameters.surplus(&["include_profile", "token"]))?
        }
        Err(error) => assertion_error(state, error, token).into_answer(&state.config),
    };
    answer.not_before = reply.not_before;
    Ok(answer)
}

/// What is told of an assertion that is not taken.
pub(super) fn assertion_error(state: &ZulipProtocol, error: LoginError, token: &str) -> ApiError {
    match error {
        LoginError::AssertionDisabled => ASSERTIONS_DISABLED,
        LoginError::AssertionInvalid if token.is_empty() => NO_ASSERTION,
        LoginError::AssertionInvalid => BAD_ASSERTION,
        LoginError::AssertionWithoutSubject => NAMELESS_ASSERTION,
        LoginError::AssertionMalformed if state.config.exact.has(ASSERTION_TYPE_ERROR) => {
            ApiError::AssertionTypeError
        }
        LoginError::AssertionMalformed => BAD_ASSERTION,
        other => other.into(),
    }
}

/// Refuses methods other than `POST`, on the routes that have no other.
pub(super) fn expect_post(request: &Request<'_>) -> Result<(), ApiError> {
    if request.http.method() == Method::POST {
        Ok(())
    } else {
        Err(ApiError::MethodNotAllowed(request.route.methods))
    }
}

/// Asks the services for an API key.
pub(super) async fn ask(
    state: &ZulipProtocol,
    request: &Request<'_>,
    realm: Arc<Realm>,
    method: LoginMethod,
) -> LoginReply {
    let attempt = LoginAttempt {
        protocol: ProtocolName::ZULIP,
        realm,
        method,
        second_step: SecondStep::NotOffered,
        grant: GrantKind::ApiKey,
        peer: request.peer.clone(),
    };
    state.services.log_in(attempt).await
}

/// The API key of a user who logged in, with the user's id. `known` names the parameters that were read.
pub(super) fn granted_key(
    login: &Login,
    request: &Request<'_>,
    known: &[&str],
) -> Result<Answer, InternalError> {
    let user_id = login.profile.user.external_number(ProtocolName::ZULIP);
    key(login, Some(user_id), None, request.parameters.surplus(known))
}

fn key<'a>(
    login: &'a Login,
    user_id: Option<u64>,
    user: Option<UserObject<'a>>,
    ignored_parameters_unsupported: Vec<&'a str>,
) -> Result<Answer, InternalError> {
    let Grant::ApiKey(key) = &login.grant else {
        return Err(InternalError::defect("a Zulip login was granted something else than an API key"));
    };
    Ok(key_document(&login.profile, key, user_id, user, ignored_parameters_unsupported))
}

/// The API key of a user. The last argument names the parameters that were not read.
pub(super) fn key_document(
    profile: &Profile,
    key: &ApiKey,
    user_id: Option<u64>,
    user: Option<UserObject<'_>>,
    ignored_parameters_unsupported: Vec<&str>,
) -> Answer {
    let document = KeyDocument {
        success: Success::EMPTY,
        api_key: key.expose(),
        email: address(profile),
        user_id,
        user,
        ignored_parameters_unsupported,
    };
    ok(&document).into()
}

/// Reads a parameter in JSON that must be a boolean.
fn boolean(text: &str) -> Result<bool, ApiError> {
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Bool(value)) => Ok(value),
        Ok(_) => Err(ApiError::BadRequest("include_profile is not a boolean")),
        Err(_) => Err(ApiError::BadRequest("include_profile is not valid JSON")),
    }
}

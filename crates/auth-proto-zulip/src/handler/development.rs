//! `dev_fetch_api_key` and `dev_list_users`, on development servers alone, for requests that come straight from this
//! machine. No session is opened, since there are no web pages to use it.

use auth_core::{ActionError, Answer, FailureReason, Identifier, LoginError, LoginMethod, Profile, Role};
use serde::Serialize;

use super::login::{INVALID_EMAIL, ask, expect_post, granted_key};
use crate::decode::email::is_email;
use crate::encode::response::{Success, ok};
use crate::encode::user::address;
use crate::error::ApiError;
use crate::request::Request;
use crate::state::ZulipProtocol;

const NOT_ENABLED: ApiError = ApiError::BadRequest("DevAuthBackend not enabled.");

/// The start of the addresses of which only [`MOST_EXTRA_USERS`] are listed, after all others.
const EXTRA_USER: &str = "extrauser";

const MOST_EXTRA_USERS: usize = 10;

/// The users that a developer can log in as.
#[derive(Serialize)]
struct Users<'a> {
    #[serde(flatten)]
    success: Success,
    direct_admins: Vec<User<'a>>,
    direct_users: Vec<User<'a>>,
}

#[derive(Serialize)]
struct User<'a> {
    email: &'a str,
    realm_url: String,
}

impl<'a> User<'a> {
    fn new(state: &ZulipProtocol, request: &Request<'_>, profile: &'a Profile) -> Self {
        let realm_url = request.site.url(&state.config, Some(&profile.realm));
        Self { email: address(profile), realm_url }
    }
}

/// Logs in by e-mail address alone.
pub(crate) async fn log_in(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    expect_post(request)?;
    let username = request.parameters.get("username").ok_or(ApiError::MissingParameter("username"))?;
    if !state.config.development_login {
        return Err(NOT_ENABLED);
    }
    if !is_email(username) {
        return Err(INVALID_EMAIL);
    }
    let realm = state.realm(&request.site).await?.ok_or(ApiError::NonexistentSubdomain)?;
    let method = LoginMethod::NameAlone { who: Identifier::email(username) };
    let reply = ask(state, request, realm, method).await;
    let mut answer = match reply.result {
        Ok(login) => granted_key(&login, request, &["username"])?,
        Err(error) => login_error(error).into_answer(&state.config),
    };
    answer.not_before = reply.not_before;
    Ok(answer)
}

fn login_error(error: LoginError) -> ApiError {
    match error {
        LoginError::OtherRealm => ApiError::NonexistentSubdomain,
        LoginError::Credentials(FailureReason::NotOffered) => NOT_ENABLED,
        other => other.into(),
    }
}

/// Lists the users of all realms. Any method will do.
pub(crate) async fn list_users(state: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, ApiError> {
    let profiles = match state.services.development_users().await {
        Err(ActionError::NotOffered) => return Err(NOT_ENABLED),
        profiles => profiles?,
    };
    let is_extra = |profile: &&Profile| address(profile).starts_with(EXTRA_USER);
    let (extra, others): (Vec<_>, Vec<_>) = profiles.iter().partition(is_extra);
    let listed = others.into_iter().chain(extra.into_iter().take(MOST_EXTRA_USERS));
    let (admins, users): (Vec<_>, Vec<_>) =
        listed.partition(|profile| matches!(profile.user.role, Role::Owner | Role::Admin));
    let show = |profile| User::new(state, request, profile);
    let document = Users {
        success: Success::EMPTY,
        direct_admins: admins.into_iter().map(show).collect(),
        direct_users: users.into_iter().map(show).collect(),
    };
    Ok(state.with_addresses(ok(&document).into()))
}

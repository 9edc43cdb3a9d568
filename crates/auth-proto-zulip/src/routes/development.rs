//! `dev_fetch_api_key` and `dev_list_users`, on development servers alone (zulip.md 3). No session is opened:
//! there are no web pages to use it.

use auth_core::{Answer, FailureReason, Identifier, LoginError, LoginMethod, LoginOutcome, Profile, Role};
use serde::Serialize;

use super::login::{INVALID_EMAIL, ask, granted_key};
use super::unless_post;
use crate::ZulipProtocol;
use crate::answer::failure::Failure;
use crate::answer::user::address;
use crate::answer::{Reply, Success, ok};
use crate::decode::email::is_email;
use crate::request::Request;

const NOT_ENABLED: Failure = Failure::BadRequest("DevAuthBackend not enabled.");

/// Of users whose address begins so, only [`MOST_EXTRA_USERS`] are listed, after all others.
const EXTRA_USER: &str = "extrauser";

const MOST_EXTRA_USERS: usize = 10;

/// Who there is to log in as.
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
    fn new(protocol: &ZulipProtocol, request: &Request<'_>, profile: &'a Profile) -> Self {
        let realm_url = request.site.url(&protocol.config, Some(&profile.realm));
        Self { email: address(profile), realm_url }
    }
}

/// Logs in by e-mail address alone.
pub(crate) async fn log_in(protocol: &ZulipProtocol, request: &Request<'_>) -> Result<Answer, Failure> {
    if let Some(refused) = unless_post(request) {
        return Ok(refused.into());
    }
    let username = request.parameters.get("username").ok_or(Failure::Missing("username"))?;
    if !protocol.config.development_login {
        return Err(NOT_ENABLED);
    }
    if !is_email(username) {
        return Err(INVALID_EMAIL);
    }
    let realm = protocol.realm(&request.site).await?.ok_or(Failure::NonexistentSubdomain)?;
    let proof = LoginMethod::Development { who: Identifier::email(username) };
    let reply = ask(protocol, request, realm.id, proof).await?;
    let response = match reply.outcome {
        LoginOutcome::Granted(granted) => granted_key(&granted, request, &["username"])?,
        LoginOutcome::Refused(refusal) => protocol.failed(match refusal {
            LoginError::OtherRealm => Failure::NonexistentSubdomain,
            LoginError::Credentials(FailureReason::NotOffered) => NOT_ENABLED,
            other => other.into(),
        }),
    };
    Ok(Answer { response, not_before: reply.not_before })
}

/// Lists the users of all realms. Any method will do.
pub(crate) async fn list_users(protocol: &ZulipProtocol, request: &Request<'_>) -> Result<Reply, Failure> {
    let profiles = protocol.services.development_users().await?.ok_or(NOT_ENABLED)?;
    let is_extra = |profile: &&Profile| address(profile).starts_with(EXTRA_USER);
    let (extra, others): (Vec<_>, Vec<_>) = profiles.iter().partition(is_extra);
    let listed = others.into_iter().chain(extra.into_iter().take(MOST_EXTRA_USERS));
    let (admins, users): (Vec<_>, Vec<_>) =
        listed.partition(|profile| matches!(profile.user.role, Role::Owner | Role::Admin));
    let show = |profile| User::new(protocol, request, profile);
    Ok(ok(&Users {
        success: Success::EMPTY,
        direct_admins: admins.into_iter().map(show).collect(),
        direct_users: users.into_iter().map(show).collect(),
    }))
}

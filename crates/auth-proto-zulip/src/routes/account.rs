//! The routes that take an API key: `users/me` and `users/me/api_key/regenerate` (zulip.md 5.1 to 5.3). The
//! method is looked at first, then the credential.

use auth_core::{
    CheckReply, CredentialCheck, PresentedCredential, Principal, Profile, ProtocolName, RateLimitStatus,
    RealmId, TokenError,
};
use http::Method;
use serde::Serialize;

use crate::ZulipProtocol;
use crate::answer::failure::{Challenge, Failure};
use crate::answer::user::UserObject;
use crate::answer::{
    Reply, Success, method_not_allowed, ok, options, to_known_user, to_login_page, with_rate_limit,
};
use crate::decode::basic::{Basic, NotBasic};
use crate::decode::header::prefers_html;
use crate::request::Request;
use crate::route::Resource;

const NOT_LOGGED_IN: &str = "Not logged in: API authentication or user session required";

const NOT_DELETED: &str = "Accounts are deactivated by the administrators of this server";

/// No user belongs to it: keys presented at a host without a realm are checked against it.
const NO_REALM: RealmId = RealmId::from_bytes([0; 16]);

/// Looks at the method, asks for a credential and hands the request over.
pub(crate) async fn dispatch(
    protocol: &ZulipProtocol,
    resource: Resource,
    request: &Request<'_>,
) -> Result<Reply, Failure> {
    let methods = resource.methods();
    if request.method == Method::OPTIONS {
        return Ok(protocol.never_cached(options(methods)));
    }
    let method = request.parameters.in_body("method").unwrap_or(request.method.as_str());
    if !methods.contains(&method) {
        return Ok(protocol.never_cached(method_not_allowed(methods)));
    }
    let challenge = if resource.wants_session() { Challenge::Session } else { Challenge::Basic };
    let Some(authorization) = request.authorization().filter(|_| !resource.wants_session()) else {
        if request.accept().is_some_and(|accept| prefers_html(&accept)) {
            return Ok(protocol.never_cached(to_login_page(resource.path())));
        }
        return Err(Failure::Unauthorized(NOT_LOGGED_IN, challenge));
    };
    let CheckReply { outcome, rate_limit } = check(protocol, request, &authorization).await?;
    let reply = match outcome {
        Ok(principal) => {
            let done = match (resource, method) {
                (Resource::OwnUser, "DELETE") => Err(Failure::Forbidden(NOT_DELETED)),
                (Resource::OwnUser, _) => Ok(own_user(&principal.profile, protocol.config.feature_level)),
                (Resource::RegenerateApiKey, _) => regenerate(protocol, request, &principal).await,
                // A key is no way in here.
                (Resource::SessionOwnUser | Resource::SessionFetchApiKey, _) => {
                    Err(Failure::Unauthorized(NOT_LOGGED_IN, Challenge::Session))
                }
            };
            to_known_user(match done {
                Ok(reply) => protocol.never_cached(reply),
                Err(failure) => protocol.failed(failure),
            })
        }
        Err(TokenError::Limited) => to_known_user(protocol.failed(limited(rate_limit.as_ref()))),
        Err(refusal) => protocol.failed(refusal),
    };
    Ok(with_rate_limit(reply, rate_limit.as_ref()))
}

/// Reads the credential and asks whose it is.
async fn check(
    protocol: &ZulipProtocol,
    request: &Request<'_>,
    authorization: &str,
) -> Result<CheckReply, Failure> {
    let Basic { email, key } = Basic::parse(authorization).map_err(|wrong| match wrong {
        NotBasic::OtherScheme => Failure::BadRequest("This endpoint requires HTTP basic authentication."),
        NotBasic::Malformed => {
            Failure::Unauthorized("Invalid authorization header for basic auth", Challenge::Basic)
        }
        NotBasic::MalformedKey => Failure::Unauthorized("Malformed API key", Challenge::Basic),
    })?;
    let realm = protocol.realm(&request.site).await?;
    let presentation = CredentialCheck {
        protocol: ProtocolName::Zulip,
        realm: realm.map_or(NO_REALM, |realm| realm.id),
        credential: PresentedCredential::ZulipKey { email, key },
        peer: request.peer.clone(),
    };
    Ok(protocol.services.check(presentation).await?)
}

fn limited(rate_limit: Option<&RateLimitStatus>) -> Failure {
    match rate_limit.and_then(|rate_limit| rate_limit.retry_after) {
        Some(wait) => Failure::RateLimited(wait),
        None => TokenError::Limited.into(),
    }
}

/// The caller's own user object.
fn own_user(profile: &Profile, feature_level: u32) -> Reply {
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
    ok(&Document {
        success: Success::EMPTY,
        user: UserObject::new(profile, feature_level),
        profile_data: profile.user.bot.is_none().then_some(Empty {}),
        max_message_id: -1,
    })
}

/// Gives the caller a new key; the old one is refused from then on.
async fn regenerate(
    protocol: &ZulipProtocol,
    request: &Request<'_>,
    principal: &Principal,
) -> Result<Reply, Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        success: Success,
        api_key: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ignored_parameters_unsupported: Vec<&'a str>,
    }
    let key = protocol.services.regenerate_zulip_key(principal).await?;
    Ok(ok(&Document {
        success: Success::EMPTY,
        api_key: key.expose(),
        ignored_parameters_unsupported: request.parameters.surplus(&[]),
    }))
}

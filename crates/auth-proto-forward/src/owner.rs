//! The owner of the credential that came with a request, whatever protocol issued it.
//!
//! [`ForwardProtocol`](crate::ForwardProtocol) finds so who is there. A program that answers requests itself, and wants to know
//! whose they are, finds it so as well.

use std::time::Duration;

use auth_core::{
    CredentialCheck, CredentialKind, ExternalId, InternalError, LoginError, Peer, PresentedCredential,
    Profile, ProtocolName, RealmName, SecretCheck, Timestamp, Token, TokenError, TokenPlace,
};
use http::HeaderMap;

use crate::decode::cookies::Cookies;
use crate::decode::credential::{Credential, CredentialError, presented};
use crate::state::ForwardServices;

/// Whose credentials are taken.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it, and must not forget a new field")]
pub struct Wanted<'a> {
    /// The slug of the owner's realm.
    pub realm: &'a str,
    /// Whether the passwords of accounts are taken, beside keys and app passwords.
    pub takes_passwords: bool,
}

/// Why a request has no owner that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a caller must answer each")]
pub enum OwnerError {
    /// More than one credential came along.
    Several,
    /// No good credential came along.
    Unknown {
        /// The answer must not be sent before this moment.
        not_before: Option<Timestamp>,
    },
    /// There were too many attempts.
    Limited {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// The request could not be judged.
    Internal(InternalError),
}

impl OwnerError {
    /// Nobody is known, and that may be told at once.
    pub(crate) const UNKNOWN: Self = Self::Unknown { not_before: None };
}

/// Finds the owner of the credential that came with a request of `peer`.
///
/// The cookies are those of the headers: a caller that goes on with the other ones has read them already. A browser's session
/// counts for nothing until its owner has done what the pages demand first.
///
/// # Errors
/// [`OwnerError`] when no good credential came along, or nothing could be known about it.
pub async fn find_owner(
    services: &dyn ForwardServices,
    wanted: Wanted<'_>,
    headers: &HeaderMap,
    cookies: &Cookies,
    peer: &Peer,
) -> Result<Profile, OwnerError> {
    let credential = presented(headers, cookies)?.ok_or(OwnerError::UNKNOWN)?;
    let realm = services.realm(RealmName::Slug(wanted.realm)).await?.ok_or(OwnerError::UNKNOWN)?;
    let (protocol, credential) = match credential {
        Credential::Basic { name, secret } => {
            let (protocol, takes_passwords) = (ProtocolName::FORWARD, wanted.takes_passwords);
            let check = SecretCheck { protocol, realm, name, secret, takes_passwords, peer: peer.clone() };
            let reply = services.check_secret(check).await;
            return reply.result.map_err(|error| of_login(error, reply.not_before));
        }
        Credential::ForwardSession(token) => {
            (ProtocolName::FORWARD, token_of(&[CredentialKind::FORWARD_SESSION], None, token))
        }
        Credential::WebSession(token) => {
            (ProtocolName::FORWARD, token_of(&[CredentialKind::WEB_SESSION], None, token))
        }
        Credential::Bearer(token) => {
            (ProtocolName::FORWARD, PresentedCredential::SignedToken { token, place: TokenPlace::Header })
        }
        Credential::RocketChat { user, token } => {
            const KINDS: &[CredentialKind] =
                &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN];
            (ProtocolName::ROCKETCHAT, token_of(KINDS, Some(ExternalId::Text(user)), token))
        }
    };
    check(services, CredentialCheck { protocol, realm: Some(realm), credential, peer: peer.clone() }).await
}

fn token_of(
    kinds: &'static [CredentialKind],
    owner: Option<ExternalId>,
    token: Token,
) -> PresentedCredential {
    PresentedCredential::Token { kinds, owner, token }
}

/// Has a credential checked.
async fn check(services: &dyn ForwardServices, check: CredentialCheck) -> Result<Profile, OwnerError> {
    let principal = services.check(check).await.result?;
    let is_of_browser = [CredentialKind::FORWARD_SESSION, CredentialKind::WEB_SESSION];
    let profile = principal.profile;
    let is_held_up = profile.user.must_change_password || profile.lacks_second_factor();
    if principal.kind.is_some_and(|kind| is_of_browser.contains(&kind)) && is_held_up {
        return Err(OwnerError::UNKNOWN);
    }
    Ok(profile)
}

/// All refusals look the same but limits, since waiting helps there.
fn of_login(error: LoginError, not_before: Option<Timestamp>) -> OwnerError {
    match error {
        LoginError::AccountLimited { retry_after } | LoginError::ClientLimited { retry_after } => {
            OwnerError::Limited { retry_after }
        }
        LoginError::Internal(error) => OwnerError::Internal(error),
        _ => OwnerError::Unknown { not_before },
    }
}

impl From<InternalError> for OwnerError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<CredentialError> for OwnerError {
    /// A credential that can't be read is no credential.
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Several => Self::Several,
            CredentialError::Unreadable => Self::UNKNOWN,
        }
    }
}

impl From<TokenError> for OwnerError {
    /// All refusals look the same.
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Internal(error) => Self::Internal(error),
            _ => Self::UNKNOWN,
        }
    }
}

//! The protocol's state: its configuration and the services behind it.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    AddressVerification, Authenticator, CheckReply, CredentialCheck, CredentialKind, ExternalId,
    FailureReason, Grant, GrantKind, InternalError, LoginAttempt, LoginError, OwnAccount, PasswordReset,
    Peer, PersonalTokens, PresentedCredential, Profile, ProfileMemo, ProtocolName, Realm, RealmName, Realms,
    RequestLimits, SecondFactors, SecondStep, Sessions, Timestamp, Token, TokenError,
};
use bytes::Bytes;

use crate::config::Config;
use crate::decode::LoginForm;

/// The services that the protocol asks: every type that has them all has this trait too.
pub trait RocketChatServices:
    Authenticator
    + Realms
    + RequestLimits
    + Sessions
    + PersonalTokens
    + SecondFactors
    + PasswordReset
    + OwnAccount
    + AddressVerification
{
}

impl<S> RocketChatServices for S where
    S: Authenticator
        + Realms
        + RequestLimits
        + Sessions
        + PersonalTokens
        + SecondFactors
        + PasswordReset
        + OwnAccount
        + AddressVerification
        + ?Sized
{
}

/// Rocket.Chat's API for one realm.
pub struct RocketChatProtocol {
    pub(crate) config: Config,
    pub(crate) services: Arc<dyn RocketChatServices>,
    /// The bodies that tell users of themselves.
    pub(crate) own_users: ProfileMemo<Bytes>,
}

/// The reply to a login form.
pub(crate) struct LoginReply {
    /// The login, or why it was refused.
    pub(crate) result: Result<LoggedIn, LoginError>,
    /// The moment before which the answer must not be sent.
    pub(crate) not_before: Option<Timestamp>,
}

/// A user who logged in, and the token that the login gave.
pub(crate) struct LoggedIn {
    pub(crate) profile: Profile,
    pub(crate) token: Token,
    pub(crate) expires: Option<Timestamp>,
}

impl RocketChatProtocol {
    /// Makes the protocol from its configuration and the services that it asks.
    #[must_use]
    pub fn new(config: Config, services: Arc<dyn RocketChatServices>) -> Self {
        Self { config, services, own_users: ProfileMemo::new() }
    }

    /// The realm that the protocol serves; `None` while it doesn't exist. Nobody has an account there then, and every
    /// login is refused like one of an unknown user.
    pub(crate) async fn realm(&self) -> Result<Option<Arc<Realm>>, InternalError> {
        self.services.realm(RealmName::Slug(&self.config.realm)).await
    }

    /// The realm that a login is for.
    async fn realm_of_login(&self) -> Result<Arc<Realm>, LoginError> {
        let realm = self.realm().await.map_err(LoginError::Internal)?;
        realm.ok_or(LoginError::Credentials(FailureReason::UnknownUser))
    }

    /// Judges a login form of any kind.
    pub(crate) async fn log_in(&self, form: LoginForm, peer: &Peer) -> LoginReply {
        let realm = match self.realm_of_login().await {
            Ok(realm) => realm,
            Err(error) => return LoginReply { result: Err(error), not_before: None },
        };
        let attempt = LoginAttempt {
            protocol: ProtocolName::ROCKETCHAT,
            realm,
            method: form.method,
            second_step: SecondStep::Offered(form.code),
            grant: GrantKind::Token(CredentialKind::ROCKETCHAT_TOKEN),
            peer: peer.clone(),
        };
        let reply = self.services.log_in(attempt).await;
        let result = reply.result.and_then(|login| match login.grant {
            Grant::Token { token, expires } => Ok(LoggedIn { profile: login.profile, token, expires }),
            _ => Err(LoginError::Internal(InternalError::defect("a login gave no token"))),
        });
        LoginReply { result, not_before: reply.not_before }
    }

    /// Finds the owner of a login token or personal token. `owner` is the id under which the client says it
    /// is known.
    pub(crate) async fn check(&self, owner: ExternalId, token: Token, peer: &Peer) -> CheckReply {
        /// The kinds of tokens that sign a call.
        static KINDS: [CredentialKind; 2] =
            [CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN];

        let realm = match self.realm().await {
            Ok(Some(realm)) => realm,
            Ok(None) => return CheckReply::refused(TokenError::Invalid),
            Err(error) => return CheckReply::refused(TokenError::Internal(error)),
        };
        let check = CredentialCheck {
            protocol: ProtocolName::ROCKETCHAT,
            realm: Some(realm),
            credential: PresentedCredential::Token { kinds: &KINDS, owner: Some(owner), token },
            peer: peer.clone(),
        };
        self.services.check(check).await
    }
}

impl fmt::Debug for RocketChatProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocketChatProtocol").field("config", &self.config).finish_non_exhaustive()
    }
}

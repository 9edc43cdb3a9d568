//! What forward authentication asks beyond what the other protocols do.

use std::sync::Arc;

use async_trait::async_trait;

use super::{ActionError, Caller};
use crate::{
    Grant, InternalError, LoginError, Password, Peer, Profile, ProtocolName, Realm, Timestamp, UserId,
};

/// Tells which groups users are in.
#[async_trait]
pub trait Memberships: Send + Sync {
    /// The names of the groups that a user is in, in order: from memory, and as they were within the last second.
    ///
    /// # Errors
    /// An [`InternalError`] when they are not known and can't be read.
    async fn groups_of(&self, user: UserId) -> Result<Arc<[String]>, InternalError>;
}

/// Gives sessions that are good for forward authentication alone.
#[async_trait]
pub trait ForwardSessions: Send + Sync {
    /// Gives a session that comes from the caller's web session: it ends with that one, and no later.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller has no web session, or the new session may not have been stored.
    async fn forward_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError>;
}

/// Judges a name with a secret that may be any of the account's, as clients of HTTP Basic authentication send it.
#[async_trait]
pub trait NamedSecrets: Send + Sync {
    /// Finds the owner of a secret: an API key, an app password, and the password of the account where that is asked for.
    ///
    /// Keys and app passwords are looked up, and nothing is written. A password is judged as at a login, with its limits and
    /// its row in the log of attempts. One that was right is remembered for a quarter of an hour, for its client key and for
    /// as long as the login lives that it opened.
    async fn check_secret(&self, check: SecretCheck) -> SecretReply;
}

/// A name and a secret that came with a request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct SecretCheck {
    /// The protocol by which the request came.
    pub protocol: ProtocolName,
    /// The realm that the request is for.
    pub realm: Arc<Realm>,
    /// The user name or the e-mail address as typed.
    pub name: String,
    /// The secret.
    pub secret: Password,
    /// Whether the password of the account is taken.
    pub takes_passwords: bool,
    /// Where the request comes from.
    pub peer: Peer,
}

/// The answer to the check of a name and a secret.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct SecretReply {
    /// The owner of the secret, or why it is refused.
    pub result: Result<Profile, LoginError>,
    /// The answer must not be sent before this moment.
    pub not_before: Option<Timestamp>,
}

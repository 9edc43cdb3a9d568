//! App passwords at login: named random passwords for clients that know no second step.
//!
//! An app password has 138 random bits, so a plain digest finds it without the slow hash, also where a client sends the
//! digest in its place.

use std::fmt;
use std::sync::Arc;

use auth_core::{Account, Clock, CredentialKind, Digest, ProtocolName, SecretInput, Store, StoreError};
use auth_crypto::opaque;
use data_encoding::HEXLOWER;

use crate::credentials::has_ended;

/// Recognises app passwords.
pub(crate) struct AppPasswords {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl AppPasswords {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Whether a secret is an app password of the account for the protocol. The look-up is done for every attempt, also
    /// for names that no account has.
    pub(crate) async fn is_one(
        &self,
        protocol: ProtocolName,
        account: Option<&Account>,
        secret: &SecretInput,
    ) -> Result<bool, StoreError> {
        let digest = match secret {
            SecretInput::Password(password) => opaque::digest(password.expose()),
            SecretInput::Digest(digest) => {
                let bytes = HEXLOWER.decode(digest.expose().as_bytes()).ok();
                match bytes.and_then(|bytes| bytes.try_into().ok()) {
                    Some(bytes) => Digest::new(bytes),
                    None => return Ok(false),
                }
            }
        };
        let found = self.store.by_digest(CredentialKind::APP_PASSWORD, &digest).await?;
        let now = self.clock.now();
        Ok(found.is_some_and(|(password, owner)| {
            let protocols = &password.scope.protocols;
            account.is_some_and(|account| account.user.id == owner.user.id)
                && (protocols.is_empty() || protocols.contains(&protocol))
                && !has_ended(&password, now)
        }))
    }
}

impl fmt::Debug for AppPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppPasswords").finish_non_exhaustive()
    }
}

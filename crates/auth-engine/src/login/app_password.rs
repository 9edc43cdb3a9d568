//! App passwords at login: named random passwords for clients that know no second step.
//!
//! An app password has 138 random bits, so a digest finds it without the slow hash. Where a client sends SHA-256 in its
//! place, the digest is made of that: see [`opaque::app_password_digest`].

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Clock, Credential, CredentialKind, Digest, ProtocolName, Realm, SecretInput, Store, StoreError,
};
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

    /// The app password of the account for the protocol that a secret is. The look-up is done for every attempt, also for
    /// names that no account has.
    ///
    /// A digest in place of the secret is taken where the realm takes digests, and of app passwords whose digest nobody can
    /// have read in an older copy of the store.
    pub(crate) async fn find(
        &self,
        protocol: ProtocolName,
        realm: &Realm,
        account: Option<&Account>,
        secret: &SecretInput,
    ) -> Result<Option<Credential>, StoreError> {
        let (sha256, is_clear) = match secret {
            SecretInput::Password(password) => (opaque::digest(password.expose()), true),
            SecretInput::Digest(digest) => {
                let bytes = HEXLOWER.decode(digest.expose().as_bytes()).ok();
                match bytes.and_then(|bytes| bytes.try_into().ok()) {
                    Some(bytes) => (Digest::new(bytes), false),
                    None => return Ok(None),
                }
            }
        };
        let digest = opaque::app_password_digest(&sha256);
        let found = self.store.by_digest(CredentialKind::APP_PASSWORD, &digest).await?;
        let now = self.clock.now();
        let is_good = |password: &Credential, owner: &Account| {
            let protocols = &password.scope.protocols;
            account.is_some_and(|account| account.user.id == owner.user.id)
                && (protocols.is_empty() || protocols.contains(&protocol))
                && (is_clear || (realm.digest_logins && !password.clear_only))
                && !has_ended(password, now)
        };
        Ok(found.and_then(|(password, owner)| is_good(&password, &owner).then_some(password)))
    }
}

impl fmt::Debug for AppPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppPasswords").finish_non_exhaustive()
    }
}

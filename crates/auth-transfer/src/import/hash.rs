//! The second step of an import: clear passwords are hashed, and old hashes wrapped.

use auth_core::{ClientKey, InternalError, PasswordString, SecretInput};
use auth_crypto::password::{HashingRule, OldHash, StoredPassword};
use auth_engine::{Engine, Scheme};
use futures_util::{StreamExt, stream};

use super::checked::Checked;
use super::draft::Record;
use super::progress::{OnProgress, tell};
use crate::{ImportError, Progress};

/// The number of passwords that wait for hashing at a time: enough to keep the workers busy.
pub(super) const HASHING: usize = 8;

/// Progress is told each time that so many passwords are hashed, which takes longer than lines do.
pub(super) const PASSWORDS_PER_STEP: u64 = 10;

/// Hashes clear passwords and wraps old hashes.
#[derive(Clone, Copy)]
pub(super) struct Hasher<'a> {
    pub(super) engine: &'a Engine,
    /// Whether older hashes are put under Argon2id.
    pub(super) wrap: bool,
}

impl Hasher<'_> {
    /// Notes of a checked record whether it has work for the hasher, and its scheme otherwise.
    pub(super) fn note(self, record: &Record, checked: &mut Checked) {
        let Record::User { user, clear, .. } = record else { return };
        if clear.is_some() || self.to_wrap(user.password.as_ref()).is_some() {
            checked.to_hash += 1;
        } else if let Some(password) = &user.password {
            checked.schemes.extend(self.scheme(password));
        }
    }

    /// Hashes the clear passwords of checked records, and wraps the hashes that are to be wrapped.
    pub(super) async fn hash(
        self,
        mut checked: Checked,
        progress: OnProgress<'_>,
    ) -> Result<Checked, ImportError> {
        let of = checked.to_hash;
        let mut hashed = Checked::default();
        hashed.schemes = std::mem::take(&mut checked.schemes);
        let mut ready = stream::iter(checked.read()?)
            .map(|draft| async {
                let mut draft = draft?;
                let is_new = self.hash_one(&mut draft.record).await?;
                Ok::<_, ImportError>((draft, is_new))
            })
            .buffered(HASHING);
        let mut passwords = 0;
        while let Some(done) = ready.next().await {
            let (draft, is_new) = done?;
            hashed.push(&draft)?;
            if !is_new {
                continue;
            }
            if let Record::User { user, .. } = &draft.record {
                hashed.schemes.extend(user.password.as_ref().and_then(|password| self.scheme(password)));
            }
            passwords += 1;
            if passwords % PASSWORDS_PER_STEP == 0 {
                tell(progress, Progress::Hashed { passwords, of })?;
            }
        }
        drop(ready);
        Ok(hashed)
    }

    /// Hashes a record's password, if it is in clear or to be wrapped; tells whether.
    pub(super) async fn hash_one(self, record: &mut Record) -> Result<bool, InternalError> {
        let Record::User { user, clear, digest_ready } = record else { return Ok(false) };
        let (passwords, client) = (self.engine.passwords(), ClientKey::default());
        let params = passwords.config().params;
        let hashed = if let Some(password) = clear.take() {
            let rule = HashingRule { params, digest_ready: *digest_ready };
            passwords.pool().hash(SecretInput::Password(password), rule, client).await
        } else if let Some(old) = self.to_wrap(user.password.as_ref()) {
            passwords.pool().wrap(old, HashingRule { params, digest_ready: false }, client).await
        } else {
            return Ok(false);
        };
        user.password = Some(hashed.map_err(|busy| InternalError::busy(busy.retry_after))?);
        Ok(true)
    }

    fn scheme(self, password: &PasswordString) -> Option<Scheme> {
        let stored = StoredPassword::parse(password).ok()?;
        Some(Scheme::of_stored(&stored, self.engine.passwords().config().params))
    }

    /// The hash that is to be put under Argon2id.
    fn to_wrap(self, password: Option<&PasswordString>) -> Option<OldHash> {
        OldHash::of(password.filter(|_| self.wrap)?, self.engine.passwords().config().params)
    }
}

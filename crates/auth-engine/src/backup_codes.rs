//! Backup codes of a TOTP device (rocketchat.md 2.4).
//!
//! A code is looked up by a keyed digest of its SHA-256, so that codes of which only that is known can move in. The
//! SHA-256 is kept too, sealed: with it the keyed digest can be made anew when keys are rotated.

use auth_core::{Credential, CredentialKind, Digest, InternalError, OneTimeCode, UserId};
use auth_crypto::keyring::{KeyRing, Purpose};
use auth_crypto::opaque;
use data_encoding::HEXLOWER;

use crate::Engine;

/// Codes of a device (rocketchat.md 2.4).
const BACKUP_CODES: usize = 12;

impl Engine {
    /// New codes, and what is stored of them.
    pub(crate) fn new_backup_codes(&self, user: UserId) -> (Vec<OneTimeCode>, Vec<Credential>) {
        let codes: Vec<_> = (0..BACKUP_CODES).map(|_| opaque::backup_code(&*self.rng)).collect();
        let stored = codes.iter().map(|code| self.backup_code(user, &hashed(code.expose()))).collect();
        (codes, stored)
    }

    /// A code of which the SHA-256 is known, in hexadecimal.
    pub(crate) fn backup_code(&self, user: UserId, hashed: &str) -> Credential {
        let ring = self.ring();
        let digest = ring.mac(Purpose::ShortCode, user.as_bytes(), hashed.as_bytes());
        let sealed = ring.seal(Purpose::BackupCode, user.as_bytes(), hashed.as_bytes(), &*self.rng);
        let code = self.new_credential(user, CredentialKind::BackupCode, Some(digest));
        Credential { sealed: Some(sealed), ..code }
    }

    /// Whether a code is one of the user's; it is used up if so.
    pub(crate) async fn use_backup_code(
        &self,
        user: UserId,
        code: &OneTimeCode,
    ) -> Result<bool, InternalError> {
        let (ring, code) = (self.ring(), code.expose());
        let hashed = hashed(code);
        let digests = ring.macs(Purpose::ShortCode, user.as_bytes(), hashed.as_bytes());
        // What an earlier version stored is of the code itself.
        let digests = digests.chain(ring.macs(Purpose::ShortCode, user.as_bytes(), code.as_bytes()));
        for digest in digests {
            let found = self.store.by_digest(CredentialKind::BackupCode, &digest).await?;
            if let Some((credential, _)) = found.filter(|(credential, _)| credential.user == user) {
                return Ok(self.store.remove(credential.id).await?);
            }
        }
        Ok(false)
    }
}

/// The digest under the active key of a code whose SHA-256 is sealed.
pub(crate) fn digest_of(ring: &KeyRing, user: UserId, sealed: &[u8]) -> Option<Digest> {
    let hashed = ring.open(Purpose::BackupCode, user.as_bytes(), sealed).ok()?;
    Some(ring.mac(Purpose::ShortCode, user.as_bytes(), &hashed))
}

fn hashed(code: &str) -> String {
    HEXLOWER.encode(opaque::digest(code).as_bytes())
}

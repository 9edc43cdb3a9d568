//! New credentials: with an id, a moment, a digest, and their secrets sealed.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    ApiKey, Clock, Credential, CredentialId, CredentialKind, Digest, InternalError, OneTimeCode, Password,
    Rng, Scope, Timestamp, Token, TotpSecret, UserId,
};
use auth_crypto::keyring::{KeyRing, Purpose};
use auth_crypto::opaque;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::keys::Keys;

/// The number of backup codes of a device.
const BACKUP_CODES: usize = 12;

/// Characters of a personal token that its owner is shown again.
const LAST_PART: usize = 6;

/// Makes credentials as the store keeps them, and opens their sealed secrets.
pub struct CredentialFactory {
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl CredentialFactory {
    pub(crate) fn new(keys: Arc<Keys>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { keys, clock, rng }
    }

    /// A credential of a kind without a secret, made now.
    #[must_use]
    pub fn credential(&self, user: UserId, kind: CredentialKind, digest: Option<Digest>) -> Credential {
        Credential {
            id: CredentialId::random(&*self.rng),
            user,
            kind,
            parent: None,
            digest,
            sealed: None,
            clear_only: false,
            scope: Scope::default(),
            label: None,
            origin: None,
            created: self.clock.now(),
            expires: None,
            last_used: None,
            counter: 0,
        }
    }

    /// An opaque token and the credential that keeps its digest.
    #[must_use]
    pub fn token(
        &self,
        user: UserId,
        kind: CredentialKind,
        expires: Option<Timestamp>,
    ) -> (Token, Credential) {
        let token = self.new_token(kind);
        let digest = opaque::digest(token.expose());
        (token, Credential { expires, ..self.credential(user, kind, Some(digest)) })
    }

    /// A new token of a kind.
    pub(crate) fn new_token(&self, kind: CredentialKind) -> Token {
        match kind {
            CredentialKind::HANDOVER => opaque::zulip_token(&*self.rng),
            CredentialKind::WEB_SESSION | CredentialKind::RESET_VISIT => {
                opaque::web_session_token(&*self.rng)
            }
            _ => opaque::rocketchat_token(&*self.rng),
        }
    }

    /// An app password as the store keeps it, for all protocols and without an end.
    #[must_use]
    pub fn app_password(&self, user: UserId, name: &str, password: &Password) -> Credential {
        let digest = opaque::app_password_digest(&opaque::digest(password.expose()));
        Credential {
            label: Some(name.to_owned()),
            scope: Scope { protocols: Vec::new(), bypass_second_factor: true },
            ..self.credential(user, CredentialKind::APP_PASSWORD, Some(digest))
        }
    }

    /// A Zulip API key as the store keeps it.
    #[must_use]
    pub fn zulip_key(&self, user: UserId, key: &ApiKey) -> Credential {
        let sealed = self.seal(Purpose::ZulipKey, user, key.expose().as_bytes());
        let digest = opaque::digest(key.expose());
        Credential { sealed: Some(sealed), ..self.credential(user, CredentialKind::ZULIP_KEY, Some(digest)) }
    }

    /// A new random Zulip API key.
    #[must_use]
    pub fn new_zulip_key(&self) -> ApiKey {
        opaque::zulip_api_key(&*self.rng)
    }

    /// Opens a stored Zulip API key.
    ///
    /// # Errors
    /// An [`InternalError`] when the key can't be read.
    pub fn open_zulip_key(&self, stored: &Credential) -> Result<ApiKey, InternalError> {
        let corrupt = || InternalError::corrupt("a sealed Zulip key");
        let opened = self.open(Purpose::ZulipKey, stored).ok_or_else(corrupt)?;
        std::str::from_utf8(&opened).map(ApiKey::new).map_err(|_| corrupt())
    }

    /// A personal access token, of which the digest and the last part are known.
    #[must_use]
    pub fn personal_token(&self, user: UserId, name: &str, digest: Digest, last_part: &str) -> Credential {
        let sealed = self.seal(Purpose::PersonalToken, user, last_part.as_bytes());
        Credential {
            sealed: Some(sealed),
            label: Some(name.to_owned()),
            ..self.credential(user, CredentialKind::PERSONAL_TOKEN, Some(digest))
        }
    }

    /// A new personal access token and the credential that keeps its digest.
    pub(crate) fn new_personal_token(&self, user: UserId, name: &str) -> (Token, Credential) {
        let token = opaque::rocketchat_token(&*self.rng);
        let text = token.expose();
        let last_part = text.get(text.len().saturating_sub(LAST_PART)..).unwrap_or_default();
        let stored = self.personal_token(user, name, opaque::digest(text), last_part);
        (token, stored)
    }

    /// The last part of a personal access token; empty when it can't be read.
    pub(crate) fn last_part(&self, token: &Credential) -> String {
        let opened = self.open(Purpose::PersonalToken, token);
        opened.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// A TOTP device, pending or confirmed.
    #[must_use]
    pub fn totp(&self, user: UserId, kind: CredentialKind, secret: &TotpSecret) -> Credential {
        let sealed = self.seal(Purpose::Totp, user, secret.expose());
        Credential { sealed: Some(sealed), ..self.credential(user, kind, None) }
    }

    /// Opens the shared secret of a stored TOTP device.
    ///
    /// # Errors
    /// An [`InternalError`] when the secret can't be read.
    pub fn totp_secret(&self, device: &Credential) -> Result<TotpSecret, InternalError> {
        let opened = self.open(Purpose::Totp, device);
        opened.map(TotpSecret::new).ok_or_else(|| InternalError::corrupt("a sealed second factor"))
    }

    /// A mailed code as the store keeps it.
    pub(crate) fn mailed_code(&self, user: UserId, code: &OneTimeCode, expires: Timestamp) -> Credential {
        let digest = self.short_code_digest(user, code.expose());
        let sealed = self.seal(Purpose::Mail, user, code.expose().as_bytes());
        let credential = self.credential(user, CredentialKind::MAILED_CODE, Some(digest));
        Credential { expires: Some(expires), sealed: Some(sealed), ..credential }
    }

    /// Opens a stored mailed code.
    pub(crate) fn open_mailed_code(&self, stored: &Credential) -> Option<OneTimeCode> {
        let opened = self.open(Purpose::Mail, stored)?;
        String::from_utf8(opened).ok().map(OneTimeCode::new)
    }

    /// New backup codes, and the credentials that keep them.
    #[must_use]
    pub fn backup_codes(&self, user: UserId) -> (Vec<OneTimeCode>, Vec<Credential>) {
        let codes: Vec<_> = (0..BACKUP_CODES).map(|_| opaque::backup_code(&*self.rng)).collect();
        let stored = codes.iter().map(|code| self.backup_code(user, &sha256_hex(code.expose()))).collect();
        (codes, stored)
    }

    /// A backup code of which the SHA-256 is known, in hexadecimal.
    ///
    /// The code is looked up by a keyed digest of the SHA-256, so that codes of which only that is known can be
    /// imported. The SHA-256 is kept too, sealed: with it the keyed digest can be made anew when keys are rotated.
    #[must_use]
    pub fn backup_code(&self, user: UserId, sha256: &str) -> Credential {
        let digest = self.short_code_digest(user, sha256);
        let sealed = self.seal(Purpose::BackupCode, user, sha256.as_bytes());
        Credential {
            sealed: Some(sealed),
            ..self.credential(user, CredentialKind::BACKUP_CODE, Some(digest))
        }
    }

    /// The digests under which a backup code may be stored, under every key of the ring.
    pub(crate) fn backup_code_digests(&self, user: UserId, code: &OneTimeCode) -> Vec<Digest> {
        let (ring, code) = (self.keys.ring(), code.expose());
        let sha256 = sha256_hex(code);
        let of =
            |text: &str| ring.macs(Purpose::ShortCode, user.as_bytes(), text.as_bytes()).collect::<Vec<_>>();
        // An earlier version stored the digest of the code itself.
        [of(&sha256), of(code)].concat()
    }

    /// The digest under which a short code is stored: a keyed MAC bound to its user, never a bare digest.
    pub(crate) fn short_code_digest(&self, user: UserId, code: &str) -> Digest {
        self.keys.ring().mac(Purpose::ShortCode, user.as_bytes(), code.as_bytes())
    }

    /// The digests of a short code under every key of the ring.
    pub(crate) fn short_code_digests(&self, user: UserId, code: &str) -> Vec<Digest> {
        self.keys.ring().macs(Purpose::ShortCode, user.as_bytes(), code.as_bytes()).collect()
    }

    /// The digest of a credential as it is used from one place.
    pub(crate) fn fingerprint(&self, credential: CredentialId, place: &str) -> Digest {
        self.keys.ring().mac(Purpose::ShortCode, credential.as_bytes(), place.as_bytes())
    }

    /// A credential as another user has it, with its secret sealed anew; `None` when the secret can't be opened.
    #[must_use]
    pub fn for_user(&self, stored: &Credential, user: UserId) -> Option<Credential> {
        let new = Credential { user, ..stored.clone() };
        if stored.sealed.is_none() {
            return Some(new);
        }
        let purpose = match stored.kind {
            CredentialKind::ZULIP_KEY => Purpose::ZulipKey,
            CredentialKind::PERSONAL_TOKEN => Purpose::PersonalToken,
            CredentialKind::TOTP | CredentialKind::PENDING_TOTP => Purpose::Totp,
            CredentialKind::BACKUP_CODE => Purpose::BackupCode,
            CredentialKind::MAILED_CODE => Purpose::Mail,
            _ => return None,
        };
        let opened = Zeroizing::new(self.open(purpose, stored)?);
        let sealed = self.seal(purpose, user, &opened);
        let digest = match purpose {
            Purpose::BackupCode | Purpose::Mail => {
                Some(self.short_code_digest(user, std::str::from_utf8(&opened).ok()?))
            }
            _ => stored.digest,
        };
        Some(Credential { sealed: Some(sealed), digest, ..new })
    }

    fn seal(&self, purpose: Purpose, user: UserId, secret: &[u8]) -> Vec<u8> {
        self.keys.ring().seal(purpose, user.as_bytes(), secret, &*self.rng)
    }

    fn open(&self, purpose: Purpose, stored: &Credential) -> Option<Vec<u8>> {
        let sealed = stored.sealed.as_deref()?;
        let opened = self.keys.ring().open(purpose, stored.user.as_bytes(), sealed).ok()?;
        Some(opened.to_vec())
    }
}

impl fmt::Debug for CredentialFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialFactory").finish_non_exhaustive()
    }
}

/// The digest of a backup code under the active key, made from its sealed SHA-256.
#[must_use]
pub fn backup_code_digest(ring: &KeyRing, user: UserId, sealed: &[u8]) -> Option<Digest> {
    let sha256 = ring.open(Purpose::BackupCode, user.as_bytes(), sealed).ok()?;
    Some(ring.mac(Purpose::ShortCode, user.as_bytes(), &sha256))
}

/// SHA-256 of a code, in hexadecimal.
#[must_use]
pub fn sha256_hex(code: &str) -> String {
    HEXLOWER.encode(opaque::digest(code).as_bytes())
}

/// Whether a credential has ended.
#[must_use]
pub fn has_ended(credential: &Credential, now: Timestamp) -> bool {
    credential.expires.is_some_and(|end| end <= now)
}

/// Whether a code, or a token that lives for an hour, has ended. One that was made in the future has: the clock was set
/// back since, and nobody knows how old it is.
pub(crate) fn code_has_ended(code: &Credential, now: Timestamp) -> bool {
    has_ended(code, now) || code.created.is_ahead(now)
}

/// Whether two signed tokens go back to the same login: renewed ones keep the moment of the login as that of their creation.
#[must_use]
pub fn is_of_same_login(one: &Credential, other: &Credential) -> bool {
    let login = |token: &Credential| (token.user, token.kind, token.created, token.parent);
    login(one) == login(other)
}

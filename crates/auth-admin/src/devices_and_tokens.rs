//! Second factors and tokens of an account: enrolled, listed, revoked.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, Act, Clock, Credential, CredentialId, CredentialKind, OneTimeCode, ProtocolName, Revocation,
    Rng, Store, TotpSecret,
};
use auth_crypto::totp;
use auth_engine::{
    CredentialFactory, DeviceRemovals, Engine, HeldRemoval, Hold, PasswordService, RevocationEvent,
    RevocationTable, is_of_same_login,
};
use zeroize::Zeroizing;

use crate::error::AdminError;
use crate::scribe::{Author, Scribe};

/// The issuer that authenticator apps show before the name of a user.
const ISSUER: &str = "auth-server";

/// A TOTP device that is shown to its owner, and not enrolled yet.
#[derive(Debug)]
pub struct NewDevice {
    secret: TotpSecret,
    /// The address that authenticator apps take from a picture.
    pub url: Zeroizing<String>,
}

impl NewDevice {
    /// A device of this secret, which was shown to its owner before.
    pub(crate) fn with_secret(secret: TotpSecret) -> Self {
        Self { secret, url: Zeroizing::default() }
    }

    /// The secret.
    pub(crate) fn secret(&self) -> &TotpSecret {
        &self.secret
    }
}

/// Administers second factors.
pub struct Devices {
    store: Arc<dyn Store>,
    credentials: Arc<CredentialFactory>,
    revocations: Arc<RevocationTable>,
    removals: Arc<DeviceRemovals>,
    scribe: Scribe,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    /// The number of steps of 30 seconds by which a code may be off.
    totp_delta: u32,
}

impl Devices {
    /// Administers the second factors of an engine's store.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            store: Arc::clone(engine.store()),
            credentials: Arc::clone(engine.credentials()),
            revocations: Arc::clone(engine.revocations()),
            removals: Arc::clone(engine.device_removals()),
            scribe: Scribe::new(engine),
            clock: Arc::clone(engine.clock()),
            rng: Arc::clone(engine.rng()),
            totp_delta: engine.config().rocketchat.totp_delta,
        }
    }

    /// Sets whom the audit log names in place of the operator: an [`Actor`](auth_core::Actor), such as a directory, or an
    /// [`Author`].
    #[must_use]
    pub fn acting_as(self, author: impl Into<Author>) -> Self {
        Self { scribe: self.scribe.acting_as(author), ..self }
    }

    /// A device for an account. Nothing is stored of it before [`Devices::enrol`].
    #[must_use]
    pub fn new_device(&self, account: &Account) -> NewDevice {
        let user = &account.user;
        let email = user.email().map(|email| email.address);
        let name = user.user_name().or(email).unwrap_or(user.external_text(ProtocolName::ROCKETCHAT));
        let secret = totp::new_secret(&*self.rng);
        let url = totp::otpauth_url(&secret, ISSUER, name);
        NewDevice { secret, url }
    }

    /// Enrols a device in place of the one that the account may have, with new backup codes, and ends its sessions. With
    /// `code`, only if the code is right: `None` when it isn't.
    ///
    /// # Errors
    /// [`AdminError::NoUser`] when the account is gone, or [`AdminError::Store`].
    pub async fn enrol(
        &self,
        account: &Account,
        device: &NewDevice,
        code: Option<&OneTimeCode>,
    ) -> Result<Option<Vec<OneTimeCode>>, AdminError> {
        let mut step = 0;
        if let Some(code) = code {
            let found = totp::verify(&device.secret, code, self.clock.now(), self.totp_delta);
            let Some(found) = found else { return Ok(None) };
            step = found;
        }
        let user = account.user.id;
        let (codes, mut new) = self.credentials.backup_codes(user);
        let stored = self.credentials.totp(user, CredentialKind::TOTP, &device.secret);
        new.push(Credential { counter: step, ..stored });
        let revoked = self.revocations.kinds(RevocationEvent::DeviceEnrolled);
        let audit = self.scribe.row(Act::DeviceEnrolled, account, "");
        if !self.store.exchange(user, &revoked, None, &new, Some(&audit)).await? {
            return Err(AdminError::NoUser);
        }
        Ok(Some(codes))
    }

    /// Removes an account's device and backup codes; `false` when it has none.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn remove(&self, account: &Account) -> Result<bool, AdminError> {
        let kinds = self.revocations.kinds(RevocationEvent::DeviceRemoved);
        let audit = self.scribe.row(Act::DeviceRemoved, account, "");
        Ok(self.store.remove_of_user(account.user.id, &kinds, None, Some(&audit)).await? > 0)
    }

    /// Holds the removal of an account's device for a day, and mails its owner; `None` when it has none.
    ///
    /// # Errors
    /// [`AdminError::Inactive`] and [`AdminError::NoAddress`] when the owner could neither keep the device nor learn of it,
    /// [`AdminError::TooManyMails`] when it was asked for and stopped too often, or [`AdminError::Internal`].
    pub async fn hold_removal(&self, account: &Account) -> Result<Option<HeldRemoval>, AdminError> {
        let user = &account.user;
        if !user.active {
            return Err(AdminError::Inactive);
        }
        if account.totp && user.email().is_none() {
            return Err(AdminError::NoAddress);
        }
        let audit = self.scribe.row(Act::DeviceRemovalHeld, account, "");
        match self.removals.hold(account, &audit).await? {
            Hold::Held(held) => Ok(Some(held)),
            Hold::TooManyMails => Err(AdminError::TooManyMails),
            _ => Ok(None),
        }
    }

    /// Keeps an account's device whose removal is held; `false` when none is.
    ///
    /// # Errors
    /// [`AdminError::Internal`].
    pub async fn keep(&self, account: &Account) -> Result<bool, AdminError> {
        let audit = self.scribe.row(Act::DeviceRemovalStopped, account, "");
        Ok(self.removals.stop(account.user.id, &audit).await?)
    }
}

impl fmt::Debug for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devices").finish_non_exhaustive()
    }
}

/// Administers tokens and keys.
pub struct Tokens {
    store: Arc<dyn Store>,
    passwords: Arc<PasswordService>,
    scribe: Scribe,
    kinds: Vec<CredentialKind>,
}

impl Tokens {
    /// Administers the tokens of an engine's store.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        let passwords = Arc::clone(engine.passwords());
        let kinds = engine.revocations().kinds(RevocationEvent::TokensRevoked);
        Self { store: Arc::clone(engine.store()), passwords, scribe: Scribe::new(engine), kinds }
    }

    /// Sets whom the audit log names in place of the operator: an [`Actor`](auth_core::Actor), such as a directory, or an
    /// [`Author`].
    #[must_use]
    pub fn acting_as(self, author: impl Into<Author>) -> Self {
        Self { scribe: self.scribe.acting_as(author), ..self }
    }

    /// The tokens of an account, kind by kind, oldest first: those of logins, Zulip's keys, and personal ones.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn list(&self, account: &Account) -> Result<Vec<Credential>, AdminError> {
        Ok(self.store.of_kinds(account.user.id, &self.kinds).await?)
    }

    /// Revokes one of an account's tokens, a signed one with all that go back to the same login; `false` when it has no such
    /// token.
    ///
    /// # Errors
    /// [`AdminError::Store`].
    pub async fn revoke(&self, account: &Account, id: CredentialId) -> Result<bool, AdminError> {
        let own = self.list(account).await?;
        let Some(token) = own.into_iter().find(|token| token.id == id) else { return Ok(false) };
        let audit = self.scribe.row(Act::TokenRevoked, account, token.kind.as_str());
        if token.kind != CredentialKind::ZETTELSTORE_TOKEN {
            return Ok(self.store.remove(id, Some(&audit)).await?);
        }
        // The first that is there takes the row along.
        let mut audit = Some(&audit);
        // A token may be renewed meanwhile, but only while one of its login is there.
        loop {
            let mut own = self.store.of_user(account.user.id, token.kind).await?;
            own.retain(|other| is_of_same_login(other, &token));
            if own.is_empty() {
                return Ok(true);
            }
            for one in own {
                if self.store.remove(one.id, audit).await? {
                    audit = None;
                }
            }
        }
    }

    /// Revokes all of an account's tokens, and refuses the signed tokens that it was given before.
    ///
    /// # Errors
    /// [`AdminError::NoUser`] when the account is gone, or [`AdminError::Store`].
    pub async fn revoke_all(&self, account: &Account) -> Result<(), AdminError> {
        let revocation = Revocation {
            valid_from: Some(self.passwords.next_valid_from()),
            kinds: &self.kinds,
            except: None,
        };
        let audit = self.scribe.row(Act::TokensRevoked, account, "");
        let is_there = self.store.revoke(account.user.id, &revocation, Some(&audit)).await?;
        if is_there { Ok(()) } else { Err(AdminError::NoUser) }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

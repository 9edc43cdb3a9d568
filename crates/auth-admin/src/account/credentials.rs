//! What operators do to the second factors and tokens of an account, from the command line.

use auth_core::{
    Account, Credential, CredentialId, CredentialKind, OneTimeCode, Revocation, Timestamp, TotpSecret,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::totp;
use zeroize::Zeroizing;

use super::OperatorError;
use crate::Engine;
use crate::enrolment::DEVICE;

/// What clients hold and an operator can take away: tokens and keys, but no app passwords.
pub const TOKENS: [CredentialKind; 4] = [
    CredentialKind::RocketChatToken,
    CredentialKind::PersonalToken,
    CredentialKind::ZulipKey,
    CredentialKind::WebSession,
];

/// What authenticator apps show before the name of a user.
const ISSUER: &str = "auth-server";

/// A TOTP device that is shown to its owner, and not enrolled yet.
#[derive(Debug)]
pub struct NewDevice {
    secret: TotpSecret,
    /// The address that authenticator apps take from a picture.
    pub url: Zeroizing<String>,
}

impl Engine {
    /// A device for an account, which keeps nothing of it before [`Engine::enrol`].
    #[must_use]
    pub fn new_device(&self, account: &Account) -> NewDevice {
        let user = &account.user;
        let email = user.email().map(|email| email.address);
        let name = user.user_name().or(email).unwrap_or(&user.protocols.rocketchat).to_owned();
        let secret = totp::new_secret(&*self.rng);
        let url = totp::otpauth_url(&secret, ISSUER, &name);
        NewDevice { secret, url }
    }

    /// Enrols a device in place of the one that the account may have, with new backup codes, and ends its
    /// sessions. With `code`, only if the code is right: `None` when it isn't.
    ///
    /// # Errors
    /// [`OperatorError::NoUser`] when the account is gone, or the store's.
    pub async fn enrol(
        &self,
        account: &Account,
        device: &NewDevice,
        code: Option<&OneTimeCode>,
    ) -> Result<Option<Vec<OneTimeCode>>, OperatorError> {
        let mut step = 0;
        if let Some(code) = code {
            let delta = self.config.rocketchat.totp_delta;
            let Some(found) = totp::verify(&device.secret, code, self.now(), delta) else { return Ok(None) };
            step = found;
        }
        let user = account.user.id;
        let sealed = self.ring().seal(Purpose::Totp, user.as_bytes(), device.secret.expose(), &*self.rng);
        let (codes, mut new) = self.new_backup_codes(user);
        let credential = self.new_credential(user, CredentialKind::Totp, None);
        new.push(Credential { sealed: Some(sealed), counter: step, ..credential });
        let mut ends = DEVICE.to_vec();
        ends.extend([CredentialKind::RocketChatToken, CredentialKind::WebSession]);
        if !self.store.exchange(user, &ends, None, &new).await? {
            return Err(OperatorError::NoUser);
        }
        Ok(Some(codes))
    }

    /// Takes an account's device and backup codes away; `false` when it has none.
    ///
    /// # Errors
    /// The store's.
    pub async fn remove_device_of(&self, account: &Account) -> Result<bool, OperatorError> {
        Ok(self.store.remove_of_user(account.user.id, &DEVICE, None).await? > 0)
    }

    /// The [`TOKENS`] of an account, kind by kind, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn tokens(&self, account: &Account) -> Result<Vec<Credential>, OperatorError> {
        let mut tokens = Vec::new();
        for kind in TOKENS {
            tokens.extend(self.store.of_user(account.user.id, kind).await?);
        }
        Ok(tokens)
    }

    /// Takes one of an account's [`TOKENS`] away; `false` when it has no such.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_token(&self, account: &Account, id: CredentialId) -> Result<bool, OperatorError> {
        let own = self.tokens(account).await?;
        Ok(own.iter().any(|token| token.id == id) && self.store.remove(id).await?)
    }

    /// Takes all of an account's [`TOKENS`] away, and refuses the signed tokens that it was given before.
    ///
    /// # Errors
    /// [`OperatorError::NoUser`] when the account is gone, or the store's.
    pub async fn revoke_tokens(&self, account: &Account) -> Result<(), OperatorError> {
        let valid_from: Timestamp = self.next_valid_from();
        let ends = Revocation { valid_from: Some(valid_from), kinds: &TOKENS };
        // The command that moves the stamp: whether the account is active stays as it is.
        let there = self.store.set_active(account.user.id, account.user.active, &ends).await?;
        if there { Ok(()) } else { Err(OperatorError::NoUser) }
    }
}

//! Second factors come and go: TOTP devices, backup codes, mailed codes (rocketchat.md 2.5).

use async_trait::async_trait;
use auth_core::{
    Account, ActionError, Caller, Credential, CredentialKind, Done, Enrolment, Identifier, NameKind,
    OneTimeCode, Permission, RealmId, SecondFactors, Timestamp, Token,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::totp;

use crate::Engine;
use crate::confirm::Demand;
use crate::engine::broken;
use crate::sessions::ALL_TOKENS;

/// What authenticator apps show before the user's name (rocketchat.md 2.4).
const ISSUER: &str = "Rocket.Chat";

/// A device with all that belongs to it.
pub(crate) const DEVICE: [CredentialKind; 3] =
    [CredentialKind::PendingTotp, CredentialKind::Totp, CredentialKind::BackupCode];

#[async_trait]
impl SecondFactors for Engine {
    async fn enrol_device(&self, caller: &Caller<'_>) -> Done<Enrolment> {
        let account = match self.confirmed(caller, Demand::Remembered).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        let Some(name) = account.user.user_name() else { return Ok(Err(ActionError::NoUserName)) };
        if account.totp {
            return Ok(Err(ActionError::DeviceExists));
        }
        let user = account.user.id;
        let secret = totp::new_secret(&*self.rng);
        let sealed = self.ring().seal(Purpose::Totp, user.as_bytes(), secret.expose(), &*self.rng);
        let pending = CredentialKind::PendingTotp;
        let device = Credential { sealed: Some(sealed), ..self.new_credential(user, pending, None) };
        if !self.store.exchange(user, &[pending], None, &[device]).await? {
            return Ok(Err(ActionError::NoSuchUser));
        }
        Ok(Ok(Enrolment {
            secret: Token::new(totp::to_base32(&secret).as_str()),
            url: Token::new(totp::otpauth_url(&secret, ISSUER, name).as_str()),
        }))
    }

    async fn confirm_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        let account = match self.confirmed(caller, Demand::Remembered).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        let (user, now) = (account.user.id, self.now());
        let Some(pending) = self.store.of_user(user, CredentialKind::PendingTotp).await?.pop() else {
            return Ok(Err(ActionError::NoDevice));
        };
        if !self.reserve_second_factor(user, now).await? {
            return Ok(Err(ActionError::WrongCode));
        }
        let secret = self.totp_secret(&pending)?;
        let Some(step) = totp::verify(&secret, code, now, self.config.rocketchat.totp_delta) else {
            return Ok(Err(ActionError::WrongCode));
        };
        // Of two requests with one code one confirms.
        if !self.store.raise_counter(pending.id, step).await? {
            return Ok(Err(ActionError::WrongCode));
        }
        self.second_factor_passed(user, now).await;

        let (codes, mut new) = self.new_backup_codes(user);
        let device = self.new_credential(user, CredentialKind::Totp, None);
        new.push(Credential { sealed: pending.sealed, counter: step, ..device });
        let mut ends = DEVICE.to_vec();
        ends.extend([CredentialKind::RocketChatToken, CredentialKind::WebSession]);
        if !self.store.exchange(user, &ends, caller.principal.credential, &new).await? {
            return Ok(Err(ActionError::NoSuchUser));
        }
        tracing::info!(target: "auth::account", %user, "device enrolled");
        Ok(Ok(codes))
    }

    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<bool> {
        let account = match self.own_account(caller).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        let user = account.user.id;
        if !account.totp || !self.is_device_code(&account, code).await? {
            return Ok(Ok(false));
        }
        self.store.remove_of_user(user, &DEVICE, None).await?;
        tracing::info!(target: "auth::account", %user, "device removed");
        Ok(Ok(true))
    }

    async fn renew_backup_codes(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        let account = match self.own_account(caller).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        if !account.totp {
            return Ok(Err(ActionError::NoDevice));
        }
        if !self.is_device_code(&account, code).await? {
            return Ok(Err(ActionError::WrongCode));
        }
        let user = account.user.id;
        let (codes, new) = self.new_backup_codes(user);
        if !self.store.exchange(user, &[CredentialKind::BackupCode], None, &new).await? {
            return Ok(Err(ActionError::NoSuchUser));
        }
        tracing::info!(target: "auth::account", %user, "backup codes renewed");
        Ok(Ok(codes))
    }

    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Done<usize> {
        let account = match self.own_account(caller).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        if !account.totp {
            return Ok(Err(ActionError::NoDevice));
        }
        Ok(Ok(self.store.of_user(account.user.id, CredentialKind::BackupCode).await?.len()))
    }

    async fn reset_device(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Done<()> {
        if let Err(denial) = self.confirmed(caller, Demand::Anew).await? {
            return Ok(Err(denial));
        }
        let account = match self.account_of(caller, of, Permission::ResetOthersDevice).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        let user = account.user.id;
        let mut ends = DEVICE.to_vec();
        ends.extend(ALL_TOKENS);
        self.store.remove_of_user(user, &ends, None).await?;
        tracing::info!(target: "auth::account", by = %caller.principal.profile.user.id, %user, "device reset");
        Ok(Ok(()))
    }

    async fn require_mailed_codes(&self, caller: &Caller<'_>) -> Done<()> {
        let account = match self.own_account(caller).await? {
            Ok(account) => account,
            Err(denial) => return Ok(Err(denial)),
        };
        let addresses = || account.user.names.iter().filter(|name| name.kind == NameKind::Email);
        if addresses().next().is_none() || addresses().any(|name| !name.verified) {
            return Ok(Err(ActionError::AddressUnverified));
        }
        self.set_mailed_codes(&account, true).await?;
        self.end_others(caller).await?;
        Ok(Ok(()))
    }

    async fn waive_mailed_codes(&self, caller: &Caller<'_>) -> Done<()> {
        match self.confirmed(caller, Demand::Anew).await? {
            Ok(account) => self.set_mailed_codes(&account, false).await.map(Ok),
            Err(denial) => Ok(Err(denial)),
        }
    }

    async fn mail_code(&self, realm: RealmId, who: &Identifier) -> Done<Timestamp> {
        let started = self.now();
        let realm = self.realm_by_id(realm).await?.ok_or_else(|| broken("the realm of a protocol"))?;
        let account = self.resolve(&realm, who).await?;
        if let Some(account) = account.filter(|account| account.user.active && account.mails_codes())
            && self.limits.reserve_mail(account.user.id, started)
        {
            self.send_code(&account).await?;
        }
        Ok(Ok(self.next_step(started)))
    }

    async fn confirm(&self, caller: &Caller<'_>) -> Done<()> {
        Ok(self.confirmed(caller, Demand::Always).await?.map(drop))
    }
}

impl Engine {
    async fn set_mailed_codes(&self, account: &Account, on: bool) -> Result<(), auth_core::InternalError> {
        let user = account.user.id;
        self.store.set_email_second_factor(user, on).await?;
        tracing::info!(target: "auth::account", %user, on, "mailed codes switched");
        Ok(())
    }
}

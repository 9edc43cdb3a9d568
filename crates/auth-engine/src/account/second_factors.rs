//! Second factors come and go: TOTP devices, backup codes, mailed codes.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Act, ActionError, AuditRecord, Caller, Clock, Credential, CredentialKind, Enrolment, Identifier,
    InternalError, NameKind, OneTimeCode, Permission, ProtocolName, RealmId, Revocation, Rng, SecondFactors,
    Store, Timestamp, Token, UserId,
};
use auth_crypto::totp;

use super::confirm::{Demand, StepUp};
use super::device_removals::DeviceRemovals;
use super::notices::Notices;
use crate::audit::Auditor;
use crate::credentials::CredentialFactory;
use crate::login::second_factor::SecondFactorCheck;
use crate::mail_text::Notice;
use crate::rate_limit::shared::AttemptLimits;
use crate::realms::RealmCache;
use crate::revocation::{RevocationEvent, RevocationTable};
use crate::timing::mail_step::next_step;
use crate::users::UserFinder;

/// The issuer that authenticator apps show before the user's name, for devices that Rocket.Chat's clients enrol.
const ISSUER: &str = "Rocket.Chat";

/// Enrols and removes second factors.
pub(crate) struct SecondFactorService {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) realms: Arc<RealmCache>,
    pub(crate) users: Arc<UserFinder>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) step_up: Arc<StepUp>,
    pub(crate) revocations: Arc<RevocationTable>,
    pub(crate) check: Arc<SecondFactorCheck>,
    pub(crate) removals: Arc<DeviceRemovals>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl SecondFactorService {
    async fn set_mailed_codes(
        &self,
        audit: &AuditRecord,
        user: UserId,
        on: bool,
        revocation: &Revocation<'_>,
    ) -> Result<(), ActionError> {
        self.store.set_email_second_factor(user, on, revocation, Some(audit)).await?;
        tracing::info!(target: "auth::account", %user, on, "mailed codes switched");
        Ok(())
    }
}

#[async_trait]
impl SecondFactors for SecondFactorService {
    async fn enrol_device(&self, caller: &Caller<'_>) -> Result<Enrolment, ActionError> {
        let account = self.step_up.confirm(caller, Demand::Remembered).await?;
        // Rocket.Chat's clients show the user name; people of pages may have an address alone.
        let address = account.user.email().filter(|_| caller.protocol == ProtocolName::WEB);
        let name = account.user.user_name().or(address.map(|email| email.address));
        let name = name.ok_or(ActionError::NoUserName)?;
        if account.totp {
            return Err(ActionError::DeviceExists);
        }
        let user = account.user.id;
        let secret = totp::new_secret(&*self.rng);
        let pending = CredentialKind::PENDING_TOTP;
        let device = self.credentials.totp(user, pending, &secret);
        if !self.store.exchange(user, &[pending], None, &[device], None).await? {
            return Err(ActionError::NoSuchUser);
        }
        let url = match caller.protocol {
            ProtocolName::ROCKETCHAT => totp::otpauth_url_without_issuer(&secret, ISSUER, name),
            _ => totp::otpauth_url(&secret, issuer_of(caller), name),
        };
        Ok(Enrolment { secret: Token::new(totp::to_base32(&secret).as_str()), url: Token::new(url.as_str()) })
    }

    async fn confirm_device(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        let account = self.step_up.confirm(caller, Demand::Remembered).await?;
        let user = account.user.id;
        let pending = self.store.of_user(user, CredentialKind::PENDING_TOTP).await?.pop();
        let pending = pending.ok_or(ActionError::NoDevice)?;
        // Of two requests with one code one confirms.
        let step = self.check.use_first_code(&account, caller.peer, &pending, code).await?;
        let step = step.ok_or(ActionError::WrongCode)?;

        let (codes, mut new) = self.credentials.backup_codes(user);
        let device = self.credentials.credential(user, CredentialKind::TOTP, None);
        new.push(Credential { sealed: pending.sealed, counter: step, ..device });
        let revoked = self.revocations.kinds(RevocationEvent::DeviceEnrolled);
        let audit = self.auditor.by_caller(caller, Act::DeviceEnrolled, &account.user)?;
        if !self.store.exchange(user, &revoked, caller.principal.credential, &new, Some(&audit)).await? {
            return Err(ActionError::NoSuchUser);
        }
        tracing::info!(target: "auth::account", event = Act::DeviceEnrolled.as_str(), %user, "device enrolled");
        self.notices.tell(&account.user, Notice::DeviceAdded, caller.protocol, caller.peer).await;
        Ok(codes)
    }

    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Result<bool, ActionError> {
        let account = self.step_up.own_account(caller).await?;
        let user = account.user.id;
        if !account.totp || !self.check.is_device_code(&account, (caller.protocol, caller.peer), code).await?
        {
            return Ok(false);
        }
        let revoked = self.revocations.kinds(RevocationEvent::DeviceRemoved);
        let audit = self.auditor.by_caller(caller, Act::DeviceRemoved, &account.user)?;
        self.store.remove_of_user(user, &revoked, None, Some(&audit)).await?;
        tracing::info!(target: "auth::account", event = Act::DeviceRemoved.as_str(), %user, "device removed");
        self.notices.tell(&account.user, Notice::DeviceRemoved, caller.protocol, caller.peer).await;
        Ok(true)
    }

    async fn renew_backup_codes(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError> {
        let account = self.step_up.own_account(caller).await?;
        if !account.totp {
            return Err(ActionError::NoDevice);
        }
        if !self.check.is_device_code(&account, (caller.protocol, caller.peer), code).await? {
            return Err(ActionError::WrongCode);
        }
        let user = account.user.id;
        let (codes, new) = self.credentials.backup_codes(user);
        let audit = self.auditor.by_caller(caller, Act::BackupCodesRenewed, &account.user)?;
        if !self.store.exchange(user, &[CredentialKind::BACKUP_CODE], None, &new, Some(&audit)).await? {
            return Err(ActionError::NoSuchUser);
        }
        tracing::info!(target: "auth::account", event = Act::BackupCodesRenewed.as_str(), %user, "backup codes renewed");
        Ok(codes)
    }

    async fn device_removal(&self, caller: &Caller<'_>) -> Result<Option<Timestamp>, ActionError> {
        Ok(self.removals.held_until(caller.principal.profile.user.id).await?)
    }

    async fn keep_device(&self, caller: &Caller<'_>) -> Result<bool, ActionError> {
        let account = self.step_up.own_account(caller).await?;
        let audit = self.auditor.by_caller(caller, Act::DeviceRemovalStopped, &account.user)?;
        Ok(self.removals.stop(account.user.id, &audit).await?)
    }

    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Result<usize, ActionError> {
        let account = self.step_up.own_account(caller).await?;
        if !account.totp {
            return Err(ActionError::NoDevice);
        }
        Ok(self.store.of_user(account.user.id, CredentialKind::BACKUP_CODE).await?.len())
    }

    async fn reset_device(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Result<(), ActionError> {
        self.step_up.confirm(caller, Demand::Anew).await?;
        let account = self.step_up.account_of(caller, of, Permission::ResetOthersDevice).await?;
        let user = account.user.id;
        let revoked = self.revocations.kinds(RevocationEvent::DeviceReset);
        let audit = self.auditor.by_caller(caller, Act::DeviceReset, &account.user)?;
        self.store.remove_of_user(user, &revoked, None, Some(&audit)).await?;
        let by = caller.principal.profile.user.id;
        tracing::info!(target: "auth::account", event = Act::DeviceReset.as_str(), %by, %user, "device reset");
        let notice = if by == user { Notice::DeviceRemoved } else { Notice::DeviceReset };
        self.notices.tell(&account.user, notice, caller.protocol, caller.peer).await;
        Ok(())
    }

    async fn require_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        let account = self.step_up.own_account(caller).await?;
        let addresses = || account.user.names.iter().filter(|name| name.kind == NameKind::Email);
        if addresses().next().is_none() || addresses().any(|name| !name.verified) {
            return Err(ActionError::AddressUnverified);
        }
        let audit = self.auditor.by_caller(caller, Act::MailedCodesRequired, &account.user)?;
        let kinds = self.revocations.kinds(RevocationEvent::MailedCodesRequired);
        let revocation =
            Revocation { kinds: &kinds, except: caller.principal.credential, ..Revocation::NOTHING };
        self.set_mailed_codes(&audit, account.user.id, true, &revocation).await?;
        self.notices.tell(&account.user, Notice::MailedCodesOn, caller.protocol, caller.peer).await;
        Ok(())
    }

    async fn waive_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        let account = self.step_up.confirm(caller, Demand::Anew).await?;
        let audit = self.auditor.by_caller(caller, Act::MailedCodesWaived, &account.user)?;
        self.set_mailed_codes(&audit, account.user.id, false, &Revocation::NOTHING).await?;
        self.notices.tell(&account.user, Notice::MailedCodesOff, caller.protocol, caller.peer).await;
        Ok(())
    }

    async fn mail_code(&self, realm: RealmId, who: &Identifier) -> Result<Timestamp, ActionError> {
        let started = self.clock.now();
        let realm = self.realms.by_id(realm).await?;
        let realm = realm.ok_or_else(|| InternalError::corrupt("the realm of a protocol"))?;
        let account = self.users.find(&realm, who).await?;
        if let Some(account) = account.filter(|account| account.user.active && account.mails_codes())
            && self.limits.reserve_mail(CredentialKind::MAILED_CODE, account.user.id, started).await?
        {
            self.check.mail_code(&account, None).await?;
        }
        Ok(next_step(started, self.clock.now()))
    }

    async fn confirm(&self, caller: &Caller<'_>) -> Result<(), ActionError> {
        self.step_up.confirm(caller, Demand::Always).await.map(drop)
    }
}

/// The issuer of a device but at Rocket.Chat: the realm.
fn issuer_of<'a>(caller: &Caller<'a>) -> &'a str {
    let realm = &caller.principal.profile.realm;
    if realm.name.is_empty() { &realm.slug } else { &realm.name }
}

impl fmt::Debug for SecondFactorService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactorService").finish_non_exhaustive()
    }
}

//! Removals of second factors that a help desk asks for: held for a day, in which the owner can stop them.
//!
//! A removal is a credential that comes from the device which it names: it ends with the device, whatever ends that. The store
//! removes the device only while the removal is there. So it is carried out once, by whichever server comes first, and never
//! after it was stopped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Account, Act, Actor, AuditRecord, Clock, Credential, CredentialId, CredentialKind, Digest, InternalError,
    Peer, ProtocolName, Role, Store, StoreError, Timestamp, User, UserId,
};

use super::notices::Notices;
use crate::audit::Auditor;
use crate::credentials::CredentialFactory;
use crate::mail_text::Notice;
use crate::rate_limit::shared::AttemptLimits;
use crate::revocation::{RevocationEvent, RevocationTable};

/// How long a removal is held.
const HOLD: Duration = Duration::from_secs(24 * 3600);

/// How long a request may take to queue its mail: until then others wait for it.
const TELLING: Duration = Duration::from_secs(60);

/// What the audit log says of a removal that is not to be since its owner would not know of it.
const UNTOLD: &str = "no mail to the owner could be queued";

/// What the audit log says of a removal that is not to be since help desks help members alone.
const ABOVE: &str = "the role is above a member's";

/// The counter of a removal of which the owner was mailed. No other is carried out.
const TOLD: i64 = 1;

/// Removals are carried out in pages of this many.
const PAGE: u32 = 100;

/// A removal that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldRemoval {
    /// When the device is removed.
    pub until: Timestamp,
    /// Whether nobody had asked for it before.
    pub is_new: bool,
}

/// What a request for a removal comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hold {
    /// The account has no device.
    NoDevice,
    /// The removal is held.
    Held(HeldRemoval),
    /// The account was sent as many mails of this kind as it may be sent in an hour.
    TooManyMails,
}

/// Holds removals, stops them, and carries them out.
pub struct DeviceRemovals {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) revocations: Arc<RevocationTable>,
    pub(crate) auditor: Arc<Auditor>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl DeviceRemovals {
    /// Holds the removal of an account's device for a day, and mails its owner. The first request stands: a further one neither
    /// prolongs it nor sends a mail. `audit` is the row of the act; it names who asks.
    ///
    /// # Errors
    /// An [`InternalError`] when the removal may not have been stored, or the mail not queued. A removal of which no mail was
    /// queued is not carried out, and the next request takes its place.
    pub async fn hold(&self, account: &Account, audit: &AuditRecord) -> Result<Hold, InternalError> {
        let (user, now) = (account.user.id, self.clock.now());
        let Some(device) = self.store.of_user(user, CredentialKind::TOTP).await?.pop() else {
            return Ok(Hold::NoDevice);
        };
        let there = self.of(user).await?;
        if let Some(there) = there.as_ref().filter(|there| self.stands(there)) {
            return Ok(held(there));
        }
        if !self.limits.reserve_mail(CredentialKind::DEVICE_REMOVAL, user, now).await? {
            // Others may have asked at the same time.
            let there = self.of(user).await?.filter(|there| self.stands(there));
            return Ok(there.as_ref().map_or(Hold::TooManyMails, held));
        }
        let until = now + HOLD;
        let removal = Credential {
            parent: Some(device.id),
            label: Some(asked_by(&audit.actor)),
            expires: Some(until),
            ..self.credentials.credential(user, CredentialKind::DEVICE_REMOVAL, Some(only_of(device.id)))
        };
        let added = match there {
            Some(old) => self.store.replace(old.id, &removal, Some(audit)).await,
            None => self.store.add(&removal, u32::MAX, Some(audit)).await,
        };
        match added {
            Ok(true) => {}
            // Another request was faster, or the device is gone.
            Ok(false) | Err(StoreError::Conflict(_)) => {
                return Ok(self.of(user).await?.as_ref().map_or(Hold::NoDevice, held));
            }
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = self.notices.must_tell(&account.user, &Notice::DeviceRemovalHeld(until)).await {
            let act = Act::DeviceRemovalStopped;
            let audit = AuditRecord { act, detail: UNTOLD.to_owned(), ..audit.clone() };
            self.store.remove(removal.id, Some(&audit)).await?;
            return Err(error);
        }
        self.store.raise_counter(removal.id, TOLD).await?;
        Ok(Hold::Held(HeldRemoval { until, is_new: true }))
    }

    /// When the device of an account is to be removed; `None` where no removal is held.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn held_until(&self, user: UserId) -> Result<Option<Timestamp>, InternalError> {
        Ok(self.of(user).await?.as_ref().map(end))
    }

    /// Stops the removal that is held; `false` where there is none.
    ///
    /// # Errors
    /// An [`InternalError`] when the removal may not have been stopped.
    pub async fn stop(&self, user: UserId, audit: &AuditRecord) -> Result<bool, InternalError> {
        let kinds = [CredentialKind::DEVICE_REMOVAL];
        Ok(self.store.remove_of_user(user, &kinds, None, Some(audit)).await? > 0)
    }

    /// Stops the removal that may be held, since the device was shown.
    pub(crate) async fn device_was_shown(
        &self,
        user: &User,
        protocol: ProtocolName,
        peer: &Peer,
    ) -> Result<(), InternalError> {
        if self.of(user.id).await?.is_none() {
            return Ok(());
        }
        let audit = self.auditor.by_owner(Act::DeviceRemovalStopped, user, protocol, peer);
        if self.stop(user.id, &audit).await? {
            tracing::info!(target: "auth::account", event = Act::DeviceRemovalStopped.as_str(), user = %user.id, "the removal of a device was stopped");
        }
        Ok(())
    }

    /// Carries out the removals that were held for a day; gives their number. To be called every minute or so.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be reached; the rest is carried out by the next call.
    pub async fn carry_out(&self) -> Result<u64, InternalError> {
        let mut number = 0;
        loop {
            let due = self.store.ended(CredentialKind::DEVICE_REMOVAL, self.clock.now(), PAGE).await?;
            if due.is_empty() {
                return Ok(number);
            }
            for removal in due {
                number += u64::from(self.carry_out_one(&removal).await?);
            }
        }
    }

    /// Carries out a removal; `false` where it was stopped, another server was faster, its owner was told nothing, or has a role by
    /// now that no help desk may change.
    async fn carry_out_one(&self, removal: &Credential) -> Result<bool, InternalError> {
        let Some(account) = self.store.user(removal.user).await? else { return Ok(false) };
        let user = &account.user;
        let row = |act, detail| AuditRecord {
            actor: asker(removal),
            by: Some(removal.id),
            ..self.auditor.by_command_on(act, user, detail)
        };
        // The greatest authority comes first.
        let is_above = user.role < Role::Member;
        let done = if is_above || removal.counter < TOLD {
            let audit = row(Act::DeviceRemovalStopped, if is_above { ABOVE } else { UNTOLD });
            self.store.remove(removal.id, Some(&audit)).await.map(|_| 0)
        } else {
            let kinds = self.revocations.kinds(RevocationEvent::DeviceRemoved);
            let audit = row(Act::DeviceRemoved, "held for a day");
            self.store.remove_of_user(user.id, &kinds, None, Some(&audit)).await
        };
        match done {
            Ok(0) | Err(StoreError::Revoked) => Ok(false),
            Ok(_) => {
                tracing::info!(target: "auth::account", event = Act::DeviceRemoved.as_str(), user = %user.id, "device removed that a help desk asked for");
                if let Err(error) = self.notices.must_tell(user, &Notice::DeviceReset).await {
                    tracing::warn!(target: "auth::mail", user = %user.id, %error, "a notice could not be queued");
                }
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn of(&self, user: UserId) -> Result<Option<Credential>, InternalError> {
        Ok(self.store.of_user(user, CredentialKind::DEVICE_REMOVAL).await?.pop())
    }

    /// Whether a removal counts against a further request: its owner was mailed, or is just now, and it was not asked for in
    /// the future, as after the clock was set back, when it would be held for longer than a day.
    fn stands(&self, removal: &Credential) -> bool {
        let now = self.clock.now();
        let is_told = removal.counter >= TOLD || now.since(removal.created) < TELLING;
        is_told && !removal.created.is_ahead(now)
    }
}

impl fmt::Debug for DeviceRemovals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceRemovals").finish_non_exhaustive()
    }
}

/// The answer to a request where a removal is held already.
fn held(removal: &Credential) -> Hold {
    Hold::Held(HeldRemoval { until: end(removal), is_new: false })
}

fn end(removal: &Credential) -> Timestamp {
    removal.expires.unwrap_or(removal.created)
}

/// The digest that the removal of a device has, and no second one of the device can have.
fn only_of(device: CredentialId) -> Digest {
    let mut bytes = [0; 32];
    for (byte, of_id) in bytes.iter_mut().zip(device.as_bytes()) {
        *byte = *of_id;
    }
    Digest::new(bytes)
}

/// Who asks, as the label of a removal.
fn asked_by(actor: &Actor) -> String {
    match actor.name() {
        Some(name) => format!("{} {name}", actor.as_str()),
        None => actor.as_str().to_owned(),
    }
}

/// Who asked for a removal.
fn asker(removal: &Credential) -> Actor {
    let label = removal.label.as_deref().unwrap_or_default();
    let (word, name) = match label.split_once(' ') {
        Some((word, name)) => (word, Some(name.to_owned())),
        None => (label, None),
    };
    Actor::from_parts(word, None, name).unwrap_or(Actor::Operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_for_a_removal_is_read_from_its_label() {
        let mut removal = Credential {
            id: CredentialId::from_bytes([1; 16]),
            user: UserId::from_bytes([2; 16]),
            kind: CredentialKind::DEVICE_REMOVAL,
            parent: None,
            digest: Some(only_of(CredentialId::from_bytes([3; 16]))),
            sealed: None,
            clear_only: false,
            scope: auth_core::Scope::default(),
            label: None,
            origin: None,
            created: Timestamp::default(),
            expires: None,
            last_used: None,
            counter: 0,
        };
        for actor in [Actor::Operator, Actor::AdminKey("help desk 2".into()), Actor::UnixUser("anna".into())]
        {
            removal.label = Some(asked_by(&actor));
            assert_eq!(asker(&removal), actor);
        }
    }
}

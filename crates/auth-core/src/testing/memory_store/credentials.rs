//! Credentials, and the records encrypted under the key ring.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::{State, Taken};
use crate::{
    Account, AuditRecord, Conflict, Credential, CredentialId, CredentialKind, CredentialStore, Digest,
    MailId, OutgoingMail, SealedStore, StoreError, Timestamp, UserId,
};

#[async_trait]
impl CredentialStore for MemoryStore {
    async fn by_digest(
        &self,
        kind: CredentialKind,
        digest: &Digest,
    ) -> Result<Option<(Credential, Account)>, StoreError> {
        self.read(|state| {
            let mut credentials = state.credentials.iter();
            let found = credentials.find(|own| own.kind == kind && own.digest.as_ref() == Some(digest))?;
            Some((found.clone(), state.account(found.user)?))
        })
    }

    async fn of_user(&self, user: UserId, kind: CredentialKind) -> Result<Vec<Credential>, StoreError> {
        self.read(|state| state.of_user(user, kind).into_iter().cloned().collect())
    }

    async fn add(
        &self,
        credential: &Credential,
        keep: u32,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.change_user(credential.user, |state| {
            state.check_actor(audit)?;
            let is_repeated = state.has_credential(credential.user, credential.id);
            let done = add(state, credential, keep)?;
            if done && !is_repeated {
                state.audit(audit);
            }
            Ok(done)
        })
    }

    async fn ensure(&self, credential: &Credential) -> Result<Option<Credential>, StoreError> {
        let user = credential.user;
        self.change_user(user, |state| {
            let own = state.of_user(user, credential.kind);
            if let Some(own) = own.into_iter().find(|own| own.parent == credential.parent) {
                return Ok(Some(own.clone()));
            }
            if !state.users.contains_key(&user) {
                return Ok(None);
            }
            match state.add_credential(credential.clone()) {
                Ok(()) => {
                    state.touch(user);
                    Ok(Some(credential.clone()))
                }
                Err(Taken::NoParent) => Ok(None),
                Err(_) => Err(StoreError::Conflict(Conflict::Credential)),
            }
        })
    }

    async fn succeed(&self, other: CredentialId, new: &Credential) -> Result<bool, StoreError> {
        self.change_user(new.user, |state| {
            Ok(state.has_credential(new.user, other) && add(state, new, u32::MAX)?)
        })
    }

    async fn replace(
        &self,
        old: CredentialId,
        new: &Credential,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        let replaced = self.act(new.user, audit, |state| {
            if !state.has_credential(new.user, old) {
                return Ok(false);
            }
            state.delete_credentials(|own| own.id == old);
            state.add_credential(new.clone()).map_err(not_exchanged)?;
            Ok(true)
        });
        match replaced {
            Err(StoreError::Missing(NOT_EXCHANGED)) => Ok(false),
            other => other,
        }
    }

    async fn remove(&self, id: CredentialId, audit: Option<&AuditRecord>) -> Result<bool, StoreError> {
        let owner = self.change(|state| {
            state.check_actor(audit)?;
            let owner = state.credentials.iter().find(|own| own.id == id).map(|own| own.user);
            state.delete_credentials(|own| own.id == id);
            state.audit(audit.filter(|_| owner.is_some()));
            Ok(owner)
        })?;
        owner.inspect(|owner| self.notify(*owner));
        Ok(owner.is_some())
    }

    async fn remove_of_user(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        audit: Option<&AuditRecord>,
    ) -> Result<u64, StoreError> {
        self.change_user(user, |state| {
            state.check_actor(audit)?;
            let count = state.delete_credentials(|own| {
                own.user == user && kinds.contains(&own.kind) && Some(own.id) != except
            });
            state.audit(audit.filter(|_| count > 0));
            Ok(count)
        })
    }

    async fn exchange(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        new: &[Credential],
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        let exchanged =
            self.act(user, audit, |state| state.exchange(user, kinds, except, new).map_err(not_exchanged));
        match exchanged {
            Err(StoreError::Missing(NOT_EXCHANGED)) => Ok(false),
            other => other,
        }
    }

    async fn raise_counter(&self, id: CredentialId, to: i64) -> Result<bool, StoreError> {
        let owner = self.change(|state| {
            let lower = state.credentials.iter_mut().find(|own| own.id == id && own.counter < to);
            let owner = lower.map(|own| {
                own.counter = to;
                own.user
            });
            Ok(owner.filter(|owner| state.touch(*owner)))
        })?;
        owner.inspect(|owner| self.notify(*owner));
        Ok(owner.is_some())
    }

    async fn set_last_used(&self, uses: &[(CredentialId, Timestamp)]) -> Result<(), StoreError> {
        self.change(|state| {
            for own in &mut state.credentials {
                let used = uses.iter().find(|(id, _)| *id == own.id).map(|(_, at)| *at);
                own.last_used = own.last_used.max(used);
                if let (Some(at), Some(owner)) = (used, state.users.get_mut(&own.user)) {
                    owner.used(at);
                }
            }
            Ok(())
        })
    }

    async fn ended(
        &self,
        kind: CredentialKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError> {
        self.read(|state| {
            let ended = |own: &&Credential| own.kind == kind && own.expires.is_some_and(|end| end < now);
            let mut found: Vec<Credential> = state.credentials.iter().filter(ended).cloned().collect();
            found.sort_by_key(|own| own.expires);
            found.truncate(limit as usize);
            found
        })
    }

    async fn counts(&self) -> Result<Vec<(CredentialKind, u64)>, StoreError> {
        self.read(|state| {
            let mut counts = BTreeMap::new();
            for own in &state.credentials {
                *counts.entry(own.kind).or_default() += 1;
            }
            counts.into_iter().collect()
        })
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            Ok(state.delete_credentials(|own| {
                own.expires.is_some_and(|end| end < now) && own.kind != CredentialKind::DEVICE_REMOVAL
            }))
        })
    }
}

#[async_trait]
impl SealedStore for MemoryStore {
    async fn sealed_credentials(
        &self,
        after: Option<CredentialId>,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError> {
        self.read(|state| {
            let mut sealed: Vec<Credential> = state
                .credentials
                .iter()
                .filter(|own| own.sealed.is_some() || own.kind == CredentialKind::BACKUP_CODE)
                .filter(|own| after.is_none_or(|after| own.id > after))
                .cloned()
                .collect();
            sealed.sort_by_key(|own| own.id);
            sealed.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            sealed
        })
    }

    async fn reseal_credential(
        &self,
        id: CredentialId,
        old: &[u8],
        new: &[u8],
        digest: Option<&Digest>,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            let mut credentials = state.credentials.iter_mut();
            let found = credentials.find(|own| own.id == id && own.sealed.as_deref() == Some(old));
            Ok(found
                .map(|own| {
                    own.sealed = Some(new.to_vec());
                    own.digest = digest.copied();
                })
                .is_some())
        })
    }

    async fn sealed_mails(&self, after: Option<MailId>, limit: u32) -> Result<Vec<OutgoingMail>, StoreError> {
        self.read(|state| {
            let later = state.mails.iter().filter(|mail| after.is_none_or(|after| mail.id > after));
            let mut mails: Vec<OutgoingMail> = later.cloned().collect();
            mails.sort_by_key(|mail| mail.id);
            mails.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            mails
        })
    }

    async fn reseal_mail(&self, id: MailId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.change(|state| {
            let found = state.mails.iter_mut().find(|mail| mail.id == id && mail.body == old);
            Ok(found.map(|mail| mail.body = new.to_vec()).is_some())
        })
    }
}

/// Adds a credential and keeps the newest of its kind and parent. `false` when there is no such user or parent, or the
/// label is taken.
fn add(state: &mut State, credential: &Credential, keep: u32) -> Result<bool, StoreError> {
    let (user, kind, parent) = (credential.user, credential.kind, credential.parent);
    if !state.users.contains_key(&user) {
        return Ok(false);
    }
    match state.add_credential(credential.clone()) {
        Ok(()) => {}
        Err(Taken::NoParent) => return Ok(false),
        Err(Taken::Digest) => return Err(StoreError::Conflict(Conflict::Credential)),
        // A caller that repeats the command finds its own credential.
        Err(Taken::Id | Taken::Label) => {
            return Ok(state.of_user(user, kind).iter().any(|own| own.id == credential.id));
        }
    }
    // The new one stays, whatever the clock said when the others were made.
    let is_older = |own: &&Credential| own.parent == parent && own.id != credential.id;
    let older: Vec<_> = state.of_user(user, kind).into_iter().filter(is_older).map(|own| own.id).collect();
    let surplus = older.len().saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX).saturating_sub(1));
    let oldest = older.get(..surplus).unwrap_or_default();
    state.delete_credentials(|own| oldest.contains(&own.id));
    Ok(state.touch(user))
}

/// The error of an exchange that finds an id or a label taken.
const NOT_EXCHANGED: &str = "room for a credential";

fn not_exchanged(taken: Taken) -> StoreError {
    match taken {
        Taken::Id | Taken::Label | Taken::NoParent => StoreError::Missing(NOT_EXCHANGED),
        Taken::Digest => StoreError::Conflict(Conflict::Credential),
    }
}

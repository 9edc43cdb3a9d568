//! Realms, outgoing mail, the log of attempts, and values of the store as a whole.

use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::state::{State, paged};
use crate::{
    AttemptFilter, AttemptRecord, AttemptRow, AttemptStore, AuditRecord, ClientKey, Credential,
    KNOWN_CLIENTS, LogPage, MailId, MetaStore, Outbox, OutgoingMail, Realm, RealmId, RealmRemoval,
    RealmStore, StoreError, Timestamp, UserId,
};

#[async_trait]
impl RealmStore for MemoryStore {
    async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        self.read(|state| {
            let mut realms: Vec<Realm> = state.realms.values().cloned().collect();
            realms.sort_by(|one, other| one.slug.cmp(&other.slug));
            realms
        })
    }

    async fn remove_realm(
        &self,
        id: RealmId,
        audit: Option<&AuditRecord>,
    ) -> Result<RealmRemoval, StoreError> {
        let mut removal = RealmRemoval::NotThere;
        self.act_apart(audit, |state| {
            if state.users_of(id).next().is_some() {
                removal = RealmRemoval::HasUsers;
                return Ok(false);
            }
            let is_there = state.realms.remove(&id).is_some();
            if is_there {
                removal = RealmRemoval::Removed;
                state.groups.retain(|_, group| group.realm != id);
                state.admin_keys.retain(|key| key.realm != Some(id));
            }
            Ok(is_there)
        })?;
        Ok(removal)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn post(&self, mail: &OutgoingMail) -> Result<(), StoreError> {
        self.change(|state| {
            post(state, mail);
            Ok(())
        })
    }

    async fn post_with(&self, credential: &Credential, mail: &OutgoingMail) -> Result<bool, StoreError> {
        let new = std::slice::from_ref(credential);
        self.change_user(credential.user, |state| {
            let exchanged = state.exchange(credential.user, &[credential.kind], None, new);
            let there = exchanged.map_err(|_| StoreError::Conflict(crate::Conflict::Credential))?;
            if there {
                post(state, mail);
            }
            Ok(there)
        })
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutgoingMail>, StoreError> {
        self.read(|state| {
            let due = state.mails.iter().filter(|mail| mail.due <= now);
            let mut due: Vec<OutgoingMail> = due.cloned().collect();
            due.sort_by_key(|mail| mail.due);
            due.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            due
        })
    }

    async fn settle(&self, id: MailId) -> Result<bool, StoreError> {
        self.change(|state| {
            let before = state.mails.len();
            state.mails.retain(|mail| mail.id != id);
            Ok(state.mails.len() < before)
        })
    }

    async fn put_off(&self, id: MailId, until: Timestamp) -> Result<bool, StoreError> {
        self.change(|state| {
            let found = state.mails.iter_mut().find(|mail| mail.id == id);
            Ok(found
                .map(|mail| {
                    mail.due = until;
                    mail.failures = mail.failures.saturating_add(1);
                })
                .is_some())
        })
    }
}

/// Adds a mail, unless it is there already.
fn post(state: &mut State, mail: &OutgoingMail) {
    if !state.mails.iter().any(|other| other.id == mail.id) {
        state.mails.push(mail.clone());
    }
}

#[async_trait]
impl AttemptStore for MemoryStore {
    fn record(&self, attempt: AttemptRecord) {
        // During an outage attempts are lost.
        let _ = self.change(|state| {
            let place = state.place(attempt.at);
            let user = attempt.user.filter(|_| attempt.is_granted());
            if let Some(record) = user.and_then(|user| state.users.get_mut(&user)) {
                record.logged_in(attempt.at);
            }
            state.attempts.push(AttemptRow { place, record: attempt });
            Ok(())
        });
    }

    async fn attempts(&self, filter: &AttemptFilter, page: LogPage) -> Result<Vec<AttemptRow>, StoreError> {
        self.read(|state| {
            let fitting = state.attempts.iter().filter(|row| filter.fits(&row.record));
            paged(fitting.cloned().map(|row| (row.place, row)), page)
        })
    }

    async fn known_clients(&self, within: u32, limit: u32) -> Result<Vec<(UserId, ClientKey)>, StoreError> {
        let newest = self.attempts(&AttemptFilter::default(), LogPage::newest(within)).await?;
        let mut known: Vec<(UserId, ClientKey)> = Vec::new();
        let granted = newest.into_iter().map(|row| row.record).filter(|attempt| attempt.outcome == "granted");
        for attempt in granted {
            let pair = attempt.user.map(|user| (user, attempt.client_key));
            let is_new = |(user, client): &(UserId, ClientKey)| {
                let own = known.iter().filter(|(of, _)| of == user);
                own.clone().count() < KNOWN_CLIENTS && own.clone().all(|(_, known)| known != client)
            };
            known.extend(pair.filter(is_new));
        }
        known.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(known)
    }

    async fn forget_attempts(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            let all = state.attempts.len();
            state.attempts.retain(|row| row.record.at >= before);
            Ok(u64::try_from(all - state.attempts.len()).unwrap_or(u64::MAX))
        })
    }

    async fn trim_attempts(&self, keep: u32) -> Result<u64, StoreError> {
        let page = LogPage::newest(keep.saturating_add(1));
        let newest = self.attempts(&AttemptFilter::default(), page).await?;
        let beyond = newest.get(usize::try_from(keep).unwrap_or(usize::MAX));
        match beyond {
            Some(beyond) => self.forget_attempts(beyond.record.at + Duration::from_millis(1)).await,
            None => Ok(0),
        }
    }
}

#[async_trait]
impl MetaStore for MemoryStore {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|state| state.meta.get(name).cloned())
    }

    async fn set_meta_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.change(|state| Ok(state.meta.entry(name.to_owned()).or_insert_with(|| value.to_vec()).clone()))
    }

    async fn replace_meta(
        &self,
        name: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.change(|state| {
            let is_old = state.meta.get(name).map(Vec::as_slice) == old;
            match new {
                Some(new) if is_old => drop(state.meta.insert(name.to_owned(), new.to_vec())),
                None if is_old => drop(state.meta.remove(name)),
                _ => {}
            }
            state.audit(audit.filter(|_| is_old && old != new));
            Ok(is_old)
        })
    }

    async fn metas(&self, beginning: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.read(|state| {
            let found = state.meta.iter().filter(|(name, _)| name.starts_with(beginning));
            found.map(|(name, value)| (name.clone(), value.clone())).collect()
        })
    }
}

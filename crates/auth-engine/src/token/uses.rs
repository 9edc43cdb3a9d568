//! When credentials were last used: noted in memory, and written now and then, so that no request waits for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{Credential, CredentialId, CredentialKind, Store, StoreError, Timestamp};

/// How exactly a last use is kept.
const EXACT_TO: Duration = Duration::from_secs(60);

/// Uses that wait to be written. When there are more, the others are noted at their next use.
const MOST_WAITING: usize = 65_536;

/// A web session that nobody uses for so long has ended.
const IDLE: Duration = Duration::from_secs(14 * 24 * 3600);

/// The last uses of credentials.
pub(crate) struct CredentialUses {
    store: Arc<dyn Store>,
    waiting: Mutex<HashMap<CredentialId, Timestamp>>,
}

impl CredentialUses {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, waiting: Mutex::default() }
    }

    /// Notes that a credential was used. `noted` is when that was last done, in milliseconds: most uses end here.
    pub(crate) fn note(&self, id: CredentialId, noted: &AtomicI64, now: Timestamp) {
        let last = Timestamp::from_millis(noted.load(Ordering::Relaxed));
        if !last.is_ahead(now) && now.since(last) < EXACT_TO {
            return;
        }
        noted.store(now.as_millis(), Ordering::Relaxed);
        let mut waiting = self.waiting();
        if waiting.len() < MOST_WAITING || waiting.contains_key(&id) {
            waiting.insert(id, now);
        }
    }

    /// Notes that the holder of a credential used it. Whoever is there by a session for forward authentication is there by the
    /// web session that it comes from.
    pub(crate) fn note_of(&self, credential: &Credential, noted: &AtomicI64, now: Timestamp) {
        let before = noted.load(Ordering::Relaxed);
        self.note(credential.id, noted, now);
        if let Some(web_session) =
            credential.parent.filter(|_| credential.kind == CredentialKind::FORWARD_SESSION)
        {
            self.note(web_session, &AtomicI64::new(before), now);
        }
    }

    /// Notes that an app password was used to log in: no cache keeps it.
    pub(crate) fn note_login(&self, app_password: &Credential, now: Timestamp) {
        let last = app_password.last_used.map_or(i64::MIN, Timestamp::as_millis);
        self.note(app_password.id, &AtomicI64::new(last), now);
    }

    /// When a credential was last used, as far as this server knows.
    pub(crate) fn last_use(&self, credential: &Credential) -> Option<Timestamp> {
        self.waiting().get(&credential.id).copied().max(credential.last_used)
    }

    /// Whether a credential, as it was just read, has ended because nobody used it: a web session, or one for forward
    /// authentication, whose uses are its web session's. One that was made or used in
    /// the future, before the clock was set back, is not.
    pub(crate) fn is_idle(&self, credential: &Credential, now: Timestamp) -> bool {
        [CredentialKind::WEB_SESSION, CredentialKind::FORWARD_SESSION].contains(&credential.kind)
            && self
                .last_use(credential)
                .max(Some(credential.created))
                .is_some_and(|last| now.since(last) >= IDLE)
    }

    /// The same of a credential that was read at any time, and of which a use was last noted here at `noted`, in milliseconds.
    ///
    /// # Errors
    /// [`StoreError`] when the store would have to say whether it was used at another server, and can't.
    pub(crate) async fn is_idle_since(
        &self,
        credential: &Credential,
        noted: &AtomicI64,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let noted = Timestamp::from_millis(noted.load(Ordering::Relaxed));
        if !self.is_idle(credential, now) || (!noted.is_ahead(now) && now.since(noted) < IDLE) {
            return Ok(false);
        }
        let Some(digest) = &credential.digest else { return Ok(true) };
        let stored = self.store.by_digest(credential.kind, digest).await?;
        Ok(stored.is_none_or(|(credential, _)| self.is_idle(&credential, now)))
    }

    /// Writes what was noted. To be called every minute or so, and at the end.
    pub(crate) async fn write(&self) -> Result<(), StoreError> {
        let noted: Vec<(CredentialId, Timestamp)> = self.waiting().drain().collect();
        if noted.is_empty() {
            return Ok(());
        }
        self.store.set_last_used(&noted).await
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<CredentialId, Timestamp>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CredentialUses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialUses").field("waiting", &self.waiting().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use auth_core::testing::MemoryStore;
    use auth_core::{Digest, Scope, UserId};

    use super::*;

    fn id(number: usize) -> CredentialId {
        CredentialId::from_bytes(u128::try_from(number).unwrap().to_be_bytes())
    }

    #[test]
    fn uses_that_wait_are_bounded_and_those_that_wait_already_go_on() {
        let uses = CredentialUses::new(Arc::new(MemoryStore::new()));
        let (first, later) = (Timestamp::from_secs(1_000_000), Timestamp::from_secs(2_000_000));
        for number in 0..MOST_WAITING + 10 {
            uses.note(id(number), &AtomicI64::new(i64::MIN), first);
        }
        assert_eq!(uses.waiting().len(), MOST_WAITING);
        uses.note(id(0), &AtomicI64::new(first.as_millis()), later);
        let waiting = uses.waiting();
        assert_eq!((waiting.len(), waiting[&id(0)]), (MOST_WAITING, later));
    }

    #[tokio::test]
    async fn a_session_whose_use_was_noted_here_within_two_weeks_is_in_use_and_of_others_the_store_is_asked()
    {
        let store = Arc::new(MemoryStore::new());
        let uses = CredentialUses::new(Arc::clone(&store) as _);
        let created = Timestamp::from_secs(1_000_000);
        let session = Credential {
            id: id(1),
            user: UserId::from_bytes([2; 16]),
            kind: CredentialKind::WEB_SESSION,
            parent: None,
            digest: Some(Digest::new([3; 32])),
            sealed: None,
            clear_only: false,
            scope: Scope::default(),
            label: None,
            origin: None,
            created,
            expires: None,
            last_used: None,
            counter: 0,
        };
        let now = created + 2 * IDLE;
        let millisecond = Duration::from_millis(1);
        let is_idle = async |noted: Timestamp| {
            uses.is_idle_since(&session, &AtomicI64::new(noted.as_millis()), now).await.ok()
        };
        for (noted, without_store, with_store) in [
            (created, None, Some(true)),
            (now - IDLE, None, Some(true)),
            (now - IDLE + millisecond, Some(false), Some(false)),
            (now, Some(false), Some(false)),
            // Noted before the clock was set back by days.
            (now + IDLE, None, Some(true)),
        ] {
            store.set_outage(Some(StoreError::Unavailable("no answer".to_owned())));
            assert_eq!(is_idle(noted).await, without_store, "{noted:?}");
            store.set_outage(None);
            assert_eq!(is_idle(noted).await, with_store, "{noted:?}");
        }
    }

    #[test]
    fn uses_are_noted_once_a_minute_and_at_once_when_the_clock_was_set_back() {
        let uses = CredentialUses::new(Arc::new(MemoryStore::new()));
        let last = Timestamp::from_secs(1_000_000);
        for (secs, is_noted) in [(0, false), (59, false), (60, true), (61, true), (-100, true)] {
            let noted = AtomicI64::new(last.as_millis());
            let now = Timestamp::from_secs(last.as_secs() + secs);
            uses.note(id(1), &noted, now);
            assert_eq!(uses.waiting().remove(&id(1)), is_noted.then_some(now), "{secs}");
            let told = if is_noted { now } else { last };
            assert_eq!(noted.load(Ordering::Relaxed), told.as_millis(), "{secs}");
        }
    }
}

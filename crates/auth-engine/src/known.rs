//! Credentials that were found good a moment ago, so that checking one again touches neither disk nor network.
//!
//! ```text
//!               found in the store                  told of a change of its user
//!   unknown ─────────────────────────▶ known ─────────────────────────────────────▶ unknown
//!                                        │  its version is another one, twice a second
//!                                        └────────────────────────────────────────▶ unknown
//! ```
//!
//! The truth is the comparison of versions, twice a second; what is told comes sooner, and at once for changes of
//! this server's own. When the last comparison that came to an end began more than a second ago, nothing is known.
//! Nothing is kept of credentials that were not found.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{
    Account, ChangeListener, Credential, InternalError, RealmId, StoreError, Timestamp, User, UserId,
};
use quick_cache::sync::Cache;

use crate::Engine;

/// How long after the beginning of a comparison its result counts.
const FRESH: Duration = Duration::from_secs(1);

/// What took longer to read isn't kept: together with the time to the next comparison it would be known too long.
const QUICK: Duration = Duration::from_millis(250);

/// Changes that are remembered for those who are reading meanwhile.
const REMEMBERED: usize = 1024;

/// When more entries than this are new, all are compared.
const MANY: usize = 16_384;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A Zulip key, by its digest.
    Zulip([u8; 32]),
    /// A Rocket.Chat token of either kind, by its digest.
    RocketChat([u8; 32]),
    /// The user whom a signed token names.
    Zettelstore(RealmId, u64),
}

/// What is known: the user, and the credential that was presented, where it is stored. Nobody who presents one is
/// asked for the password, which is not kept.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) user: Arc<User>,
    /// Whether a password is stored.
    pub(crate) has_password: bool,
    /// Whether a TOTP device is enrolled and confirmed.
    pub(crate) totp: bool,
    pub(crate) credential: Option<Credential>,
}

impl From<(Credential, Account)> for Known {
    fn from((credential, account): (Credential, Account)) -> Self {
        Self { credential: Some(credential), ..account.into() }
    }
}

impl From<Account> for Known {
    fn from(account: Account) -> Self {
        let Account { user, password, totp } = account;
        Self { user: Arc::new(user), has_password: password.is_some(), totp, credential: None }
    }
}

/// All that is known.
#[derive(Debug)]
pub(crate) struct KnownCredentials {
    entries: Cache<Key, Arc<Known>>,
    /// The versions of users that were found current; an entry of another version is worth nothing.
    current: Cache<UserId, u64>,
    changes: Mutex<Changes>,
    /// When the last comparison began, in milliseconds.
    compared: AtomicI64,
    /// The store's mark at that time, plus one; 0 for none.
    mark: AtomicU64,
    /// Users of whom something was kept since the last comparison began.
    new: Mutex<Vec<UserId>>,
}

/// The newest changes, and how many there were before them.
#[derive(Debug, Default)]
struct Changes {
    before: u64,
    users: VecDeque<UserId>,
}

/// A moment in the order of changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    changes: u64,
    at: Timestamp,
}

impl KnownCredentials {
    /// Room for so many entries.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: Cache::new(capacity),
            current: Cache::new(capacity),
            changes: Mutex::default(),
            compared: AtomicI64::new(i64::MIN),
            mark: AtomicU64::new(0),
            new: Mutex::default(),
        }
    }

    /// What is known for certain.
    fn get(&self, key: &Key, now: Timestamp, fresh: Duration) -> Option<Arc<Known>> {
        let compared = Timestamp::from_millis(self.compared.load(Ordering::Acquire));
        if compared > now || now.since(compared) >= fresh {
            return None;
        }
        let known = self.entries.get(key)?;
        let user = &known.user;
        (self.current.get(&user.id)? == user.version).then_some(known)
    }

    /// To be taken before the store is read.
    pub(crate) fn moment(&self, now: Timestamp) -> Moment {
        let changes = self.changes();
        Moment { changes: changes.count(), at: now }
    }

    /// Keeps what was read after `moment`, unless its user has changed since.
    pub(crate) fn keep(&self, moment: Moment, now: Timestamp, key: Key, known: &Arc<Known>) {
        let user = &known.user;
        let quick = moment.at <= now && now.since(moment.at) <= QUICK;
        // Held until the entry is in its place, so that no change falls between.
        let changes = self.changes();
        if !quick || changes.since(moment.changes).is_none_or(|mut users| users.any(|id| id == user.id)) {
            return;
        }
        if self.current.get(&user.id).is_some_and(|current| current > user.version) {
            return;
        }
        self.current.insert(user.id, user.version);
        self.entries.insert(key, Arc::clone(known));
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        if new.len() < MANY {
            new.push(user.id);
        } else {
            self.mark.store(0, Ordering::Release);
        }
    }

    /// Compares what is known with the store.
    async fn compare(&self, engine: &Engine) -> Result<(), StoreError> {
        let began = engine.now();
        let mark = engine.store.mark().await?.map_or(0, |mark| mark.wrapping_add(1));
        // Where nobody has changed anything, only what was kept since can be out of date: it may have been read
        // before the last change and kept after it. Should this comparison fail, the next one is of everybody.
        let unchanged = self.mark.swap(0, Ordering::AcqRel) == mark && mark != 0;
        let new = std::mem::take(&mut *self.new.lock().unwrap_or_else(PoisonError::into_inner));
        let versions: Vec<(UserId, u64)> = if unchanged {
            new.into_iter().filter_map(|user| Some((user, self.current.get(&user)?))).collect()
        } else {
            self.current.iter().collect()
        };
        if !versions.is_empty() {
            let users: Vec<UserId> = versions.iter().map(|(user, _)| *user).collect();
            let mut found = engine.store.versions(&users).await?;
            found.sort_unstable();
            for stale in versions.iter().filter(|known| found.binary_search(known).is_err()) {
                self.changed(stale.0);
            }
        }
        self.mark.store(mark, Ordering::Release);
        self.compared.fetch_max(began.as_millis(), Ordering::AcqRel);
        Ok(())
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeListener for KnownCredentials {
    fn changed(&self, user: UserId) {
        let mut changes = self.changes();
        if changes.users.len() == REMEMBERED {
            changes.users.pop_front();
            changes.before += 1;
        }
        changes.users.push_back(user);
        self.current.remove(&user);
    }
}

impl Changes {
    fn count(&self) -> u64 {
        self.before + u64::try_from(self.users.len()).unwrap_or(u64::MAX)
    }

    /// The users that have changed since; `None` when that is no longer known.
    fn since(&self, count: u64) -> Option<impl Iterator<Item = UserId> + '_> {
        let passed = usize::try_from(count.checked_sub(self.before)?).ok()?;
        Some(self.users.iter().skip(passed).copied())
    }
}

impl Engine {
    /// What a key leads to: from memory where it is known, else from the store. During an outage of the store that
    /// is shorter than the operator allows, what was known before it began still counts.
    pub(crate) async fn known(
        &self,
        key: Key,
        read: impl Future<Output = Result<Option<Known>, StoreError>> + Send,
    ) -> Result<Option<Arc<Known>>, InternalError> {
        let now = self.now();
        if let Some(known) = self.known.get(&key, now, FRESH) {
            return Ok(Some(known));
        }
        let moment = self.known.moment(now);
        match read.await {
            Ok(found) => Ok(found.map(|found| {
                let found = Arc::new(found);
                self.known.keep(moment, self.now(), key, &found);
                found
            })),
            Err(error @ StoreError::Unavailable(_)) => {
                let known = self.known.get(&key, self.now(), FRESH + self.config.outage);
                known.filter(|_| !self.config.outage.is_zero()).map(Some).ok_or_else(|| error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Compares what is known of credentials with the store, and reads the realms anew. To be called twice a second:
    /// while nobody does, every check of a credential reads the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read; after a second nothing is known any more.
    pub async fn compare(&self) -> Result<(), StoreError> {
        self.known.compare(self).await?;
        self.read_realms().await.map(drop)
    }
}

#[cfg(test)]
mod tests;

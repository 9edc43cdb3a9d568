//! The credential cache: credentials that were found good a moment ago, so that checking one again touches neither disk
//! nor network.
//!
//! ```text
//!               found in the store                   notified of a change of its user
//!   absent ─────────────────────────▶ cached ─────────────────────────────────────▶ absent
//!                                        │  its version differs, compared twice a second
//!                                        ├────────────────────────────────────────▶ absent
//!                                        │  not used for half a minute
//!                                        └────────────────────────────────────────▶ absent
//! ```
//!
//! The comparison of versions twice a second is the truth; notifications come sooner, and at once for changes by this
//! server. When the last comparison that ended began more than a second ago, the cache counts as empty. Credentials that
//! were not found are not cached.
//!
//! A store that counts its changes is compared by that count alone. One that doesn't is asked for the version of each user
//! that is known here, so what is not used is forgotten: to compare it for half a minute costs such a store about as much as
//! to read it anew once.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use auth_core::{
    Account, ChangeListener, Clock, Credential, InternalError, Store, StoreError, Timestamp, User, UserId,
};
use auth_crypto::zettel_token::{Claims, TokenKeys};
use quick_cache::sync::Cache;

/// How long after the beginning of a comparison its result counts.
const FRESH: Duration = Duration::from_secs(1);

/// A read that took longer is not cached: together with the time to the next comparison it would be trusted too long.
const QUICK: Duration = Duration::from_millis(250);

/// Changes that are remembered for reads under way.
const REMEMBERED: usize = 1024;

/// After so many comparisons, entries that are worth nothing are removed.
const SWEEP: u32 = 16;

/// How long an entry is kept unused where keeping it costs the store something.
const IDLE: Duration = Duration::from_secs(30);

/// When more entries than this are new, all entries are compared.
const MANY: usize = 16_384;

/// The key of an entry: the digest of a stored credential.
type Key = [u8; 32];

/// An entry: a credential that was presented, and its user. The password is not kept.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) user: Arc<User>,
    /// Whether a password is stored.
    pub(crate) has_password: bool,
    /// Whether a TOTP device is enrolled and confirmed.
    pub(crate) totp: bool,
    pub(crate) credential: Credential,
    /// When a use of the credential was last noted, in milliseconds.
    pub(crate) noted: AtomicI64,
    /// When the entry was last used, to the second, in milliseconds.
    used: AtomicI64,
    /// What a signed token says, once its signature was found good.
    signed: OnceLock<Signed>,
}

/// What a signed token says, and the keys that verified it.
#[derive(Debug)]
struct Signed {
    /// Keys that were replaced verify nothing any more.
    keys: Weak<TokenKeys>,
    claims: Arc<Claims>,
}

impl From<(Credential, Account)> for Holder {
    fn from((credential, account): (Credential, Account)) -> Self {
        Self {
            has_password: account.has_password(),
            totp: account.totp,
            user: account.user,
            noted: AtomicI64::new(credential.last_used.map_or(i64::MIN, Timestamp::as_millis)),
            used: AtomicI64::new(i64::MIN),
            signed: OnceLock::new(),
            credential,
        }
    }
}

impl Holder {
    /// What the signed token says, if these keys have verified it.
    pub(crate) fn claims(&self, keys: &Arc<TokenKeys>) -> Option<Arc<Claims>> {
        // The address is of no other keys as long as it is held here.
        let signed =
            self.signed.get().filter(|signed| std::ptr::eq(signed.keys.as_ptr(), Arc::as_ptr(keys)))?;
        Some(Arc::clone(&signed.claims))
    }

    /// Keeps what the signed token says, which these keys have verified.
    pub(crate) fn keep_claims(&self, keys: &Arc<TokenKeys>, claims: &Arc<Claims>) {
        // After a change of keys the entry keeps those of before, and the token is verified each time until it is read anew.
        self.signed.get_or_init(|| Signed { keys: Arc::downgrade(keys), claims: Arc::clone(claims) });
    }

    /// Notes a use. Most uses of an entry that is used often only read.
    fn note_use(&self, now: Timestamp) {
        let (last, now) = (self.used.load(Ordering::Relaxed), now.as_millis());
        if now.saturating_sub(last) >= 1000 {
            self.used.store(now, Ordering::Relaxed);
        }
    }
}

/// The credential cache.
pub(crate) struct CredentialCache {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// How long entries are trusted while the store can't be reached, beyond the second that is always granted.
    outage: Duration,
    entries: Cache<Key, Arc<Holder>>,
    /// The versions of users that were found current; an entry of another version is worth nothing.
    current: Cache<UserId, u64>,
    changes: Mutex<Changes>,
    /// When the last comparison began, in milliseconds.
    compared: AtomicI64,
    /// How many comparisons have ended.
    comparisons: AtomicU32,
    compared_state: Mutex<ComparedState>,
}

/// What the next comparison may leave out.
#[derive(Debug, Default)]
struct ComparedState {
    /// The store's change counter when the last comparison that ended began; `None` where all entries must be compared.
    counter: Option<u64>,
    /// Users of whom an entry was added since the last comparison began.
    new: Vec<UserId>,
    /// Whether there were more of them than are kept.
    overflowed: bool,
}

/// The newest changes, and how many there were before them.
#[derive(Debug, Default)]
struct Changes {
    before: u64,
    users: VecDeque<UserId>,
}

/// The state of the cache when a read of the store begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadStamp {
    changes: u64,
    at: Timestamp,
}

impl CredentialCache {
    /// An empty cache for at most `capacity` entries.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        outage: Duration,
        capacity: usize,
    ) -> Self {
        Self {
            store,
            clock,
            outage,
            entries: Cache::new(capacity),
            current: Cache::new(capacity),
            changes: Mutex::default(),
            compared: AtomicI64::new(i64::MIN),
            comparisons: AtomicU32::new(0),
            compared_state: Mutex::default(),
        }
    }

    /// The holder of a credential: from the cache, else from the store by `read`. An entry that is not `wanted` counts for
    /// nothing: one secret may be the secret of two credentials of different kinds. During an outage of the store that is
    /// shorter than the operator allows, entries from before it began are still trusted.
    pub(crate) async fn get_or_read(
        &self,
        key: Key,
        wanted: impl Fn(&Holder) -> bool + Send,
        read: impl Future<Output = Result<Option<Holder>, StoreError>> + Send,
    ) -> Result<Option<Arc<Holder>>, InternalError> {
        if let Some(holder) = self.cached(&key).filter(|holder| wanted(holder)) {
            return Ok(Some(holder));
        }
        let stamp = self.read_stamp(self.clock.now());
        match read.await {
            Ok(found) => Ok(found.map(|found| {
                let found = Arc::new(found);
                self.add(stamp, self.clock.now(), key, &found);
                found
            })),
            Err(error @ StoreError::Unavailable(_)) => {
                let holder = self.get(&key, self.clock.now(), FRESH + self.outage);
                holder
                    .filter(|holder| !self.outage.is_zero() && wanted(holder))
                    .map(Some)
                    .ok_or_else(|| error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An entry that is trusted now, without a look at the store.
    pub(crate) fn cached(&self, key: &Key) -> Option<Arc<Holder>> {
        self.get(key, self.clock.now(), FRESH)
    }

    /// An entry that is trusted now.
    fn get(&self, key: &Key, now: Timestamp, fresh: Duration) -> Option<Arc<Holder>> {
        let millis = self.compared.load(Ordering::Acquire);
        let compared = Timestamp::from_millis(millis);
        if compared.is_ahead(now) {
            // The clock was set back: how long ago the comparison was can't be told, and later ones must count.
            let _ = self.compared.compare_exchange(millis, i64::MIN, Ordering::AcqRel, Ordering::Relaxed);
            return None;
        }
        if compared > now || now.since(compared) >= fresh {
            return None;
        }
        let holder = self.entries.get(key)?;
        let user = &holder.user;
        let holder = (self.current.get(&user.id)? == user.version).then_some(holder)?;
        holder.note_use(now);
        Some(holder)
    }

    /// The stamp to take before the store is read.
    fn read_stamp(&self, now: Timestamp) -> ReadStamp {
        let changes = self.changes();
        ReadStamp { changes: changes.count(), at: now }
    }

    /// Adds an entry that was read after `stamp`, unless its user has changed since.
    fn add(&self, stamp: ReadStamp, now: Timestamp, key: Key, holder: &Arc<Holder>) {
        let user = &holder.user;
        let quick = stamp.at <= now && now.since(stamp.at) <= QUICK;
        // Held until the entry is in its place, so that no change falls between.
        let changes = self.changes();
        if !quick || changes.since(stamp.changes).is_none_or(|mut users| users.any(|id| id == user.id)) {
            return;
        }
        if self.current.get(&user.id).is_some_and(|current| current > user.version) {
            return;
        }
        holder.note_use(now);
        self.current.insert(user.id, user.version);
        self.entries.insert(key, Arc::clone(holder));
        let mut state = self.compared_state();
        if state.new.len() < MANY {
            state.new.push(user.id);
        } else {
            state.overflowed = true;
        }
    }

    /// Compares the entries with the store.
    pub(crate) async fn compare(&self) -> Result<(), StoreError> {
        let began = self.clock.now();
        let counter = self.store.change_counter().await?;
        // Should this comparison fail, the next one is of all entries.
        let before = std::mem::take(&mut *self.compared_state());
        // Where nothing has changed, only entries added since can be out of date: they may have been read before the
        // last change and added after it.
        let is_unchanged = counter.is_some() && before.counter == counter && !before.overflowed;
        let versions: Vec<(UserId, u64)> = if is_unchanged {
            before.new.into_iter().filter_map(|user| Some((user, self.current.get(&user)?))).collect()
        } else {
            self.current.iter().collect()
        };
        if !versions.is_empty() {
            let users: Vec<UserId> = versions.iter().map(|(user, _)| *user).collect();
            let mut found = self.store.versions(&users).await?;
            found.sort_unstable();
            for stale in versions.iter().filter(|known| found.binary_search(known).is_err()) {
                self.changed(stale.0);
            }
        }
        self.compared_state().counter = counter;
        self.compared.fetch_max(began.as_millis(), Ordering::AcqRel);
        if self.comparisons.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP) {
            let kept = i64::try_from((IDLE + self.outage).as_millis()).unwrap_or(i64::MAX);
            self.sweep(counter.is_none().then(|| began.as_millis().saturating_sub(kept)));
        }
        Ok(())
    }

    /// Removes the entries that are worth nothing, as their users have changed since: they would fill the cache with
    /// credentials that nobody presents again. Also removes those that were last used before a moment, in milliseconds, and
    /// users without entries: an entry that is added meanwhile may be among them, and is read once more.
    fn sweep(&self, unused_since: Option<i64>) {
        self.entries.retain(|_, holder| {
            let is_current = self.current.get(&holder.user.id) == Some(holder.user.version);
            is_current && unused_since.is_none_or(|since| holder.used.load(Ordering::Relaxed) >= since)
        });
        if unused_since.is_some() {
            let users: HashSet<UserId> = self.entries.iter().map(|(_, holder)| holder.user.id).collect();
            self.current.retain(|user, _| users.contains(user));
        }
    }

    fn compared_state(&self) -> MutexGuard<'_, ComparedState> {
        self.compared_state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeListener for CredentialCache {
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

    /// The users that have changed since; `None` when that is no longer remembered.
    fn since(&self, count: u64) -> Option<impl Iterator<Item = UserId> + '_> {
        let passed = usize::try_from(count.checked_sub(self.before)?).ok()?;
        Some(self.users.iter().skip(passed).copied())
    }
}

impl fmt::Debug for CredentialCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialCache").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

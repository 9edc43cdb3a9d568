//! Realms: few, read on every request, so kept for a moment.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Clock, InternalError, Realm, RealmId, RealmName, Realms, Store, StoreError, Timestamp};

/// How long a change of a realm may go unnoticed.
const FRESH: Duration = Duration::from_millis(900);

/// Every realm, each to be handed out without a copy.
type AllRealms = Arc<[Arc<Realm>]>;

/// All realms as they were a moment ago.
pub struct RealmCache {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// How long realms are taken from memory while the store can't be reached.
    outage: Duration,
    cached: Mutex<Option<(Timestamp, AllRealms)>>,
}

impl RealmCache {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, outage: Duration) -> Self {
        Self { store, clock, outage, cached: Mutex::default() }
    }

    /// Makes the next look-up read the store.
    pub fn forget(&self) {
        *self.cached() = None;
    }

    /// All realms, at most a second old.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn all(&self) -> Result<AllRealms, InternalError> {
        let now = self.clock.now();
        if let Some((read, realms)) = &*self.cached()
            && *read <= now
            && now.since(*read) < FRESH
        {
            return Ok(Arc::clone(realms));
        }
        match self.read().await {
            Err(error @ StoreError::Unavailable(_)) => self.all_in_outage().ok_or_else(|| error.into()),
            read => Ok(read?),
        }
    }

    /// The realm of that id.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn by_id(&self, id: RealmId) -> Result<Option<Arc<Realm>>, InternalError> {
        let known = |realms: AllRealms| realms.iter().find(|realm| realm.id == id).cloned();
        match known(self.all().await?) {
            // An account's realm may have been made a moment ago.
            None => Ok(known(self.read().await?)),
            found => Ok(found),
        }
    }

    /// Reads all realms as they are now.
    pub(crate) async fn read(&self) -> Result<AllRealms, StoreError> {
        let now = self.clock.now();
        let realms: AllRealms = self.store.realms().await?.into_iter().map(Arc::new).collect();
        *self.cached() = Some((now, Arc::clone(&realms)));
        Ok(realms)
    }

    /// All realms as they were, while the store can't be reached for no longer than the operator allows.
    fn all_in_outage(&self) -> Option<AllRealms> {
        let now = self.clock.now();
        let cached = self.cached();
        let (read, realms) = cached.as_ref()?;
        let is_allowed = !self.outage.is_zero() && *read <= now && now.since(*read) < FRESH + self.outage;
        is_allowed.then(|| Arc::clone(realms))
    }

    fn cached(&self) -> MutexGuard<'_, Option<(Timestamp, AllRealms)>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Realms for RealmCache {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        let realms = self.all().await?;
        let found = realms.iter().find(|realm| match name {
            RealmName::Slug(slug) => realm.slug == slug,
            RealmName::Subdomain(subdomain) => realm.subdomain.as_deref() == Some(subdomain),
            _ => false,
        });
        Ok(found.cloned())
    }
}

impl fmt::Debug for RealmCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealmCache").field("outage", &self.outage).finish_non_exhaustive()
    }
}

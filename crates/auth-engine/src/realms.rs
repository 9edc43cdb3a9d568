//! Realms: few, read on every request, so kept for a moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{InternalError, Realm, RealmId, RealmName, Realms, StoreError, Timestamp};

use crate::Engine;

/// How long a change of a realm may go unnoticed.
const FRESH: Duration = Duration::from_millis(900);

/// Every realm, each to be handed out without a copy.
type AllRealms = Arc<[Arc<Realm>]>;

/// All realms as they were a moment ago.
#[derive(Debug, Default)]
pub(crate) struct RealmCache(Mutex<Option<(Timestamp, AllRealms)>>);

impl RealmCache {
    /// Makes the next look read the store.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Engine {
    /// All realms, at most a second old.
    pub(crate) async fn all_realms(&self) -> Result<AllRealms, InternalError> {
        let now = self.now();
        if let Some((read, realms)) = &*self.realms.0.lock().unwrap_or_else(PoisonError::into_inner)
            && *read <= now
            && now.since(*read) < FRESH
        {
            return Ok(Arc::clone(realms));
        }
        match self.read_realms().await {
            Err(error @ StoreError::Unavailable(_)) => self.realms_in_outage().ok_or_else(|| error.into()),
            read => Ok(read?),
        }
    }

    /// All realms as they were, while the store can't be reached for no longer than the operator allows.
    fn realms_in_outage(&self) -> Option<AllRealms> {
        let now = self.now();
        let kept = self.realms.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, realms) = kept.as_ref()?;
        let outage = self.config.outage;
        (!outage.is_zero() && *read <= now && now.since(*read) < FRESH + outage).then(|| Arc::clone(realms))
    }

    /// All realms as they are now.
    pub(crate) async fn read_realms(&self) -> Result<AllRealms, StoreError> {
        let now = self.now();
        let realms: AllRealms = self.store.realms().await?.into_iter().map(Arc::new).collect();
        *self.realms.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&realms)));
        Ok(realms)
    }

    pub(crate) async fn realm_by_id(&self, id: RealmId) -> Result<Option<Arc<Realm>>, InternalError> {
        Ok(self.all_realms().await?.iter().find(|realm| realm.id == id).cloned())
    }
}

#[async_trait]
impl Realms for Engine {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
        let realms = self.all_realms().await?;
        let found = realms.iter().find(|realm| match name {
            RealmName::Slug(slug) => realm.slug == slug,
            RealmName::Subdomain(subdomain) => realm.subdomain.as_deref() == Some(subdomain),
            _ => false,
        });
        Ok(found.cloned())
    }
}

//! Realms: few, read on every request, so kept for a moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Fault, Realm, RealmId, RealmName, Realms, Timestamp};

use crate::Engine;

/// How long a change of a realm may go unnoticed.
const FRESH: Duration = Duration::from_millis(500);

/// All realms as they were a moment ago.
#[derive(Debug, Default)]
pub(crate) struct RealmCache(Mutex<Option<(Timestamp, Arc<[Realm]>)>>);

impl RealmCache {
    /// Makes the next look read the store.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Engine {
    /// All realms, at most half a second old.
    pub(crate) async fn all_realms(&self) -> Result<Arc<[Realm]>, Fault> {
        let now = self.now();
        if let Some((read, realms)) = &*self.realms.0.lock().unwrap_or_else(PoisonError::into_inner)
            && *read <= now
            && now.since(*read) < FRESH
        {
            return Ok(Arc::clone(realms));
        }
        let realms: Arc<[Realm]> = self.store.realms().await?.into();
        *self.realms.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&realms)));
        Ok(realms)
    }

    pub(crate) async fn realm_by_id(&self, id: RealmId) -> Result<Option<Realm>, Fault> {
        Ok(self.all_realms().await?.iter().find(|realm| realm.id == id).cloned())
    }
}

#[async_trait]
impl Realms for Engine {
    async fn realm(&self, name: RealmName<'_>) -> Result<Option<Realm>, Fault> {
        let realms = self.all_realms().await?;
        let found = realms.iter().find(|realm| match name {
            RealmName::Slug(slug) => realm.slug == slug,
            RealmName::Subdomain(subdomain) => realm.subdomain.as_deref() == Some(subdomain),
            _ => false,
        });
        Ok(found.cloned())
    }
}

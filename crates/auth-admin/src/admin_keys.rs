//! Keys for administration, as those present them who hold them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Actor, Clock, Store, StoreError};
use auth_crypto::opaque;
use auth_engine::Engine;

use crate::operation::{Operator, Scope};

/// How exactly it is written when a key was last used.
const USED: Duration = Duration::from_secs(60);

/// Finds out as whom the holder of a key for administration acts.
pub struct AdminKeys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

impl AdminKeys {
    /// Knows the keys of an engine's store.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self { store: Arc::clone(engine.store()), clock: Arc::clone(engine.clock()) }
    }

    /// The operator who holds a key, and notes the use of the key, at most once a minute. `None` where there is no such key, or
    /// it has ended. A key is looked up by its digest: the time that this takes tells nothing of the keys that there are.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    pub async fn operator(&self, secret: &str) -> Result<Option<Operator>, StoreError> {
        let digest = opaque::digest(secret);
        let Some(key) = self.store.admin_key(&digest).await?.filter(|key| key.digest == digest) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let Some(scope) = Scope::from_name(&key.scope).filter(|_| key.ends.is_none_or(|ends| now < ends))
        else {
            return Ok(None);
        };
        let realm = match key.realm {
            Some(id) => match self.store.realms().await?.into_iter().find(|realm| realm.id == id) {
                Some(realm) => Some(realm.slug),
                None => return Ok(None),
            },
            None => None,
        };
        if key.last_used.is_none_or(|used| now.since(used) >= USED || now < used) {
            // A good key is not refused because the note of its use can't be written.
            drop(self.store.set_admin_keys_used(&[(key.id, now)]).await);
        }
        Ok(Some(Operator::scoped(Actor::AdminKey(key.name), scope, realm).until(key.ends)))
    }
}

impl fmt::Debug for AdminKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminKeys").finish_non_exhaustive()
    }
}

//! Tells a listener of changed users before the change is acknowledged.

use std::sync::{Arc, PoisonError, RwLock};

use auth_core::{ChangeListener, UserId};

/// Whoever listens.
#[derive(Default)]
pub(crate) struct News(RwLock<Option<Arc<dyn ChangeListener>>>);

impl News {
    pub(crate) fn listen(&self, listener: Arc<dyn ChangeListener>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(listener);
    }

    pub(crate) fn tell(&self, user: UserId) {
        if let Some(listener) = &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            listener.changed(user);
        }
    }
}

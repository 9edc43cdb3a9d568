//! Tells listeners of changed users before the change is acknowledged.

use std::sync::{PoisonError, RwLock, Weak};

use auth_core::{ChangeListener, UserId};

/// Whoever listens.
#[derive(Default)]
pub(crate) struct News(RwLock<Vec<Weak<dyn ChangeListener>>>);

impl News {
    pub(crate) fn listen(&self, listener: Weak<dyn ChangeListener>) {
        let mut listeners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
    }

    pub(crate) fn tell(&self, user: UserId) {
        for listener in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            if let Some(listener) = listener.upgrade() {
                listener.changed(user);
            }
        }
    }
}

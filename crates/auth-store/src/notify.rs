//! The listeners that are told of changed users before a change is acknowledged.

use std::sync::{PoisonError, RwLock, Weak};

use auth_core::{ChangeListener, UserId};

/// Listeners that are alive.
#[derive(Default)]
pub(crate) struct Listeners(RwLock<Vec<Weak<dyn ChangeListener>>>);

impl Listeners {
    /// Adds a listener, and forgets those that have been dropped.
    pub(crate) fn add(&self, listener: Weak<dyn ChangeListener>) {
        let mut listeners = self.0.write().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.strong_count() > 0);
        listeners.push(listener);
    }

    /// Tells every listener that a user has changed.
    pub(crate) fn notify(&self, user: UserId) {
        self.each(|listener| listener.changed(user));
    }

    /// Tells every listener that what was counted of an account was forgotten.
    #[cfg(feature = "postgres")]
    pub(crate) fn limits_lifted(&self, user: UserId) {
        self.each(|listener| listener.limits_lifted(user));
    }

    fn each(&self, tell: impl Fn(&dyn ChangeListener)) {
        for listener in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            if let Some(listener) = listener.upgrade() {
                tell(&*listener);
            }
        }
    }
}

//! What is done to the store now and then, so that it keeps nothing longer than it must.

use std::time::Duration;

use auth_core::InternalError;

use crate::Engine;

/// A mail that nobody has taken for so long is given up.
const NEGLECTED: Duration = Duration::from_secs(24 * 3600);

/// Mails are given up in pages of this many.
const PAGE: u32 = 100;

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain counts")]
pub struct Purged {
    /// Credentials that had ended.
    pub credentials: u64,
    /// Attempts older than the log keeps them.
    pub attempts: u64,
    /// Mails that nobody had taken for a day.
    pub mails: u64,
}

impl Engine {
    /// Waits until the attempts recorded so far are written, or can't be.
    pub async fn write_attempts(&self) {
        // What can't be written now is lost: nobody waits for it.
        drop(self.store.attempts(0).await);
    }

    /// Deletes what has ended and what is too old.
    ///
    /// # Errors
    /// A [`InternalError`] when the store can't be reached; what was deleted until then stays deleted.
    pub async fn purge(&self, keep_attempts: Duration) -> Result<Purged, InternalError> {
        let now = self.now();
        let credentials = self.store.purge(now).await?;
        let attempts = self.store.forget_attempts(now - keep_attempts).await?;
        self.store.forget_tries(now - self.limits.longest_window()).await?;
        let mut mails = 0;
        loop {
            let neglected = self.store.due(now - NEGLECTED, PAGE).await?;
            if neglected.is_empty() {
                return Ok(Purged { credentials, attempts, mails });
            }
            for mail in neglected {
                mails += u64::from(self.store.settle(mail.id).await?);
            }
        }
    }
}

//! Deletes what has ended, so that the store keeps nothing longer than it must.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{AttemptFilter, Clock, InternalError, LogPage, Store};

use crate::login::attempt_log::AttemptLog;
use crate::token::uses::CredentialUses;

/// A mail that was not taken for so long is given up.
const NEGLECTED: Duration = Duration::from_secs(24 * 3600);

/// Ended admin keys and network rules are shown for so long, so that an operator can tell what became of them.
const SHOWN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Mails are given up in pages of this many.
const PAGE: u32 = 100;

/// The numbers of deleted records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain counts")]
pub struct Purged {
    /// Credentials that had ended.
    pub credentials: u64,
    /// Attempts older than the log keeps them.
    pub attempts: u64,
    /// Rows older than the audit log keeps them.
    pub audit: u64,
    /// Mails that no server had taken for a day.
    pub mails: u64,
}

/// Deletes what has ended and what is too old.
pub struct Purger {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    log: Arc<AttemptLog>,
    uses: Arc<CredentialUses>,
    /// The longest time for which shared attempts are remembered.
    attempts: Duration,
}

impl Purger {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        log: Arc<AttemptLog>,
        uses: Arc<CredentialUses>,
        attempts: Duration,
    ) -> Self {
        Self { store, clock, log, uses, attempts }
    }

    /// Logs how many attempts the limits have refused, and how many were granted without a hash, in windows that are over. To
    /// be called every second or so.
    pub fn log_refusals(&self) {
        self.log.write_ended_sums();
    }

    /// Logs all attempts that were only counted so far, and waits until the attempts recorded so far are written,
    /// or can't be.
    pub async fn flush_attempts(&self) {
        self.log.write_all_sums();
        // An attempt that can't be written now is lost: no request waits for it.
        drop(self.store.attempts(&AttemptFilter::default(), LogPage::newest(0)).await);
    }

    /// Writes when credentials were last used. To be called every minute or so, and at the end.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be reached; what was noted until then is lost.
    pub async fn write_uses(&self) -> Result<(), InternalError> {
        Ok(self.uses.write().await?)
    }

    /// Deletes the oldest attempts beyond `most`; gives their number.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be reached; what was deleted until then stays deleted.
    pub async fn trim_attempts(&self, most: u32) -> Result<u64, InternalError> {
        Ok(self.store.trim_attempts(most).await?)
    }

    /// Deletes what has ended, and attempts and rows of the audit log that are older than given.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be reached; what was deleted until then stays deleted.
    pub async fn purge(
        &self,
        keep_attempts: Duration,
        keep_audit: Duration,
    ) -> Result<Purged, InternalError> {
        let now = self.clock.now();
        let credentials = self.store.purge(now).await?;
        let attempts = self.store.forget_attempts(now - keep_attempts).await?;
        let audit = self.store.forget_audit(now - keep_audit).await?;
        self.store.forget_shared_attempts(now - self.attempts).await?;
        self.store.forget_spent(now).await?;
        self.store.forget_network_rules(now - SHOWN).await?;
        self.store.forget_admin_keys(now - SHOWN).await?;
        let mut mails = 0;
        loop {
            let neglected = self.store.due(now - NEGLECTED, PAGE).await?;
            if neglected.is_empty() {
                return Ok(Purged { credentials, attempts, audit, mails });
            }
            for mail in neglected {
                mails += u64::from(self.store.settle(mail.id).await?);
            }
        }
    }
}

impl fmt::Debug for Purger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purger").finish_non_exhaustive()
    }
}

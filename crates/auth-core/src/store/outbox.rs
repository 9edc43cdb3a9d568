//! Outgoing mail.

use std::fmt;

use async_trait::async_trait;

use super::StoreError;
use crate::{Credential, MailId, Timestamp};

/// Keeps outgoing mail until it is sent.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Adds a mail.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn post(&self, mail: &OutgoingMail) -> Result<(), StoreError>;

    /// Adds a mail together with the credential that it tells of, which replaces the user's others of its kind, in one step.
    /// `false` and nothing done when there is no such user.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn post_with(&self, credential: &Credential, mail: &OutgoingMail) -> Result<bool, StoreError>;

    /// Up to `limit` mails that are due at `now`, oldest first.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutgoingMail>, StoreError>;

    /// Deletes a mail that was sent, or given up.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn settle(&self, id: MailId) -> Result<bool, StoreError>;

    /// Puts a mail off after a failed attempt to send it.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn put_off(&self, id: MailId, until: Timestamp) -> Result<bool, StoreError>;
}

/// An outgoing mail.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it, stores take it apart")]
pub struct OutgoingMail {
    /// The mail's identifier.
    pub id: MailId,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The body, sealed where it holds a code.
    pub body: Vec<u8>,
    /// When to send it next.
    pub due: Timestamp,
    /// The number of failed attempts to send it.
    pub failures: u32,
}

impl fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingMail").field("id", &self.id).field("due", &self.due).finish_non_exhaustive()
    }
}

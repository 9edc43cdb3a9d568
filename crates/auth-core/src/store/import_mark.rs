//! What imports remember of the records that they have read, so that a later one finds what has changed.

use async_trait::async_trait;

use super::StoreError;
use crate::{AuditRecord, Credential, CredentialKind, PasswordString, Timestamp, User, UserId};

/// Tells a record of a source from all others of that source.
pub type MarkKey = [u8; 16];

/// What an import remembers of a user's record: no text of it, only digests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "imports build it, stores take it apart")]
pub struct ImportMark {
    /// The name of the source.
    pub source: String,
    /// The record in its source.
    pub key: MarkKey,
    /// The account that the record became; `None` when that account was deleted.
    pub user: Option<UserId>,
    /// A digest of the record as a whole.
    pub digest: [u8; 16],
    /// Digests of its fields, in a form of the import's own.
    pub fields: Vec<u8>,
}

/// A change of an account that is there, because a record of a source has changed.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "imports build it, stores take it apart")]
pub struct ImportedChange {
    /// The account as it is to be, with the version that it was read with. A record of which only the mark is new gives the
    /// account as it was read.
    pub user: User,
    /// Whether anything but the mark is to be written.
    pub is_change: bool,
    /// The password to store; `None` leaves the one that is there.
    pub password: Option<PasswordString>,
    /// Credentials of these kinds are deleted. Those of [`ImportedChange::bots`] are deleted of the bots of an account that is
    /// deactivated.
    pub revoked: Vec<CredentialKind>,
    /// What a deactivation ends of the bots that go with the account, and the stamp that theirs is moved to.
    pub bots: (Vec<CredentialKind>, Timestamp),
    /// Credentials to add, after those were deleted.
    pub credentials: Vec<Credential>,
    /// Rows of the audit log.
    pub audit: Vec<AuditRecord>,
    /// What is remembered of the record.
    pub mark: Option<ImportMark>,
}

/// Keeps what imports remember. [`UserStore::import`](super::UserStore::import) writes it, with the records it is of.
#[async_trait]
pub trait ImportMarkStore: Send + Sync {
    /// Up to `limit` marks of a source by key, from the first after `after` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn import_marks(
        &self,
        source: &str,
        after: Option<MarkKey>,
        limit: u32,
    ) -> Result<Vec<ImportMark>, StoreError>;

    /// The mark of a record.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn import_mark(&self, source: &str, key: MarkKey) -> Result<Option<ImportMark>, StoreError>;

    /// The marks of the records that a user became.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn import_marks_of(&self, user: UserId) -> Result<Vec<ImportMark>, StoreError>;
}

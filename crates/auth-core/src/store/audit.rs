//! The audit log of a store.

use async_trait::async_trait;

use super::log::is_within;
use super::{LogPage, Place, StoreError};
use crate::{Act, AuditRecord, ClientKey, ProtocolName, RealmId, Timestamp, UserId};

/// Keeps the audit log. Commands that change an account, a realm or a key take the row of the act along and write it in the
/// same transaction: the act and its row are there both, or neither is. A command that changes nothing writes no row.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Writes the row of an act that is done outside of the store.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn write_audit(&self, record: &AuditRecord) -> Result<(), StoreError>;

    /// A page of the rows that fit a filter. It is found by an index where the filter has a user or a client; else the log is
    /// read in the order of time until the page is full, from `since` to `until` at most.
    ///
    /// A row gets its time before it is written: who follows the log asks for rows `until` some seconds ago, so that none is
    /// passed over.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn audit_rows(&self, filter: &AuditFilter, page: LogPage) -> Result<Vec<AuditRow>, StoreError>;

    /// Deletes rows older than `before`; gives their number. Nothing else ever deletes one.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// The rows of the audit log that fit all that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever reads the log builds it, stores take it apart")]
pub struct AuditFilter {
    /// The user to whom something was done, or who did it.
    pub user: Option<UserId>,
    /// The realm that it was done to, or in.
    pub realm: Option<RealmId>,
    /// What was done.
    pub act: Option<Act>,
    /// The client that asked for it.
    pub client: Option<ClientKey>,
    /// The protocol by which it was asked for.
    pub protocol: Option<ProtocolName>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether a row fits.
    #[must_use]
    pub fn fits(&self, row: &AuditRecord) -> bool {
        let is_of = |user| row.user == Some(user) || row.actor.user() == Some(user);
        self.user.is_none_or(is_of)
            && self.realm.is_none_or(|realm| row.realm == Some(realm))
            && self.act.is_none_or(|act| row.act == act)
            && self.client.is_none_or(|client| row.client == Some(client))
            && self.protocol.is_none_or(|protocol| row.protocol == Some(protocol))
            && is_within(row.at, self.since, self.until)
    }
}

/// A row of the audit log, and its place there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct AuditRow {
    /// The row's place.
    pub place: Place,
    /// What the row says.
    pub record: AuditRecord,
}

//! The log of attempts of a store.

use std::borrow::Cow;

use async_trait::async_trait;

use super::log::is_within;
use super::{LogPage, Place, StoreError};
use crate::{ClientKey, ProtocolName, RealmId, Timestamp, UserId};

/// How many client keys of one user are remembered, so that no user makes those of others forgotten.
pub const KNOWN_CLIENTS: usize = 64;

/// Keeps the attempt log.
#[async_trait]
pub trait AttemptStore: Send + Sync {
    /// Queues a row for writing; never waits. Rows that don't fit the queue are dropped. With the row of a login goes the
    /// activity of its user ([`ActivityStore`](super::ActivityStore)).
    fn record(&self, attempt: AttemptRecord);

    /// A page of the attempts that fit a filter; those that were recorded before are seen. It is found as a page of the audit
    /// log is: see [`AuditStore::audit_rows`](super::AuditStore::audit_rows).
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn attempts(&self, filter: &AttemptFilter, page: LogPage) -> Result<Vec<AttemptRow>, StoreError>;

    /// The users that logged in, each with the client key: pairs without repetition, newest first, up to `limit`, and up to
    /// [`KNOWN_CLIENTS`] of each user. Only the `within` newest attempts are read.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn known_clients(&self, within: u32, limit: u32) -> Result<Vec<(UserId, ClientKey)>, StoreError>;

    /// Deletes attempts older than `before`; gives their number.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_attempts(&self, before: Timestamp) -> Result<u64, StoreError>;

    /// Deletes the oldest attempts, so that at most `keep` are left; gives their number. Attempts of one millisecond go
    /// together.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn trim_attempts(&self, keep: u32) -> Result<u64, StoreError>;
}

/// A row of the attempt log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it, stores take it apart")]
pub struct AttemptRecord {
    /// When the attempt was made.
    pub at: Timestamp,
    /// The protocol by which the attempt came.
    pub protocol: ProtocolName,
    /// The realm to log in to.
    pub realm: RealmId,
    /// The user, where the name has one.
    pub user: Option<UserId>,
    /// The name as typed, cut to 256 bytes; empty where names are not logged.
    pub name: String,
    /// The client key that the attempt came from.
    pub client_key: ClientKey,
    /// `granted`, or the refusal in a word. Where the row counts several attempts, their number follows, as in `granted x 7`.
    pub outcome: Cow<'static, str>,
}

impl AttemptRecord {
    /// Whether that is the outcome of the attempt, or of each that the row counts.
    #[must_use]
    pub fn has_outcome(&self, outcome: &str) -> bool {
        self.outcome.strip_prefix(outcome).is_some_and(|rest| rest.is_empty() || rest.starts_with(" x "))
    }

    /// Whether the user logged in.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        self.has_outcome("granted")
    }
}

/// The rows of the log of attempts that fit all that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever reads the log builds it, stores take it apart")]
pub struct AttemptFilter {
    /// The user, where the name had one.
    pub user: Option<UserId>,
    /// The realm to log in to.
    pub realm: Option<RealmId>,
    /// The outcome of one attempt, or of each that a row counts: see [`AttemptRecord::has_outcome`].
    pub outcome: Option<String>,
    /// The client key that the attempt came from.
    pub client: Option<ClientKey>,
    /// The protocol by which the attempt came.
    pub protocol: Option<ProtocolName>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

impl AttemptFilter {
    /// Whether a row fits.
    #[must_use]
    pub fn fits(&self, row: &AttemptRecord) -> bool {
        self.user.is_none_or(|user| row.user == Some(user))
            && self.realm.is_none_or(|realm| row.realm == realm)
            && self.outcome.as_ref().is_none_or(|outcome| row.has_outcome(outcome))
            && self.client.is_none_or(|client| row.client_key == client)
            && self.protocol.is_none_or(|protocol| row.protocol == protocol)
            && is_within(row.at, self.since, self.until)
    }
}

/// A row of the log of attempts, and its place there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct AttemptRow {
    /// The row's place.
    pub place: Place,
    /// What the row says.
    pub record: AttemptRecord,
}

//! When users were last seen.

use async_trait::async_trait;

use super::{Place, StoreError};
use crate::{Account, RealmId, Timestamp, UserId};

/// Knows when users were last seen. It is written with the attempts that are recorded and with the last uses of
/// credentials, and is no part of a user's record: it changes no version, and no listener hears of it.
#[async_trait]
pub trait ActivityStore: Send + Sync {
    /// The activity of those of the users that are there, in no order.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn activities(&self, users: &[UserId]) -> Result<Vec<(UserId, Activity)>, StoreError>;

    /// Up to `limit` users of a realm, or of all realms, that were last seen before `since`: those that were seen longest ago
    /// first, from the first behind `after` on. They are found by an index, however many there are.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn unseen_since(
        &self,
        realm: Option<RealmId>,
        since: Timestamp,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Unseen>, StoreError>;
}

/// When a user was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Activity {
    /// The last login; `None` where none is known.
    pub last_login: Option<Timestamp>,
    /// The last use of a credential, to the minute; `None` where none is known.
    pub last_use: Option<Timestamp>,
    /// The later of the two; the moment of the user's creation where neither is known, or both came before it.
    pub seen: Timestamp,
}

/// A user that was not seen since a moment.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Unseen {
    /// The place in the list, for the next page.
    pub place: Place,
    /// The user.
    pub account: Account,
    /// When the user was last seen.
    pub activity: Activity,
}

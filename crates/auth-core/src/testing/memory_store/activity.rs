//! When users were last seen.

use async_trait::async_trait;

use super::MemoryStore;
use super::state::{UserRecord, paged};
use crate::{Activity, ActivityStore, LogPage, Place, RealmId, StoreError, Timestamp, Unseen, UserId};

#[async_trait]
impl ActivityStore for MemoryStore {
    async fn activities(&self, users: &[UserId]) -> Result<Vec<(UserId, Activity)>, StoreError> {
        self.read(|state| {
            let there = users.iter().filter_map(|user| state.users.get(user));
            there.map(|record| (record.user.id, record.activity)).collect()
        })
    }

    async fn unseen_since(
        &self,
        realm: Option<RealmId>,
        since: Timestamp,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Unseen>, StoreError> {
        let is_meant = |record: &&UserRecord| {
            realm.is_none_or(|realm| record.user.realm == realm) && record.activity.seen < since
        };
        self.read(|state| {
            let unseen = state.users.values().filter(is_meant).filter_map(|record| {
                let (id, activity) = (record.user.id, record.activity);
                let place = Place { at: activity.seen, number: u128::from_be_bytes(*id.as_bytes()) };
                Some((place, Unseen { place, account: state.account(id)?, activity }))
            });
            paged(unseen, LogPage { after, ..LogPage::oldest(limit) })
        })
    }
}

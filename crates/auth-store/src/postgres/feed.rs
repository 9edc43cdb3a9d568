//! Versions of users, by which caches find out about changes.

use std::sync::Weak;

use async_trait::async_trait;
use auth_core::{ChangeFeed, ChangeListener, StoreError, UserId};

use super::Postgres;
use super::row::Columns;
use super::session::read;
use super::statement::rows;

/// The most users whose versions one statement reads.
const PAGE: usize = 10_000;

pub(super) const VERSIONS: &str = "SELECT id, version FROM account WHERE id = ANY($1)";

#[async_trait]
impl ChangeFeed for Postgres {
    async fn change_counter(&self) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    async fn versions(&self, users: &[UserId]) -> Result<Vec<(UserId, u64)>, StoreError> {
        let mut versions = Vec::with_capacity(users.len());
        for page in users.chunks(PAGE) {
            let ids: Vec<&[u8]> = page.iter().map(|id| &id.as_bytes()[..]).collect();
            for row in read!(self, |client| rows(client, VERSIONS, &[&ids]).await)? {
                let mut columns = Columns::of(&row);
                let id = UserId::from_bytes(columns.bytes()?);
                versions.push((id, columns.take::<i64>()?.cast_unsigned()));
            }
        }
        Ok(versions)
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        self.notifications.listeners.add(listener);
    }
}

//! Versions of users, by which caches find out about changes.

use std::sync::Weak;

use async_trait::async_trait;
use auth_core::{ChangeFeed, ChangeListener, StoreError, UserId};
use rusqlite::OptionalExtension;

use super::Sqlite;

pub(super) const VERSION: &str = "SELECT version FROM user WHERE id = ?1";

#[async_trait]
impl ChangeFeed for Sqlite {
    async fn change_counter(&self) -> Result<Option<u64>, StoreError> {
        let counter = self.watch.read(|connection| {
            Ok(connection.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0))?)
        });
        counter.await.map(|counter| Some(counter.cast_unsigned()))
    }

    async fn versions(&self, users: &[UserId]) -> Result<Vec<(UserId, u64)>, StoreError> {
        let users = users.to_vec();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(VERSION)?;
            let mut versions = Vec::with_capacity(users.len());
            for user in users {
                let version =
                    statement.query_row([user.as_bytes()], |row| row.get::<_, i64>(0)).optional()?;
                versions.extend(version.map(|version| (user, version.cast_unsigned())));
            }
            Ok(versions)
        })
        .await
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        self.listeners.add(listener);
    }
}

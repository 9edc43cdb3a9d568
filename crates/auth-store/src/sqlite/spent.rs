//! What was used up.

use async_trait::async_trait;
use auth_core::{Digest, SpentStore, StoreError, Timestamp};
use rusqlite::params;

use super::Sqlite;
use super::statement::{changed, count};

/// Rows that one command deletes, so that none takes long.
const FORGET: u32 = 1000;

pub(super) const SPEND: &str =
    "INSERT INTO spent (digest, until) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING";
pub(super) const FORGET_OLD: &str =
    "DELETE FROM spent WHERE digest IN (SELECT digest FROM spent WHERE until < ?1 LIMIT ?2)";

#[async_trait]
impl SpentStore for Sqlite {
    async fn spend(&self, digest: &Digest, until: Timestamp) -> Result<bool, StoreError> {
        let (digest, until) = (*digest, until.as_millis());
        self.write(move |connection| changed(connection, SPEND, params![digest.as_bytes(), until])).await
    }

    async fn forget_spent(&self, now: Timestamp) -> Result<u64, StoreError> {
        let (now, mut total) = (now.as_millis(), 0);
        loop {
            let count =
                self.write(move |connection| count(connection, FORGET_OLD, params![now, FORGET])).await?;
            total += count;
            if count < u64::from(FORGET) {
                return Ok(total);
            }
        }
    }
}

//! What was used up.

use async_trait::async_trait;
use auth_core::{Digest, SpentStore, StoreError, Timestamp};

use super::Postgres;
use super::session::write_once;
use super::statement::execute;

/// Rows that one command deletes, so that none takes long.
const FORGET: i64 = 1000;

pub(super) const SPEND: &str =
    "INSERT INTO spent (digest, until) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
pub(super) const FORGET_OLD: &str =
    "DELETE FROM spent WHERE digest IN (SELECT digest FROM spent WHERE until < $1 LIMIT $2)";

#[async_trait]
impl SpentStore for Postgres {
    async fn spend(&self, digest: &Digest, until: Timestamp) -> Result<bool, StoreError> {
        let (digest, until) = (&digest.as_bytes()[..], until.as_millis());
        Ok(write_once!(self, |client| execute(client, SPEND, &[&digest, &until]).await)? > 0)
    }

    async fn forget_spent(&self, now: Timestamp) -> Result<u64, StoreError> {
        let (now, mut total) = (now.as_millis(), 0);
        loop {
            let count = write_once!(self, |client| execute(client, FORGET_OLD, &[&now, &FORGET]).await)?;
            total += count;
            if count < FORGET.unsigned_abs() {
                return Ok(total);
            }
        }
    }
}

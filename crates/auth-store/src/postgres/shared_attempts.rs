//! Attempts that all servers count together: a row for each key, changed in one statement, so that a hundred servers
//! that ask at once let no more attempts through than the quota allows.

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Digest, Quota, SharedAttempts, StoreError, Timestamp};
use tokio_postgres::Row;

use super::Postgres;
use super::error::CommandError;
use super::row::Columns;
use super::session::{read, write_once};
use super::statement::{execute, row};

/// Rows that one command deletes, so that none takes long.
const FORGET: i64 = 1000;

type StoreResult<T> = Result<T, StoreError>;

// $1 the key, $2 now, $3 the first time that still counts, $4 how many may be counted, $5 the last time that is not ahead:
// a later one was counted before the clock was set back, and counts as now. The commit is not waited for: counts lost in a
// crash of the database give an attacker a few more attempts.
pub(super) const RESERVE: &str = "INSERT INTO tried AS t (key, tries, last) \
    SELECT $1::bytea, ARRAY[$2::bigint], $2::bigint FROM set_config('synchronous_commit', 'off', true) \
    ON CONFLICT (key) DO UPDATE SET last = greatest(t.last, $2), tries = array_append(ARRAY( \
    SELECT CASE WHEN u > $5 THEN $2 ELSE u END FROM unnest(t.tries) AS u WHERE u >= $3 ORDER BY u), $2) \
    WHERE (SELECT count(*) FROM unnest(t.tries) AS u WHERE u >= $3) < $4";
pub(super) const OLDEST: &str =
    "SELECT min(u), max(u) FROM tried AS t, unnest(t.tries) AS u WHERE t.key = $1 AND u >= $2";
// $2 now, $3 the last time that is not ahead.
pub(super) const TURN_BACK: &str = "UPDATE tried AS t SET tries = ARRAY( \
    SELECT CASE WHEN u > $3 THEN $2 ELSE u END FROM unnest(t.tries) AS u ORDER BY 1) \
    FROM set_config('synchronous_commit', 'off', true) WHERE t.key = $1";
// The only attempt of a key goes with its row, so that logins that succeed leave none behind.
pub(super) const GIVE_BACK_ONLY: &str = "DELETE FROM tried USING set_config('synchronous_commit', 'off', true) \
    WHERE key = $1 AND tries = ARRAY[$2::bigint]";
// One attempt, should several have been counted at that time.
pub(super) const GIVE_BACK: &str = "UPDATE tried SET tries = tries[:array_position(tries, $2) - 1] \
    || tries[array_position(tries, $2) + 1:] FROM set_config('synchronous_commit', 'off', true) \
    WHERE key = $1 AND array_position(tries, $2) IS NOT NULL";
pub(super) const FORGET_OLD: &str =
    "DELETE FROM tried WHERE key IN (SELECT key FROM tried WHERE last < $1 LIMIT $2)";

#[async_trait]
impl SharedAttempts for Postgres {
    async fn reserve_attempt(
        &self,
        key: &Digest,
        quota: Quota,
        now: Timestamp,
    ) -> StoreResult<Option<Duration>> {
        let (key, at, most) = (&key.as_bytes()[..], now.as_millis(), i64::from(quota.attempts));
        let first = (now - quota.window).as_millis();
        let last = (now + Timestamp::SKEW).as_millis();
        let reserved =
            write_once!(self, |client| execute(client, RESERVE, &[&key, &at, &first, &most, &last]).await)?;
        if reserved > 0 {
            return Ok(None);
        }
        let found = read!(self, |client| row(client, OLDEST, &[&key, &first]).await)?;
        let (oldest, newest) = found.map(|row| oldest_and_newest(&row)).transpose()?.unwrap_or_default();
        if newest.is_some_and(|newest| newest.is_ahead(now)) {
            write_once!(self, |client| execute(client, TURN_BACK, &[&key, &at, &last]).await)?;
        }
        let free_at = oldest.map_or(now, |oldest| oldest.counted_at(now) + quota.window);
        Ok(Some(free_at.since(now).max(Duration::from_millis(1))))
    }

    async fn give_back_attempt(&self, key: &Digest, at: Timestamp) -> StoreResult<()> {
        let (key, at) = (&key.as_bytes()[..], at.as_millis());
        if write_once!(self, |client| execute(client, GIVE_BACK_ONLY, &[&key, &at]).await)? == 0 {
            write_once!(self, |client| execute(client, GIVE_BACK, &[&key, &at]).await)?;
        }
        Ok(())
    }

    async fn forget_shared_attempts(&self, before: Timestamp) -> StoreResult<u64> {
        let before = before.as_millis();
        let mut total = 0;
        loop {
            let count = write_once!(self, |client| execute(client, FORGET_OLD, &[&before, &FORGET]).await)?;
            total += count;
            if count < FORGET.cast_unsigned() {
                return Ok(total);
            }
        }
    }
}

/// The times of a row of [`OLDEST`].
fn oldest_and_newest(row: &Row) -> Result<(Option<Timestamp>, Option<Timestamp>), CommandError> {
    let mut columns = Columns::of(row);
    Ok((columns.timestamp_or_none()?, columns.timestamp_or_none()?))
}

//! Attempts that all servers count together: a row for each key, changed in one statement, so that a hundred servers
//! that ask at once let no more attempts through than the quota allows.

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Digest, FullCounter, Quota, SharedAttempts, SharedCounter, StoreError, Timestamp, UserId};
use tokio_postgres::Row;

use super::Postgres;
use super::error::CommandError;
use super::row::{Columns, escaped};
use super::session::{read, write_once};
use super::statement::{Params, changed, execute, row, rows};

/// Rows that one command deletes, so that none takes long.
const PURGE: i64 = 1000;

type StoreResult<T> = Result<T, StoreError>;

// $1 the key, $2 now, $3 the first time that still counts, $4 how many may be counted, $5 the last time that is not ahead:
// a later one was counted before the clock was set back, and counts as now. The commit is not waited for: counts lost in a
// crash of the database give an attacker a few more attempts.
// $6 to $8 the label, the account and the window.
pub(super) const RESERVE: &str = "INSERT INTO tried AS t (key, tries, last, most, label, account, span) \
    SELECT $1::bytea, ARRAY[$2::bigint], $2::bigint, $4::bigint, $6::text, $7::bytea, $8::bigint \
    FROM set_config('synchronous_commit', 'off', true) \
    ON CONFLICT (key) DO UPDATE SET last = greatest(t.last, $2), tries = array_append(ARRAY( \
    SELECT CASE WHEN u > $5 THEN $2 ELSE u END FROM unnest(t.tries) AS u WHERE u >= $3 ORDER BY u), $2), \
    most = $4, label = $6, account = $7, span = $8 \
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

pub(super) const FULL: &str = "SELECT key, label, account, most, span, full_until FROM tried \
    WHERE full_until >= $1 AND (full_until, key) > ($2, $3) ORDER BY full_until, key LIMIT $4";
pub(super) const FORGET_OF_ACCOUNT: &str = "DELETE FROM tried WHERE account = $1";
pub(super) const FORGET: &str = "DELETE FROM tried WHERE key = $1";

#[async_trait]
impl SharedAttempts for Postgres {
    async fn reserve_attempt(
        &self,
        counter: &SharedCounter,
        now: Timestamp,
    ) -> StoreResult<Option<Duration>> {
        let SharedCounter { key, label, user, quota } = counter;
        let (key, at, most) = (&key.as_bytes()[..], now.as_millis(), i64::from(quota.attempts));
        let first = (now - quota.window).as_millis();
        let last = (now + Timestamp::SKEW).as_millis();
        let span = i64::try_from(quota.window.as_millis()).unwrap_or(i64::MAX);
        let account = user.as_ref().map(|user| &user.as_bytes()[..]);
        let label = escaped(label);
        let params: Params<'_> = &[&key, &at, &first, &most, &last, &&*label, &account, &span];
        let reserved = write_once!(self, |client| execute(client, RESERVE, params).await)?;
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
            let count = write_once!(self, |client| execute(client, FORGET_OLD, &[&before, &PURGE]).await)?;
            total += count;
            if count < PURGE.cast_unsigned() {
                return Ok(total);
            }
        }
    }

    async fn full_counters(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, Digest)>,
        limit: u32,
    ) -> StoreResult<Vec<FullCounter>> {
        let until = after.map_or(i64::MIN, |(until, _)| until.as_millis());
        // The empty key sorts before every other.
        let key = after.as_ref().map_or(&[][..], |(_, key)| &key.as_bytes()[..]);
        let (now, limit) = (now.as_millis(), i64::from(limit));
        let found = read!(self, |client| rows(client, FULL, &[&now, &until, &key, &limit]).await)?;
        Ok(found.iter().map(full).collect::<Result<_, CommandError>>()?)
    }

    async fn forget_counters_of(&self, user: UserId) -> StoreResult<u64> {
        let id = &user.as_bytes()[..];
        let count = write_once!(self, |client| execute(client, FORGET_OF_ACCOUNT, &[&id]).await)?;
        self.notifications.limits_lifted(user);
        Ok(count)
    }

    async fn forget_counter(&self, key: &Digest) -> StoreResult<bool> {
        let key = &key.as_bytes()[..];
        Ok(write_once!(self, |client| changed(client, FORGET, &[&key]).await)?)
    }
}

/// A row of [`FULL`].
fn full(row: &Row) -> Result<FullCounter, CommandError> {
    let mut columns = Columns::of(row);
    let counter = SharedCounter {
        key: Digest::new(columns.bytes()?),
        label: columns.text()?,
        user: columns.bytes_or_none()?.map(UserId::from_bytes),
        quota: Quota {
            attempts: u32::try_from(columns.take::<i64>()?).unwrap_or(u32::MAX),
            window: Duration::from_millis(u64::try_from(columns.take::<i64>()?).unwrap_or_default()),
        },
    };
    Ok(FullCounter { counter, until: columns.timestamp()? })
}

/// The times of a row of [`OLDEST`].
fn oldest_and_newest(row: &Row) -> Result<(Option<Timestamp>, Option<Timestamp>), CommandError> {
    let mut columns = Columns::of(row);
    Ok((columns.timestamp_or_none()?, columns.timestamp_or_none()?))
}

//! When users were last seen.

use async_trait::async_trait;
use auth_core::{Activity, ActivityStore, Place, RealmId, StoreError, Timestamp, Unseen, UserId};
use tokio_postgres::Row;

use super::Postgres;
use super::error::Result;
use super::row::{Columns, account_columns};
use super::session::read;
use super::statement::rows;

/// The most users whose activity one statement reads.
const PAGE: usize = 10_000;

pub(super) const OF_USERS: &str =
    "SELECT last_login, last_use, seen, account FROM activity WHERE account = ANY($1)";

/// The rows of a list `p` with their accounts, each of which is looked up by itself: a plan for all of them at once might read
/// the whole table.
macro_rules! with_accounts {
    ($list:expr) => {
        concat!(
            "SELECT p.last_login, p.last_use, p.seen, u.* FROM (",
            $list,
            ") AS p CROSS JOIN LATERAL (SELECT ",
            account_columns!(),
            " FROM account AS u WHERE u.id = p.account OFFSET 0) AS u ORDER BY p.seen, p.account"
        )
    };
}

/// A page of a realm: $1 and $2 the place behind which it begins, $3 the moment, $4 the limit.
macro_rules! unseen_of {
    ($realm:literal) => {
        concat!(
            "SELECT last_login, last_use, seen, account FROM activity WHERE realm = ",
            $realm,
            " AND (seen, account) > ($1, $2) AND seen < $3 ORDER BY seen, account LIMIT $4"
        )
    };
}

pub(super) const UNSEEN_OF_REALM: &str = with_accounts!(unseen_of!("$5"));
// A page of each realm, of which the first rows are taken.
pub(super) const UNSEEN: &str = with_accounts!(concat!(
    "SELECT s.* FROM realm AS r CROSS JOIN LATERAL (",
    unseen_of!("r.id"),
    ") AS s ORDER BY s.seen, s.account LIMIT $4"
));

#[async_trait]
impl ActivityStore for Postgres {
    async fn activities(&self, users: &[UserId]) -> std::result::Result<Vec<(UserId, Activity)>, StoreError> {
        let mut found = Vec::with_capacity(users.len());
        for page in users.chunks(PAGE) {
            let ids: Vec<&[u8]> = page.iter().map(|id| &id.as_bytes()[..]).collect();
            for row in read!(self, |client| rows(client, OF_USERS, &[&ids]).await)? {
                let mut columns = Columns::of(&row);
                let activity = activity(&mut columns)?;
                found.push((UserId::from_bytes(columns.bytes()?), activity));
            }
        }
        Ok(found)
    }

    async fn unseen_since(
        &self,
        realm: Option<RealmId>,
        since: Timestamp,
        after: Option<Place>,
        limit: u32,
    ) -> std::result::Result<Vec<Unseen>, StoreError> {
        let at = after.map_or(i64::MIN, |after| after.at.as_millis());
        let behind = after.map(|after| after.number.to_be_bytes());
        // The empty id sorts before every other.
        let behind = behind.as_ref().map_or(&[][..], |id| &id[..]);
        let (since, limit) = (since.as_millis(), i64::from(limit));
        let found = match &realm {
            Some(realm) => {
                let realm = &realm.as_bytes()[..];
                read!(self, |client| {
                    rows(client, UNSEEN_OF_REALM, &[&at, &behind, &since, &limit, &realm]).await
                })?
            }
            None => read!(self, |client| rows(client, UNSEEN, &[&at, &behind, &since, &limit]).await)?,
        };
        Ok(found.iter().map(unseen).collect::<Result<_>>()?)
    }
}

fn unseen(row: &Row) -> Result<Unseen> {
    let mut columns = Columns::of(row);
    let activity = activity(&mut columns)?;
    let account = columns.account()?;
    let number = u128::from_be_bytes(*account.user.id.as_bytes());
    Ok(Unseen { place: Place { at: activity.seen, number }, account, activity })
}

fn activity(columns: &mut Columns<'_>) -> Result<Activity> {
    Ok(Activity {
        last_login: columns.timestamp_or_none()?,
        last_use: columns.timestamp_or_none()?,
        seen: columns.timestamp()?,
    })
}

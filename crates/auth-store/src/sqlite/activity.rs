//! When users were last seen.

use async_trait::async_trait;
use auth_core::{Activity, ActivityStore, NewUser, RealmId, StoreError, Timestamp, Unseen, UserId};
use auth_core::{AttemptRecord, Place};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::Result;
use super::row::{Columns, account_columns};
use super::{Sqlite, realms};
use crate::log_page::place;

pub(super) const INSERT: &str = "INSERT INTO activity (user, realm, last_use, seen) VALUES (?1, ?2, ?3, ?4)";
pub(super) const LOGGED_IN: &str = "UPDATE activity SET last_login = ?2, seen = max(seen, ?2) \
    WHERE user = (SELECT number FROM user WHERE id = ?1) AND coalesce(last_login, ?2 - 1) < ?2";
pub(super) const USED: &str = "UPDATE activity SET last_use = ?2, seen = max(seen, ?2) \
    WHERE user = ?1 AND coalesce(last_use, ?2 - 1) < ?2";
pub(super) const OF_USER: &str = "SELECT a.last_login, a.last_use, a.seen FROM user AS u \
    CROSS JOIN activity AS a ON a.user = u.number WHERE u.id = ?1";
pub(super) const UNSEEN: &str = "SELECT seen, user FROM activity WHERE realm = ?1 AND (seen, user) > (?2, ?3) \
    AND seen < ?4 ORDER BY seen, user LIMIT ?5";
pub(super) const ACCOUNT: &str = concat!(
    "SELECT a.last_login, a.last_use, a.seen, ",
    account_columns!(),
    " FROM activity AS a CROSS JOIN user AS u ON u.number = a.user WHERE a.user = ?1"
);

#[async_trait]
impl ActivityStore for Sqlite {
    async fn activities(&self, users: &[UserId]) -> std::result::Result<Vec<(UserId, Activity)>, StoreError> {
        let users = users.to_vec();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(OF_USER)?;
            let mut found = Vec::with_capacity(users.len());
            for user in users {
                let own = statement.query_row([user.as_bytes()], |row| Ok(activity(&mut Columns::of(row))));
                found.extend(own.optional()?.transpose()?.map(|own| (user, own)));
            }
            Ok(found)
        })
        .await
    }

    async fn unseen_since(
        &self,
        realm: Option<RealmId>,
        since: Timestamp,
        after: Option<Place>,
        limit: u32,
    ) -> std::result::Result<Vec<Unseen>, StoreError> {
        self.read(move |connection| {
            let realms = match realm {
                Some(realm) => vec![realm],
                None => all_realms(connection)?,
            };
            let mut page = Vec::new();
            for realm in realms {
                page.extend(unseen_of(connection, realm, since, after, limit)?);
            }
            page.sort_unstable();
            page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let mut statement = connection.prepare_cached(ACCOUNT)?;
            let mut unseen = Vec::with_capacity(page.len());
            for (seen, user) in page {
                unseen.push(statement.query_row([user], |row| {
                    let mut columns = Columns::of(row);
                    Ok(activity(&mut columns).and_then(|activity| {
                        let account = columns.account(connection)?;
                        Ok(Unseen { place: place(Timestamp::from_millis(seen), user), account, activity })
                    }))
                })??);
            }
            Ok(unseen)
        })
        .await
    }
}

fn all_realms(connection: &Connection) -> Result<Vec<RealmId>> {
    let mut statement = connection.prepare_cached(realms::ALL)?;
    statement.query_and_then([], |row| Ok(Columns::of(row).realm()?.id))?.collect()
}

/// When users of a realm were last seen, with their numbers: a page of those that were not seen since.
fn unseen_of(
    connection: &Connection,
    realm: RealmId,
    since: Timestamp,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<(i64, i64)>> {
    let (at, number) = after.map_or((i64::MIN, i64::MIN), |after| {
        (after.at.as_millis(), i64::try_from(after.number).unwrap_or(i64::MAX))
    });
    let mut statement = connection.prepare_cached(UNSEEN)?;
    let params = params![realm.as_bytes(), at, number, since.as_millis(), limit];
    let rows = statement.query_map(params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes the row of a new user of that number.
pub(super) fn insert(connection: &Connection, number: i64, new: &NewUser, realm: RealmId) -> Result<()> {
    let last_use = new.credentials.iter().filter_map(|own| own.last_used).max();
    let seen = last_use.map_or(new.user.joined, |last_use| last_use.max(new.user.joined));
    let params = params![number, realm.as_bytes(), last_use.map(Timestamp::as_millis), seen.as_millis()];
    connection.prepare_cached(INSERT)?.execute(params)?;
    Ok(())
}

/// Notes an attempt, if a user has logged in.
pub(super) fn note(connection: &Connection, attempt: &AttemptRecord) -> Result<()> {
    if let Some(user) = attempt.user.filter(|_| attempt.is_granted()) {
        connection.prepare_cached(LOGGED_IN)?.execute(params![user.as_bytes(), attempt.at.as_millis()])?;
    }
    Ok(())
}

fn activity(columns: &mut Columns<'_>) -> Result<Activity> {
    let moment = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    Ok(Activity {
        last_login: moment(columns.take()?),
        last_use: moment(columns.take()?),
        seen: columns.timestamp()?,
    })
}

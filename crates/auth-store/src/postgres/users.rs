//! Users, their names and passwords.

use async_trait::async_trait;
use auth_core::{
    Account, Conflict, ImportError, ImportMode, Imported, Lookup, NameKind, PasswordString, ProfileUpdate,
    RealmId, Records, Revocation, StoreError, UserId, UserStore, fold,
};
use deadpool_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use super::credentials::{REMOVE_KINDS, names};
use super::failure::{Failure, Result};
use super::row::{Columns, account_columns, kept};
use super::session::{changed, execute, read, row, rows, transact, write_once};
use super::{Postgres, import};
use crate::words::number;

type Answer<T> = std::result::Result<T, StoreError>;

// The exact form, or one beside which no other folds alike.
pub(super) const BY_NAME: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM login_name AS n JOIN account AS u ON u.id = n.account
     WHERE n.kind = $1 AND n.folded = $2 AND n.realm = $3 AND (n.exact = $4 OR NOT EXISTS (
         SELECT 1 FROM login_name AS o
         WHERE o.kind = $1 AND o.folded = $2 AND o.realm = $3 AND o.exact <> n.exact))"
);
pub(super) const BY_ID: &str = concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.id = $1");
pub(super) const BY_ZULIP: &str =
    concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.realm = $1 AND u.zulip = $2");
pub(super) const BY_ROCKETCHAT: &str =
    concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.realm = $1 AND u.rocketchat = $2");
pub(super) const BY_ZETTELSTORE: &str =
    concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.realm = $1 AND u.zettelstore = $2");
pub(super) const PAGE: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM account AS u WHERE u.realm = $1 AND u.id > $2 ORDER BY u.id LIMIT $3"
);
pub(super) const REALMS: &str =
    "SELECT DISTINCT realm FROM login_name WHERE kind = $1 AND folded = $2 ORDER BY realm";

pub(super) const REHASH: &str =
    "UPDATE account SET password = $3, version = version + 1 WHERE id = $1 AND password = $2";
// Without a moment the stamp stays: `greatest` passes over what is NULL.
pub(super) const SET_PASSWORD: &str = "UPDATE account SET password = $2, \
    must_change_password = must_change_password AND $2::text IS NULL, version = version + 1, \
    valid_from = greatest(CASE WHEN $3::bigint IS NULL THEN valid_from ELSE valid_from + 1000 END, $3) \
    WHERE id = $1";
pub(super) const SET_ACTIVE: &str = "UPDATE account SET active = $2, version = version + 1, \
    valid_from = greatest(CASE WHEN $3::bigint IS NULL THEN valid_from ELSE valid_from + 1000 END, $3) \
    WHERE id = $1";
pub(super) const SET_FACTS: &str =
    "UPDATE account SET full_name = $2, role = $3, version = version + 1 WHERE id = $1 RETURNING realm";
pub(super) const DELETE_NAMES: &str = "DELETE FROM login_name WHERE account = $1";
pub(super) const INSERT_NAME: &str = "INSERT INTO login_name (kind, folded, realm, exact, account, position, \
    verified) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
pub(super) const SET_EMAIL_SECOND_FACTOR: &str =
    "UPDATE account SET email_second_factor = $2, version = version + 1 WHERE id = $1";
pub(super) const TOUCH: &str = "UPDATE account SET version = version + 1 WHERE id = $1";
pub(super) const DELETE: &str = "DELETE FROM account WHERE id = $1";
pub(super) const VERSIONS: &str = "SELECT id, version FROM account WHERE id = ANY($1)";

#[async_trait]
impl UserStore for Postgres {
    async fn find(&self, realm: RealmId, who: &Lookup<'_>) -> Answer<Option<Account>> {
        let realm = &realm.as_bytes()[..];
        match *who {
            Lookup::Name(kind, typed) => {
                let folded = fold(typed);
                self.one(BY_NAME, &[&small(kind), &&*kept(&folded), &realm, &&*kept(typed)]).await
            }
            Lookup::ZulipId(id) => self.one(BY_ZULIP, &[&realm, &id]).await,
            Lookup::RocketChatId(id) => self.one(BY_ROCKETCHAT, &[&realm, &&*kept(id)]).await,
            Lookup::ZettelstoreId(id) => self.one(BY_ZETTELSTORE, &[&realm, &id.cast_signed()]).await,
        }
    }

    async fn realms_of(&self, kind: NameKind, name: &str) -> Answer<Vec<RealmId>> {
        let folded = fold(name);
        let (kind, folded) = (small(kind), kept(&folded));
        let found = read!(self, |client| rows(client, REALMS, &[&kind, &&*folded]).await)?;
        let realms = found.iter().map(|row| Columns::of(row).bytes().map(RealmId::from_bytes));
        Ok(realms.collect::<Result<_>>()?)
    }

    async fn user(&self, id: UserId) -> Answer<Option<Account>> {
        self.one(BY_ID, &[&&id.as_bytes()[..]]).await
    }

    async fn users(&self, realm: RealmId, after: Option<UserId>, limit: u32) -> Answer<Vec<Account>> {
        let (realm, limit) = (&realm.as_bytes()[..], i64::from(limit));
        // No identifier comes before the empty one.
        let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let found = read!(self, |client| rows(client, PAGE, &[&realm, &after, &limit]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).account()).collect::<Result<_>>()?)
    }

    async fn rehash(&self, user: UserId, old: &PasswordString, new: &PasswordString) -> Answer<bool> {
        let (id, old, new) = (&user.as_bytes()[..], old.expose(), new.expose());
        let done = write_once!(self, |client| changed(client, REHASH, &[&id, &old, &new]).await);
        self.told(user, done)
    }

    async fn set_password(
        &self,
        user: UserId,
        new: Option<&PasswordString>,
        ends: &Revocation<'_>,
    ) -> Answer<bool> {
        let new = new.map(PasswordString::expose);
        self.change(user, SET_PASSWORD, &new, ends).await
    }

    async fn set_active(&self, user: UserId, active: bool, ends: &Revocation<'_>) -> Answer<bool> {
        self.change(user, SET_ACTIVE, &active, ends).await
    }

    async fn update_profile(&self, user: UserId, facts: &ProfileUpdate) -> Answer<bool> {
        let (id, full_name, role) = (&user.as_bytes()[..], kept(&facts.full_name), facts.role.as_str());
        let done = transact!(self, |transaction| {
            let Some(there) = row(transaction, SET_FACTS, &[&id, &&*full_name, &role]).await? else {
                return Ok(false);
            };
            let realm = Columns::of(&there).bytes::<16>()?;
            execute(transaction, DELETE_NAMES, &[&id]).await?;
            for (position, name) in (0_i16..).zip(&facts.names) {
                let folded = fold(&name.exact);
                let (kind, folded, exact) = (small(name.kind), kept(&folded), kept(&name.exact));
                let values: [&(dyn ToSql + Sync); 7] =
                    [&kind, &&*folded, &&realm[..], &&*exact, &id, &position, &name.verified];
                if !changed(transaction, INSERT_NAME, &values).await? {
                    return Err(StoreError::Conflict(Conflict::Name(name.kind)).into());
                }
            }
            Ok(true)
        });
        self.told(user, done)
    }

    async fn set_email_second_factor(&self, user: UserId, on: bool) -> Answer<bool> {
        let id = &user.as_bytes()[..];
        let done = write_once!(self, |client| changed(client, SET_EMAIL_SECOND_FACTOR, &[&id, &on]).await);
        self.told(user, done)
    }

    async fn delete(&self, user: UserId) -> Answer<bool> {
        let id = &user.as_bytes()[..];
        let done = write_once!(self, |client| changed(client, DELETE, &[&id]).await);
        self.told(user, done)
    }

    async fn import(&self, records: Records, mode: ImportMode) -> std::result::Result<Imported, ImportError> {
        import::import(self, records, mode).await
    }
}

impl Postgres {
    async fn one(&self, query: &str, params: &[&(dyn ToSql + Sync)]) -> Answer<Option<Account>> {
        let found = read!(self, |client| row(client, query, params).await)?;
        Ok(found.map(|row| Columns::of(&row).account()).transpose()?)
    }

    /// Changes a user and ends what it shall end. The row is locked first, so that whatever is added meanwhile is
    /// seen and ended too.
    async fn change(
        &self,
        user: UserId,
        statement: &str,
        value: &(dyn ToSql + Sync),
        ends: &Revocation<'_>,
    ) -> Answer<bool> {
        let (id, kinds) = (&user.as_bytes()[..], names(ends.kinds));
        let moment = ends.valid_from.map(auth_core::Timestamp::as_millis);
        let done = transact!(self, |transaction| {
            let done = changed(transaction, statement, &[&id, value, &moment]).await?;
            if done && !kinds.is_empty() {
                execute(transaction, REMOVE_KINDS, &[&id, &kinds, &None::<&[u8]>]).await?;
            }
            Ok(done)
        });
        self.told(user, done)
    }

    /// Has everybody told of a change of a user, whether it is known to have happened or not.
    pub(super) fn told<T>(&self, user: UserId, done: Result<T>) -> Answer<T> {
        self.feed.tell(user);
        done.map_err(StoreError::from)
    }
}

/// Counts a change of a user, and keeps its row locked until the transaction's end; `false` when there is none.
pub(super) async fn touch(client: &impl GenericClient, user: UserId) -> Result<bool> {
    changed(client, TOUCH, &[&&user.as_bytes()[..]]).await
}

/// A kind of name as its column has it.
pub(super) fn small(kind: NameKind) -> i16 {
    i16::try_from(number(kind)).unwrap_or(-1)
}

//! Users, their names and passwords.

use async_trait::async_trait;
use auth_core::{
    Account, ImportError, ImportMode, Imported, Lookup, NameKind, PasswordString, ProfileUpdate, RealmId,
    Records, Revocation, StoreError, Timestamp, UserId, UserStore, fold,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::failure::Result;
use super::import::{import, insert_name};
use super::row::{Columns, account_columns};
use super::{Sqlite, credentials};
use crate::words::number;

type Answer<T> = std::result::Result<T, StoreError>;

// The exact form, or one beside which no other folds alike.
pub(super) const BY_NAME: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM login_name AS n CROSS JOIN user AS u ON u.number = n.user
     WHERE n.kind = ?1 AND n.folded = ?2 AND n.realm = ?3 AND (n.exact = ?4 OR NOT EXISTS (
         SELECT 1 FROM login_name AS o
         WHERE o.kind = ?1 AND o.folded = ?2 AND o.realm = ?3 AND o.exact <> n.exact))"
);
pub(super) const BY_ID: &str = concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.id = ?1");
pub(super) const BY_ZULIP: &str =
    concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.realm = ?1 AND u.zulip = ?2");
pub(super) const BY_ROCKETCHAT: &str =
    concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.realm = ?1 AND u.rocketchat = ?2");
pub(super) const BY_ZETTELSTORE: &str =
    concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.realm = ?1 AND u.zettelstore = ?2");
pub(super) const PAGE: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM user AS u WHERE u.realm = ?1 AND u.id > ?2 ORDER BY u.id LIMIT ?3"
);
pub(super) const REALMS: &str =
    "SELECT DISTINCT realm FROM login_name WHERE kind = ?1 AND folded = ?2 ORDER BY realm";

pub(super) const REHASH: &str =
    "UPDATE user SET password = ?3, version = version + 1 WHERE id = ?1 AND password = ?2";
pub(super) const SET_PASSWORD: &str = "UPDATE user SET password = ?2, \
    must_change_password = must_change_password AND ?2 IS NULL, version = version + 1 WHERE id = ?1";
pub(super) const SET_ACTIVE: &str = "UPDATE user SET active = ?2, version = version + 1 WHERE id = ?1";
pub(super) const SET_FACTS: &str =
    "UPDATE user SET full_name = ?2, role = ?3, version = version + 1 WHERE id = ?1 RETURNING realm";
pub(super) const DELETE_NAMES: &str =
    "DELETE FROM login_name WHERE user = (SELECT number FROM user WHERE id = ?1)";
pub(super) const SET_EMAIL_SECOND_FACTOR: &str =
    "UPDATE user SET email_second_factor = ?2, version = version + 1 WHERE id = ?1";
pub(super) const MOVE_VALID_FROM: &str =
    "UPDATE user SET valid_from = max(valid_from + 1000, ?2) WHERE id = ?1";
pub(super) const TOUCH: &str = "UPDATE user SET version = version + 1 WHERE id = ?1";
pub(super) const DELETE: &str = "DELETE FROM user WHERE id = ?1";

#[async_trait]
impl UserStore for Sqlite {
    async fn find(&self, realm: RealmId, who: &Lookup<'_>) -> Answer<Option<Account>> {
        let (query, key) = match *who {
            Lookup::Name(kind, typed) => {
                let (folded, typed) = (fold(typed), typed.to_owned());
                let by_name = move |connection: &Connection| {
                    one(connection, BY_NAME, params![number(kind), folded, realm.as_bytes(), typed])
                };
                return self.read(by_name).await;
            }
            Lookup::ZulipId(id) => (BY_ZULIP, Value::Integer(id)),
            Lookup::RocketChatId(id) => (BY_ROCKETCHAT, Value::Text(id.into())),
            Lookup::ZettelstoreId(id) => (BY_ZETTELSTORE, Value::Integer(id.cast_signed())),
        };
        self.read(move |connection| one(connection, query, params![realm.as_bytes(), key])).await
    }

    async fn realms_of(&self, kind: NameKind, name: &str) -> Answer<Vec<RealmId>> {
        let folded = fold(name);
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(REALMS)?;
            let realms = statement.query_map(params![number(kind), folded], |row| row.get(0))?;
            Ok(realms.map(|bytes| bytes.map(RealmId::from_bytes)).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn user(&self, id: UserId) -> Answer<Option<Account>> {
        self.read(move |connection| one(connection, BY_ID, params![id.as_bytes()])).await
    }

    async fn users(&self, realm: RealmId, after: Option<UserId>, limit: u32) -> Answer<Vec<Account>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(PAGE)?;
            // No identifier comes before the empty one.
            let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
            let page = statement.query_and_then(params![realm.as_bytes(), after, limit], |row| {
                Columns::of(row).account(connection)
            });
            page?.collect()
        })
        .await
    }

    async fn rehash(&self, user: UserId, old: &PasswordString, new: &PasswordString) -> Answer<bool> {
        let (old, new) = (old.clone(), new.clone());
        self.change(user, move |connection| {
            changed(connection, REHASH, params![user.as_bytes(), old.expose(), new.expose()])
        })
        .await
    }

    async fn set_password(
        &self,
        user: UserId,
        new: Option<&PasswordString>,
        ends: &Revocation<'_>,
    ) -> Answer<bool> {
        let (new, ends) = (new.cloned(), End::of(ends));
        self.change(user, move |connection| {
            let password = new.as_ref().map(PasswordString::expose);
            let done = changed(connection, SET_PASSWORD, params![user.as_bytes(), password])?;
            ends.apply(connection, user)?;
            Ok(done)
        })
        .await
    }

    async fn set_active(&self, user: UserId, active: bool, ends: &Revocation<'_>) -> Answer<bool> {
        let ends = End::of(ends);
        self.change(user, move |connection| {
            let done = changed(connection, SET_ACTIVE, params![user.as_bytes(), active])?;
            ends.apply(connection, user)?;
            Ok(done)
        })
        .await
    }

    async fn update_profile(&self, user: UserId, facts: &ProfileUpdate) -> Answer<bool> {
        let facts = facts.clone();
        self.change(user, move |connection| {
            let mut statement = connection.prepare_cached(SET_FACTS)?;
            let params = params![user.as_bytes(), facts.full_name, facts.role.as_str()];
            let realm = statement.query_row(params, |row| row.get(0)).optional()?;
            let Some(realm) = realm.map(RealmId::from_bytes) else { return Ok(false) };
            connection.prepare_cached(DELETE_NAMES)?.execute([user.as_bytes()])?;
            for (position, name) in (0..).zip(&facts.names) {
                insert_name(connection, user, realm, position, name)?;
            }
            Ok(true)
        })
        .await
    }

    async fn set_email_second_factor(&self, user: UserId, on: bool) -> Answer<bool> {
        self.change(user, move |connection| {
            changed(connection, SET_EMAIL_SECOND_FACTOR, params![user.as_bytes(), on])
        })
        .await
    }

    async fn delete(&self, user: UserId) -> Answer<bool> {
        self.change(user, move |connection| changed(connection, DELETE, params![user.as_bytes()])).await
    }

    async fn import(&self, records: Records, mode: ImportMode) -> std::result::Result<Imported, ImportError> {
        let done = self.writer.alone(move |connection| import(connection, records, mode)).await;
        done.unwrap_or_else(|error| Err(ImportError { record: None, error: Some(error) }))
    }
}

/// An [`Revocation`] that a thread can take along.
struct End {
    valid_from: Option<Timestamp>,
    kinds: Vec<auth_core::CredentialKind>,
}

impl End {
    fn of(ending: &Revocation<'_>) -> Self {
        Self { valid_from: ending.valid_from, kinds: ending.kinds.to_vec() }
    }

    fn apply(&self, connection: &Connection, user: UserId) -> Result<()> {
        if let Some(moment) = self.valid_from {
            changed(connection, MOVE_VALID_FROM, params![user.as_bytes(), moment.as_millis()])?;
        }
        credentials::delete_kinds(connection, user, &self.kinds, None)?;
        Ok(())
    }
}

/// Counts a change of a user.
pub(super) fn touch(connection: &Connection, id: UserId) -> Result<()> {
    changed(connection, TOUCH, params![id.as_bytes()]).map(drop)
}

/// Runs a statement; tells whether it changed anything.
pub(super) fn changed(connection: &Connection, statement: &str, params: impl Params) -> Result<bool> {
    Ok(connection.prepare_cached(statement)?.execute(params)? > 0)
}

fn one(connection: &Connection, query: &str, params: impl Params) -> Result<Option<Account>> {
    let mut statement = connection.prepare_cached(query)?;
    statement.query_row(params, |row| Ok(Columns::of(row).account(connection))).optional()?.transpose()
}

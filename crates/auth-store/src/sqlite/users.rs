//! Users: looked up, listed, changed, created and deleted.

use async_trait::async_trait;
use auth_core::{
    Account, AuditRecord, ExternalId, ImportError, ImportMode, ImportNotes, Imported, ImportedChange,
    Language, Lookup, NameKind, NewId, NewUser, OnConflict, PasswordString, ProfileUpdate, ProtocolName,
    RealmId, Records, Revocation, StoreError, UserId, UserStore, fold,
};
use rusqlite::{Connection, OptionalExtension, Params, params, params_from_iter};

use super::account::by_id;
use super::error::Result;
use super::import::Import;
use super::revocation::OwnedRevocation;
use super::row::{Columns, account_columns};
use super::statement::{changed, touch};
use super::{Sqlite, account, attempts, audit, bots, external_ids, feed, merge, names, new_user};
use crate::encoding::number;

type StoreResult<T> = std::result::Result<T, StoreError>;

// The exact form, or a form beside which no other folds alike.
pub(super) const BY_NAME: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM login_name AS n CROSS JOIN user AS u ON u.number = n.user
     WHERE n.kind = ?1 AND n.folded = ?2 AND n.realm = ?3 AND (n.exact = ?4 OR NOT EXISTS (
         SELECT 1 FROM login_name AS o
         WHERE o.kind = ?1 AND o.folded = ?2 AND o.realm = ?3 AND o.exact <> n.exact))"
);
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
pub(super) const UPDATE_PROFILE: &str = "UPDATE user SET full_name = ?2, role = ?3, language = ?5, \
    must_change_password = ?6, version = version + 1 WHERE id = ?1 AND version = ?4 RETURNING realm";
pub(super) const SET_EMAIL_SECOND_FACTOR: &str =
    "UPDATE user SET email_second_factor = ?2, version = version + 1 WHERE id = ?1";

#[async_trait]
impl UserStore for Sqlite {
    async fn find(&self, realm: RealmId, who: &Lookup<'_>) -> StoreResult<Option<Account>> {
        match *who {
            Lookup::Name(kind, typed) => {
                let (folded, typed) = (fold(typed), typed.to_owned());
                self.read(move |connection| {
                    one(connection, BY_NAME, params![number(kind), folded, realm.as_bytes(), typed])
                })
                .await
            }
            Lookup::ExternalId(protocol, id) => {
                let (query, key) = external_ids::query(realm, protocol, id);
                self.read(move |connection| one(connection, query, params_from_iter(key))).await
            }
        }
    }

    async fn realms_of(&self, kind: NameKind, name: &str) -> StoreResult<Vec<RealmId>> {
        let folded = fold(name);
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(REALMS)?;
            let realms = statement.query_map(params![number(kind), folded], |row| row.get(0))?;
            Ok(realms.map(|bytes| bytes.map(RealmId::from_bytes)).collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn user(&self, id: UserId) -> StoreResult<Option<Account>> {
        self.read(move |connection| by_id(connection, id)).await
    }

    async fn users(&self, realm: RealmId, after: Option<UserId>, limit: u32) -> StoreResult<Vec<Account>> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(PAGE)?;
            // The empty id sorts before every other.
            let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
            let page = statement.query_and_then(params![realm.as_bytes(), after, limit], |row| {
                Columns::of(row).account(connection)
            });
            page?.collect()
        })
        .await
    }

    async fn rehash(&self, user: UserId, old: &PasswordString, new: &PasswordString) -> StoreResult<bool> {
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
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (new, revocation) = (new.cloned(), OwnedRevocation::of(revocation));
        self.act(user, audit, move |connection| {
            let password = new.as_ref().map(PasswordString::expose);
            let done = changed(connection, SET_PASSWORD, params![user.as_bytes(), password])?;
            revocation.apply(connection, user)?;
            Ok(done)
        })
        .await
    }

    async fn set_active(
        &self,
        user: UserId,
        active: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        if active {
            let revocation = OwnedRevocation::of(revocation);
            return self
                .act(user, audit, move |connection| {
                    let done = changed(connection, SET_ACTIVE, params![user.as_bytes(), true])?;
                    revocation.apply(connection, user)?;
                    Ok(done)
                })
                .await;
        }
        self.act_with_bots(user, revocation, audit, move |connection, revocation| {
            let done = changed(connection, SET_ACTIVE, params![user.as_bytes(), false])?;
            revocation.apply(connection, user)?;
            Ok(done)
        })
        .await
    }

    async fn revoke(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let revocation = OwnedRevocation::of(revocation);
        self.act(user, audit, move |connection| {
            let done = touch(connection, user)?;
            revocation.apply(connection, user)?;
            Ok(done)
        })
        .await
    }

    async fn update_profile(
        &self,
        user: UserId,
        update: &ProfileUpdate,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (update, revocation) = (update.clone(), OwnedRevocation::of(revocation));
        self.act(user, audit, move |connection| {
            let mut statement = connection.prepare_cached(UPDATE_PROFILE)?;
            let version = update.version.cast_signed();
            let (role, language) = (update.role.as_str(), update.language.map(Language::tag));
            let must_change = update.must_change_password;
            let params = params![user.as_bytes(), update.full_name, role, version, language, must_change];
            let realm = statement.query_row(params, |row| row.get(0)).optional()?;
            let Some(realm) = realm.map(RealmId::from_bytes) else {
                let is_there = connection.prepare_cached(feed::VERSION)?.exists([user.as_bytes()])?;
                return if is_there { Err(StoreError::Changed.into()) } else { Ok(false) };
            };
            connection.prepare_cached(names::DELETE)?.execute([user.as_bytes()])?;
            names::insert(connection, user, realm, &update.names)?;
            revocation.apply(connection, user)?;
            Ok(true)
        })
        .await
    }

    async fn ensure_external_id(
        &self,
        user: UserId,
        protocol: ProtocolName,
        new: &NewId,
    ) -> StoreResult<Option<ExternalId>> {
        // Nearly always the user has one, and a read is cheaper than a commit.
        let Some(account) = self.user(user).await? else { return Ok(None) };
        if let Some(own) = account.user.external_ids.get(protocol) {
            return Ok(Some(own.clone()));
        }
        let new = new.clone();
        self.change(user, move |connection| {
            let account = by_id(connection, user)?;
            let Some(user) = account.map(|account| account.user) else { return Ok(None) };
            if let Some(own) = user.external_ids.get(protocol) {
                return Ok(Some(own.clone()));
            }
            let id = external_ids::choose(connection, user.realm, protocol, &new)?;
            external_ids::give(connection, &user, protocol, &id)?;
            Ok(Some(id))
        })
        .await
    }

    async fn set_email_second_factor(
        &self,
        user: UserId,
        on: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let revocation = OwnedRevocation::of(revocation);
        self.act(user, audit, move |connection| {
            let done = changed(connection, SET_EMAIL_SECOND_FACTOR, params![user.as_bytes(), on])?;
            revocation.apply(connection, user)?;
            Ok(done)
        })
        .await
    }

    async fn create_user(&self, new: &NewUser, audit: Option<&AuditRecord>) -> StoreResult<()> {
        let (new, user, audit) = (new.clone(), new.user.id, audit.cloned());
        self.change(user, move |connection| {
            // A caller that repeats the command, because its outcome was unknown, finds its own row.
            let own = by_id(connection, user)?;
            if own.is_some_and(|own| own.user.realm == new.user.realm) {
                return Ok(());
            }
            new_user::write(connection, &new, new.user.realm)?;
            audit::write(connection, audit.as_ref())
        })
        .await
    }

    async fn delete(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        self.act_with_bots(user, revocation, audit, move |connection, _| {
            connection.prepare_cached(bots::FORGET_OWNER)?.execute([user.as_bytes()])?;
            for blank in [attempts::BLANK, audit::BLANK, audit::BLANK_BY] {
                connection.prepare_cached(blank)?.execute([user.as_bytes()])?;
            }
            changed(connection, account::DELETE, params![user.as_bytes()])
        })
        .await
    }

    async fn merge(&self, gone: (UserId, u64), change: &ImportedChange) -> StoreResult<bool> {
        let ((id, version), kept) = (gone, change.user.id);
        let change = change.clone();
        let done =
            self.change(kept, move |connection| merge::merge(connection, (id, version), &change)).await;
        self.listeners.notify(id);
        done
    }

    async fn import(
        &self,
        records: Records,
        mode: ImportMode,
        on_conflict: OnConflict,
        notes: ImportNotes,
        audit: Option<&AuditRecord>,
    ) -> std::result::Result<Imported, ImportError> {
        let import = Import::new(mode, on_conflict, notes, audit);
        let done = self.writer.alone(move |connection| import.run(connection, records)).await;
        let (imported, changed) =
            done.unwrap_or_else(|error| Err(ImportError { record: None, error: Some(error) }))?;
        changed.into_iter().for_each(|user| self.listeners.notify(user));
        Ok(imported)
    }
}

/// Runs a query for one account.
fn one(connection: &Connection, query: &str, params: impl Params) -> Result<Option<Account>> {
    let mut statement = connection.prepare_cached(query)?;
    statement.query_row(params, |row| Ok(Columns::of(row).account(connection))).optional()?.transpose()
}

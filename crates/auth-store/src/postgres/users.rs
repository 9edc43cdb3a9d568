//! Users: looked up, listed, changed, created and deleted.

use async_trait::async_trait;
use auth_core::{
    Account, AuditRecord, ExternalId, ImportError, ImportMode, ImportNotes, Imported, ImportedChange,
    Language, Lookup, NameKind, NewId, NewUser, OnConflict, PasswordString, ProfileUpdate, ProtocolName,
    RealmId, Records, Revocation, StoreError, Timestamp, UserId, UserStore, fold,
};

use super::account::{account, by_id};
use super::credentials;
use super::error::Result;
use super::names::small;
use super::new_user::Resolved;
use super::numbers::Numbers;
use super::row::{Columns, account_columns, escaped};
use super::session::{read, transact, write_once};
use super::statement::{Params, changed, execute, lock, move_valid_from, row, rows};
use super::{Postgres, account, attempts, audit, bots, external_ids, feed, import, merge, names, new_user};

type StoreResult<T> = std::result::Result<T, StoreError>;

// The exact form, or a form beside which no other folds alike.
pub(super) const BY_NAME: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM login_name AS n JOIN account AS u ON u.id = n.account
     WHERE n.kind = $1 AND n.folded = $2 AND n.realm = $3 AND (n.exact = $4 OR NOT EXISTS (
         SELECT 1 FROM login_name AS o
         WHERE o.kind = $1 AND o.folded = $2 AND o.realm = $3 AND o.exact <> n.exact))"
);
pub(super) const PAGE: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM account AS u WHERE u.realm = $1 AND u.id > $2 ORDER BY u.id LIMIT $3"
);
pub(super) const REALMS: &str =
    "SELECT DISTINCT realm FROM login_name WHERE kind = $1 AND folded = $2 ORDER BY realm";

pub(super) const REHASH: &str =
    "UPDATE account SET password = $3, version = version + 1 WHERE id = $1 AND password = $2";
pub(super) const SET_PASSWORD: &str = concat!(
    "UPDATE account SET password = $3, must_change_password = must_change_password AND $3::text IS NULL, \
    version = version + 1, ",
    move_valid_from!(),
    " WHERE id = $1"
);
pub(super) const SET_ACTIVE: &str =
    concat!("UPDATE account SET active = $3, version = version + 1, ", move_valid_from!(), " WHERE id = $1");
pub(super) const REVOKE: &str =
    concat!("UPDATE account SET version = version + 1, ", move_valid_from!(), " WHERE id = $1");
pub(super) const UPDATE_PROFILE: &str = concat!(
    "UPDATE account SET full_name = $3, role = $4, language = $6, must_change_password = $7, \
    version = version + 1, ",
    move_valid_from!(),
    " WHERE id = $1 AND version = $5 RETURNING realm"
);
pub(super) const SET_EMAIL_SECOND_FACTOR: &str = concat!(
    "UPDATE account SET email_second_factor = $3, version = version + 1, ",
    move_valid_from!(),
    " WHERE id = $1"
);

#[async_trait]
impl UserStore for Postgres {
    async fn find(&self, realm: RealmId, who: &Lookup<'_>) -> StoreResult<Option<Account>> {
        let found = match *who {
            Lookup::Name(kind, typed) => {
                let (realm, folded) = (&realm.as_bytes()[..], fold(typed));
                let (kind, folded, typed) = (small(kind), escaped(&folded), escaped(typed));
                read!(self, |client| row(client, BY_NAME, &[&kind, &&*folded, &realm, &&*typed]).await)?
            }
            Lookup::ExternalId(protocol, id) => {
                read!(self, |client| external_ids::find(client, realm, protocol, id).await)?
            }
        };
        Ok(account(found)?)
    }

    async fn realms_of(&self, kind: NameKind, name: &str) -> StoreResult<Vec<RealmId>> {
        let folded = fold(name);
        let (kind, folded) = (small(kind), escaped(&folded));
        let found = read!(self, |client| rows(client, REALMS, &[&kind, &&*folded]).await)?;
        let realms = found.iter().map(|row| Columns::of(row).bytes().map(RealmId::from_bytes));
        Ok(realms.collect::<Result<_>>()?)
    }

    async fn user(&self, id: UserId) -> StoreResult<Option<Account>> {
        Ok(read!(self, |client| by_id(client, id).await)?)
    }

    async fn users(&self, realm: RealmId, after: Option<UserId>, limit: u32) -> StoreResult<Vec<Account>> {
        let (realm, limit) = (&realm.as_bytes()[..], i64::from(limit));
        // The empty id sorts before every other.
        let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let found = read!(self, |client| rows(client, PAGE, &[&realm, &after, &limit]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).account()).collect::<Result<_>>()?)
    }

    async fn rehash(&self, user: UserId, old: &PasswordString, new: &PasswordString) -> StoreResult<bool> {
        let (id, old, new) = (&user.as_bytes()[..], old.expose(), new.expose());
        let done = write_once!(self, |client| changed(client, REHASH, &[&id, &old, &new]).await);
        self.notify(user, done)
    }

    async fn set_password(
        &self,
        user: UserId,
        new: Option<&PasswordString>,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (id, valid_from) = (&user.as_bytes()[..], revocation.valid_from.map(Timestamp::as_millis));
        let new = new.map(PasswordString::expose);
        self.change(user, SET_PASSWORD, &[&id, &valid_from, &new], revocation, audit).await
    }

    async fn set_active(
        &self,
        user: UserId,
        active: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (id, valid_from) = (&user.as_bytes()[..], revocation.valid_from.map(Timestamp::as_millis));
        let params: Params<'_> = &[&id, &valid_from, &active];
        if active {
            return self.change(user, SET_ACTIVE, params, revocation, audit).await;
        }
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            let done = changed(transaction, SET_ACTIVE, params).await?;
            credentials::revoke(transaction, user, revocation).await?;
            let bots = bots::deactivate(transaction, user, revocation, audit).await?;
            audit::write(transaction, audit.filter(|_| done)).await?;
            Ok((done, bots))
        });
        self.notify_with_bots(user, done)
    }

    async fn revoke(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (id, valid_from) = (&user.as_bytes()[..], revocation.valid_from.map(Timestamp::as_millis));
        self.change(user, REVOKE, &[&id, &valid_from], revocation, audit).await
    }

    async fn update_profile(
        &self,
        user: UserId,
        update: &ProfileUpdate,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (id, full_name, role) = (&user.as_bytes()[..], escaped(&update.full_name), update.role.as_str());
        let valid_from = revocation.valid_from.map(Timestamp::as_millis);
        let (version, language) = (update.version.cast_signed(), update.language.map(Language::tag));
        let must_change_password = update.must_change_password;
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            let params: Params<'_> =
                &[&id, &valid_from, &&*full_name, &role, &version, &language, &must_change_password];
            let Some(there) = row(transaction, UPDATE_PROFILE, params).await? else {
                let is_there = row(transaction, feed::VERSIONS, &[&vec![id]]).await?.is_some();
                return if is_there { Err(StoreError::Changed.into()) } else { Ok(false) };
            };
            let realm = RealmId::from_bytes(Columns::of(&there).bytes()?);
            execute(transaction, names::DELETE, &[&id]).await?;
            names::insert(transaction, user, realm, &update.names).await?;
            credentials::revoke(transaction, user, revocation).await?;
            audit::write(transaction, audit).await?;
            Ok(true)
        });
        self.notify(user, done)
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
        let done = transact!(self, |transaction| {
            let mut numbers = Numbers::begin(transaction).await?;
            lock(transaction, user).await?;
            let account = by_id(transaction, user).await?;
            let Some(user) = account.map(|account| account.user) else { return Ok(None) };
            if let Some(own) = user.external_ids.get(protocol) {
                return Ok(Some(own.clone()));
            }
            external_ids::give(transaction, &mut numbers, &user, protocol, new).await.map(Some)
        });
        self.notify(user, done)
    }

    async fn set_email_second_factor(
        &self,
        user: UserId,
        on: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let (id, valid_from) = (&user.as_bytes()[..], revocation.valid_from.map(Timestamp::as_millis));
        self.change(user, SET_EMAIL_SECOND_FACTOR, &[&id, &valid_from, &on], revocation, audit).await
    }

    async fn create_user(&self, new: &NewUser, audit: Option<&AuditRecord>) -> StoreResult<()> {
        let realm = new.user.realm;
        let done = transact!(self, |transaction| {
            let mut numbers = Numbers::begin(transaction).await?;
            // A caller that repeats the command, because its outcome was unknown, finds its own row.
            let own = by_id(transaction, new.user.id).await?;
            if own.is_some_and(|own| own.user.realm == realm) {
                return Ok(());
            }
            for ids in numbers.assign(transaction, &[(new, realm)]).await? {
                new_user::write_one(transaction, &Resolved { new, realm, ids: ids? }).await?;
            }
            audit::write(transaction, audit).await
        });
        self.notify(new.user.id, done)
    }

    async fn delete(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            lock(transaction, user).await?;
            let bots = bots::deactivate(transaction, user, revocation, audit).await?;
            bots::forget_owner(transaction, user).await?;
            for blank in [attempts::BLANK, audit::BLANK, audit::BLANK_BY] {
                execute(transaction, blank, &[&&user.as_bytes()[..]]).await?;
            }
            let done = changed(transaction, account::DELETE, &[&&user.as_bytes()[..]]).await?;
            audit::write(transaction, audit.filter(|_| done)).await?;
            Ok((done, bots))
        });
        self.notify_with_bots(user, done)
    }

    async fn merge(&self, gone: (UserId, u64), change: &ImportedChange) -> StoreResult<bool> {
        let done = transact!(self, |transaction| merge::merge(transaction, gone, change).await);
        let done = self.notify(gone.0, done);
        self.notifications.notify(change.user.id);
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
        import::import(self, records, mode, on_conflict, notes, audit).await
    }
}

impl Postgres {
    /// Runs a statement that changes a user, deletes the credentials that are revoked with it, and writes the row of the
    /// act. The statement locks the user's row, so that credentials added meanwhile are deleted too.
    async fn change(
        &self,
        user: UserId,
        statement: &str,
        params: Params<'_>,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> StoreResult<bool> {
        let done = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            let done = changed(transaction, statement, params).await?;
            if done {
                credentials::revoke(transaction, user, revocation).await?;
            }
            audit::write(transaction, audit.filter(|_| done)).await?;
            Ok(done)
        });
        self.notify(user, done)
    }
}

impl Postgres {
    /// Does the same as [`Postgres::notify`] for a user and the bots that were changed with it.
    fn notify_with_bots(&self, user: UserId, done: Result<(bool, Vec<UserId>)>) -> StoreResult<bool> {
        let (done, bots) = self.notify(user, done)?;
        bots.into_iter().for_each(|bot| self.notifications.notify(bot));
        Ok(done)
    }
}

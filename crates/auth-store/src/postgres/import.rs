//! Imports: many records, all or none, in one transaction.
//!
//! Users go in by hundreds, through COPY. Should some of them be refused, that part is undone and done again one
//! by one, so that the record at fault is named.

use std::collections::HashMap;

use auth_core::{
    Conflict, ImportError, ImportMode, Imported, NewRecord, NewUser, Realm, RealmId, Records, StoreError,
};
use deadpool_postgres::Transaction;
use tokio::sync::mpsc;

use super::Postgres;
use super::external_ids::Numbers;
use super::failure::{Failure, Result};
use super::new_user::{self, Resolved};
use super::row::{Columns, kept};
use super::statement::{changed, row};
use crate::encoding::to_json;

/// Users that go in at once.
const CHUNK: usize = 500;

/// After an import of so many users, the planner is told how much there is now.
const MANY: u64 = 1000;

/// A plan that was made while a table was small is kept, and must not read it from end to end later.
pub(super) const BY_INDEX: &str = "SET LOCAL enable_seqscan = off";
pub(super) const ANALYZE: &str = "ANALYZE account, login_name, credential";

pub(super) const REALM: &str = "SELECT id FROM realm WHERE slug = $1";
pub(super) const INSERT_REALM: &str = "INSERT INTO realm (id, slug, subdomain, name, icon, description, \
    active, password_login, digest_logins, min_length, min_guesses, backends) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
pub(super) const UPDATE_REALM: &str = "UPDATE realm SET slug = $2, subdomain = $3, name = $4, icon = $5, \
    description = $6, active = $7, password_login = $8, digest_logins = $9, min_length = $10, \
    min_guesses = $11, backends = $12 WHERE id = $1";
/// Writes all records, or none.
///
/// # Errors
/// The first record that can't be written; see [`ImportError`].
pub(super) async fn import(
    store: &Postgres,
    records: Records,
    mode: ImportMode,
) -> std::result::Result<Imported, ImportError> {
    let (sender, receiver) = mpsc::channel(CHUNK);
    // Whoever gives the records may take its time over each.
    let giving = tokio::task::spawn_blocking(move || {
        for record in records {
            // Nobody wants more once one was refused.
            if sender.blocking_send(record).is_err() {
                return;
            }
        }
    });
    let mut client = store.client().await.map_err(whole)?;
    let mut transaction = client.transaction().await.map_err(whole)?;
    transaction.batch_execute(BY_INDEX).await.map_err(whole)?;
    let mut import =
        Import { receiver, kept: HashMap::new(), numbers: Numbers::default(), done: Imported::default() };
    let written = import.write(&mut transaction).await;
    // What can't be undone here is undone with the connection.
    match (written, mode) {
        (Ok(()), ImportMode::Write) => {
            transaction.commit().await.map_err(|error| whole(Failure::from(error).of_commit()))?;
        }
        (Ok(()), ImportMode::DryRun) => drop(transaction.rollback().await),
        (Err(error), _) => {
            drop(transaction.rollback().await);
            return Err(error);
        }
    }
    if mode == ImportMode::Write && import.done.users >= MANY {
        // What is written stays written: plans are only worse for a while.
        let _ = client.batch_execute(ANALYZE).await;
    }
    if giving.await.is_err() {
        return Err(ImportError { record: None, error: None });
    }
    Ok(import.done)
}

/// A failure that is no record's fault.
fn whole(failure: impl Into<Failure>) -> ImportError {
    ImportError { record: None, error: Some(failure.into().into()) }
}

/// What is known in the midst of an import.
struct Import {
    receiver: mpsc::Receiver<Option<NewRecord>>,
    /// A realm that exists keeps its id: here is which, for the records that refer to the new one.
    kept: HashMap<RealmId, RealmId>,
    numbers: Numbers,
    done: Imported,
}

/// A user on its way, and its place among the records.
type Numbered = (u64, Box<NewUser>);

impl Import {
    async fn write(&mut self, transaction: &mut Transaction<'_>) -> std::result::Result<(), ImportError> {
        let mut next = 0;
        let mut users = Vec::with_capacity(CHUNK);
        let mut received = Vec::with_capacity(CHUNK);
        while self.receiver.recv_many(&mut received, CHUNK).await > 0 {
            for record in received.drain(..) {
                let index = next;
                next += 1;
                match record {
                    None => return Err(ImportError { record: None, error: None }),
                    Some(NewRecord::User(new)) => users.push((index, new)),
                    Some(NewRecord::Realm(realm)) => {
                        self.flush(transaction, &mut users).await?;
                        self.realm(transaction, &realm).await.map_err(|failure| blamed(index, failure))?;
                        self.done.realms += 1;
                    }
                }
                if users.len() == CHUNK {
                    self.flush(transaction, &mut users).await?;
                }
            }
        }
        self.flush(transaction, &mut users).await
    }

    async fn realm(&mut self, transaction: &Transaction<'_>, realm: &Realm) -> Result<()> {
        let existing = row(transaction, REALM, &[&realm.slug]).await?;
        let existing = existing.map(|row| Columns::of(&row).bytes()).transpose()?;
        let id = existing.map_or(realm.id, RealmId::from_bytes);
        let statement = if existing.is_some() { UPDATE_REALM } else { INSERT_REALM };
        let written = changed(
            transaction,
            statement,
            &[
                &&id.as_bytes()[..],
                &realm.slug,
                &realm.subdomain,
                &&*kept(&realm.name),
                &&*kept(&realm.icon),
                &&*kept(&realm.description),
                &realm.active,
                &realm.password_login,
                &realm.digest_logins,
                &realm.strength.map(|rule| i64::from(rule.min_length)),
                &realm.strength.map(|rule| rule.min_guesses.cast_signed()),
                &to_json(&realm.backends)?,
            ],
        )
        .await;
        match written {
            Err(failure) if failure.taken().is_some() => Err(StoreError::Conflict(Conflict::Realm).into()),
            other => {
                other?;
                self.kept.insert(realm.id, id);
                Ok(())
            }
        }
    }

    /// Writes users that have come together: all at once, else one by one up to the first that can't be.
    async fn flush(
        &mut self,
        transaction: &mut Transaction<'_>,
        users: &mut Vec<Numbered>,
    ) -> std::result::Result<(), ImportError> {
        let users = std::mem::take(users);
        if users.is_empty() {
            return Ok(());
        }
        let resolved = self.resolve(transaction, &users).await?;
        let part = transaction.transaction().await.map_err(whole)?;
        match new_user::write(&part, &resolved).await {
            Ok(()) => part.commit().await.map_err(whole)?,
            Err(failure) if failure.spoils() => return Err(whole(failure)),
            Err(_) => {
                part.rollback().await.map_err(whole)?;
                for ((record, _), user) in users.iter().zip(&resolved) {
                    let written = new_user::write_one(transaction, user).await;
                    written.map_err(|failure| blamed(*record, failure))?;
                }
            }
        }
        self.done.users += u64::try_from(resolved.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Finds the realms that users go into, and chooses the ids that the store is to choose.
    async fn resolve<'u>(
        &mut self,
        transaction: &Transaction<'_>,
        users: &'u [Numbered],
    ) -> std::result::Result<Vec<Resolved<'u>>, ImportError> {
        let mut placed = Vec::with_capacity(users.len());
        for (record, new) in users {
            let realm = self.kept.get(&new.user.realm).copied().unwrap_or(new.user.realm);
            self.numbers.lock(transaction, realm).await.map_err(|failure| blamed(*record, failure))?;
            placed.push((&**new, realm));
        }
        self.numbers.know_all(transaction, &placed).await.map_err(whole)?;
        users
            .iter()
            .zip(placed)
            .map(|((record, _), (new, realm))| {
                let ids = self.numbers.ids_of(new, realm).map_err(|failure| blamed(*record, failure))?;
                Ok(Resolved { new, realm, ids })
            })
            .collect()
    }
}

/// A failure, and the record that it is about, unless it is none's fault.
fn blamed(record: u64, failure: Failure) -> ImportError {
    let error = StoreError::from(failure);
    let is_ones = !matches!(error, StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_));
    ImportError { record: is_ones.then_some(record), error: Some(error) }
}

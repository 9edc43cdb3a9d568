//! Imports: many records, all or none, in one transaction.
//!
//! Users go in by hundreds, through COPY. Should some of them be refused, that part is undone and done again one
//! by one, so that the record at fault is named.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use auth_core::{
    Conflict, ImportError, ImportMode, Imported, LoginName, NewRecord, NewUser, Realm, RealmId, Records,
    StoreError, fold,
};
use deadpool_postgres::Transaction;
use tokio::sync::mpsc;

use super::Postgres;
use super::failure::{Failure, Result};
use super::row::{Columns, kept};
use super::session::{changed, execute, row, rows};
use super::users::small;
use crate::words::to_json;

mod copy;

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
// Imports that give out numbers of one realm wait for each other.
pub(super) const LOCK_REALM: &str = "SELECT id FROM realm WHERE id = $1 FOR UPDATE";
pub(super) const LAST_ZULIP: &str = "SELECT max(zulip) FROM account WHERE realm = $1";
pub(super) const LAST_ZETTELSTORE: &str = "SELECT max(zettelstore) FROM account WHERE realm = $1";
// Each is looked up by itself: a plan for all at once, made while the table was small, would read the whole realm.
pub(super) const HAVE_ZETTELSTORE: &str = "SELECT wish FROM unnest($2::bigint[]) AS wish \
    WHERE (SELECT true FROM account WHERE realm = $1 AND zettelstore = wish LIMIT 1)";
pub(super) const HAS_NAME: &str =
    "SELECT 1 FROM login_name WHERE kind = $1 AND folded = $2 AND realm = $3 AND exact = $4";

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
        Import { receiver, kept: HashMap::new(), numbers: HashMap::new(), done: Imported::default() };
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
    numbers: HashMap<RealmId, Numbers>,
    done: Imported,
}

/// The highest numbers of a realm.
#[derive(Clone, Copy)]
struct Numbers {
    zulip: i64,
    zettelstore: i64,
}

/// A user on its way: with its place among the records, and what it is given.
struct Numbered {
    record: u64,
    new: Box<NewUser>,
    realm: RealmId,
    zulip: i64,
    zettelstore: i64,
}

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
            Err(failure) if failure.taken().is_some() => Err(conflict(Conflict::Realm)),
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
        users: &mut Vec<(u64, Box<NewUser>)>,
    ) -> std::result::Result<(), ImportError> {
        let numbered = self.number(transaction, std::mem::take(users)).await?;
        if numbered.is_empty() {
            return Ok(());
        }
        let part = transaction.transaction().await.map_err(whole)?;
        match copy::copy(&part, &numbered).await {
            Ok(()) => part.commit().await.map_err(whole)?,
            Err(failure) => {
                part.rollback().await.map_err(whole)?;
                self.one_by_one(transaction, &numbered, failure).await?;
            }
        }
        self.done.users += u64::try_from(numbered.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    async fn one_by_one(
        &self,
        transaction: &mut Transaction<'_>,
        users: &[Numbered],
        first: Failure,
    ) -> std::result::Result<(), ImportError> {
        if first.spoils() {
            return Err(whole(first));
        }
        for user in users {
            let part = transaction.transaction().await.map_err(whole)?;
            match copy::copy(&part, std::slice::from_ref(user)).await {
                Ok(()) => part.commit().await.map_err(whole)?,
                Err(failure) => {
                    part.rollback().await.map_err(whole)?;
                    let why = refused(transaction, user, failure).await;
                    return Err(blamed(user.record, why));
                }
            }
        }
        Ok(())
    }

    /// Gives users the numbers that they shall have.
    async fn number(
        &mut self,
        transaction: &Transaction<'_>,
        users: Vec<(u64, Box<NewUser>)>,
    ) -> std::result::Result<Vec<Numbered>, ImportError> {
        let mut taken = self.wishes_taken(transaction, &users).await?;
        let mut numbered = Vec::with_capacity(users.len());
        for (record, new) in users {
            let realm = self.realm_of(&new);
            let numbers =
                self.numbers(transaction, realm).await.map_err(|failure| blamed(record, failure))?;
            let wish = new.user.protocols.zettelstore.cast_signed();
            let zulip = if new.assign_zulip_id {
                next(numbers.zulip).ok_or_else(|| blamed(record, conflict(Conflict::ZulipId)))?
            } else {
                new.user.protocols.zulip
            };
            let zettelstore = if new.assign_zettelstore_id && taken.contains(&(realm, wish)) {
                next(numbers.zettelstore).ok_or_else(|| blamed(record, conflict(Conflict::ZettelstoreId)))?
            } else {
                wish
            };
            numbers.zulip = numbers.zulip.max(zulip);
            numbers.zettelstore = numbers.zettelstore.max(zettelstore);
            taken.insert((realm, zettelstore));
            numbered.push(Numbered { record, new, realm, zulip, zettelstore });
        }
        Ok(numbered)
    }

    fn realm_of(&self, new: &NewUser) -> RealmId {
        self.kept.get(&new.user.realm).copied().unwrap_or(new.user.realm)
    }

    /// Which of the Zettelstore ids that are only wished for somebody has.
    async fn wishes_taken(
        &mut self,
        transaction: &Transaction<'_>,
        users: &[(u64, Box<NewUser>)],
    ) -> std::result::Result<HashSet<(RealmId, i64)>, ImportError> {
        let mut taken = HashSet::new();
        let mut unknown: HashMap<RealmId, HashSet<i64>> = HashMap::new();
        for (record, new) in users.iter().filter(|(_, new)| new.assign_zettelstore_id) {
            let realm = self.realm_of(new);
            let numbers =
                self.numbers(transaction, realm).await.map_err(|failure| blamed(*record, failure))?;
            let wish = new.user.protocols.zettelstore.cast_signed();
            match wish.cmp(&numbers.zettelstore) {
                Ordering::Less => drop(unknown.entry(realm).or_default().insert(wish)),
                Ordering::Equal => drop(taken.insert((realm, wish))),
                Ordering::Greater => {}
            }
        }
        for (realm, wishes) in unknown {
            let wishes: Vec<i64> = wishes.into_iter().collect();
            let found = rows(transaction, HAVE_ZETTELSTORE, &[&&realm.as_bytes()[..], &wishes]).await;
            for row in found.map_err(whole)? {
                taken.insert((realm, Columns::of(&row).take().map_err(whole)?));
            }
        }
        Ok(taken)
    }

    /// The highest numbers of a realm, which nobody else gives out until this import has ended.
    async fn numbers(&mut self, transaction: &Transaction<'_>, realm: RealmId) -> Result<&mut Numbers> {
        use std::collections::hash_map::Entry;
        match self.numbers.entry(realm) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let id = &realm.as_bytes()[..];
                if execute(transaction, LOCK_REALM, &[&id]).await? == 0 {
                    return Err(StoreError::Missing("realm").into());
                }
                let numbers = Numbers {
                    zulip: last(transaction, LAST_ZULIP, id).await?,
                    zettelstore: last(transaction, LAST_ZETTELSTORE, id).await?,
                };
                Ok(place.insert(numbers))
            }
        }
    }
}

async fn last(transaction: &Transaction<'_>, query: &str, realm: &[u8]) -> Result<i64> {
    let found = row(transaction, query, &[&realm]).await?;
    let highest = found.map(|row| Columns::of(&row).take::<Option<i64>>()).transpose()?.flatten();
    Ok(highest.unwrap_or(0).max(0))
}

fn next(last: i64) -> Option<i64> {
    last.checked_add(1)
}

/// Why a single user was refused, as every store says it.
async fn refused(transaction: &Transaction<'_>, user: &Numbered, failure: Failure) -> Failure {
    if failure.is_dangling() {
        return StoreError::Missing("user").into();
    }
    let Some(rule) = failure.taken() else { return failure };
    match rule {
        "account_by_zulip" => conflict(Conflict::ZulipId),
        "account_by_rocketchat" => conflict(Conflict::RocketChatId),
        "account_by_zettelstore" => conflict(Conflict::ZettelstoreId),
        "login_name_pkey" => name_taken(transaction, user).await.unwrap_or_else(|failure| failure),
        rule if rule.starts_with("credential") => conflict(Conflict::Credential),
        _ => StoreError::Corrupt("a user's identifier occurs twice".into()).into(),
    }
}

/// Which of a user's names is taken.
async fn name_taken(transaction: &Transaction<'_>, user: &Numbered) -> Result<Failure> {
    let mut own: Vec<&LoginName> = Vec::new();
    for name in &user.new.user.names {
        let folded = fold(&name.exact);
        let (kind, folded, exact) = (small(name.kind), kept(&folded), kept(&name.exact));
        let realm = &user.realm.as_bytes()[..];
        let is_twice = own.iter().any(|other| (other.kind, &other.exact) == (name.kind, &name.exact));
        if is_twice || row(transaction, HAS_NAME, &[&kind, &&*folded, &realm, &&*exact]).await?.is_some() {
            return Ok(conflict(Conflict::Name(name.kind)));
        }
        own.push(name);
    }
    Ok(StoreError::Corrupt("a name that is taken and isn't".into()).into())
}

/// A failure, and the record that it is about, unless it is none's fault.
fn blamed(record: u64, failure: Failure) -> ImportError {
    let error = StoreError::from(failure);
    let is_ones = !matches!(error, StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_));
    ImportError { record: is_ones.then_some(record), error: Some(error) }
}

fn conflict(what: Conflict) -> Failure {
    StoreError::Conflict(what).into()
}

//! The numbers that the store chooses as ids of users: the preferred one where it is free, else the next.
//!
//! Transactions that choose numbers of one realm wait for each other.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use auth_core::{ByProtocol, Conflict, ExternalId, NewUser, ProtocolName, RealmId, StoreError};
use deadpool_postgres::GenericClient;

use super::error::{CommandError, Result};
use super::row::Columns;
use super::statement::{execute, row, rows};
use crate::encoding::IdColumn;

// Each number is looked up by itself: a plan for all of them at once, made while the table was small, would read the
// whole realm.
pub(super) const TAKEN_ZULIP: &str = "SELECT wanted FROM unnest($2::bigint[]) AS wanted \
    WHERE (SELECT true FROM account WHERE realm = $1 AND zulip = wanted LIMIT 1)";
pub(super) const TAKEN_ZETTELSTORE: &str = "SELECT wanted FROM unnest($2::bigint[]) AS wanted \
    WHERE (SELECT true FROM account WHERE realm = $1 AND zettelstore = wanted LIMIT 1)";
pub(super) const TAKEN_NUMBER: &str = "SELECT wanted FROM unnest($2::bigint[]) AS wanted \
    WHERE (SELECT true FROM external_id WHERE realm = $1 AND number = wanted AND protocol = $3 LIMIT 1)";

pub(super) const LAST_ZULIP: &str = "SELECT max(zulip) FROM account WHERE realm = $1";
pub(super) const LAST_ZETTELSTORE: &str = "SELECT max(zettelstore) FROM account WHERE realm = $1";
pub(super) const LAST_NUMBER: &str = "SELECT max(number) FROM external_id WHERE realm = $1 AND protocol = $2";

/// The first statement of a transaction that chooses numbers. With a snapshot for each statement it sees, once it has
/// locked a realm, the numbers that others have chosen there meanwhile. Plans that are made while a table is small are
/// kept, and must not read the table from end to end later.
const BEGIN: &str = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL enable_seqscan = off";

pub(super) const LOCK_REALM: &str = "SELECT id FROM realm WHERE id = $1 FOR UPDATE";

/// The choice of numbers in a transaction. The realms in which it has chosen are locked: no other transaction chooses
/// numbers there until this one has ended.
pub(super) struct Numbers {
    locked: HashSet<RealmId>,
    in_use: HashMap<(RealmId, ProtocolName), InUse>,
}

/// The numbers of a protocol in a realm, as far as they are known.
struct InUse {
    /// The highest number; 0 where there is none.
    highest: i64,
    /// Numbers that are taken, of those that the users at hand prefer and of those that they get.
    taken: HashSet<i64>,
}

impl Numbers {
    /// Prepares a transaction for choosing numbers: this must be its first statement.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub(super) async fn begin(client: &impl GenericClient) -> Result<Self> {
        client.batch_execute(BEGIN).await?;
        Ok(Self { locked: HashSet::new(), in_use: HashMap::new() })
    }

    /// The ids of new users in their realms, user by user: those of the record, and in their place those that the store
    /// chooses. Users that got their ids from an earlier call must be written before the next.
    ///
    /// # Errors
    /// Those of statements. A single user is refused with [`StoreError::Missing`] when there is no such realm, and with
    /// [`Conflict::ExternalId`] when there is no number left.
    pub(super) async fn assign(
        &mut self,
        client: &impl GenericClient,
        users: &[(&NewUser, RealmId)],
    ) -> Result<Vec<Result<ByProtocol<ExternalId>>>> {
        // What users of earlier calls got is written: it is found by look-ups, and memory does not grow.
        self.in_use.values_mut().for_each(|in_use| in_use.taken.clear());
        let mut wanted: HashMap<(RealmId, ProtocolName), Vec<i64>> = HashMap::new();
        for (new, realm) in users {
            if self.lock(client, *realm).await? {
                for protocol in &new.assign_ids {
                    wanted.entry((*realm, *protocol)).or_default().extend(preferred(new, *protocol));
                }
            }
        }
        for ((realm, protocol), numbers) in wanted {
            self.look_up(client, realm, protocol, &numbers).await?;
        }
        Ok(users.iter().map(|(new, realm)| self.ids_of(new, *realm)).collect())
    }

    /// A free number of a protocol for one user: the preferred one, or the one after the highest.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such realm; [`Conflict::ExternalId`] when there is no number left.
    pub(super) async fn next(
        &mut self,
        client: &impl GenericClient,
        realm: RealmId,
        protocol: ProtocolName,
        preferred: Option<i64>,
    ) -> Result<ExternalId> {
        if !self.lock(client, realm).await? {
            return Err(no_realm());
        }
        self.look_up(client, realm, protocol, preferred.as_slice()).await?;
        self.choose(realm, protocol, preferred)
    }

    /// Locks a realm, unless it is locked already; tells whether there is such a realm.
    async fn lock(&mut self, client: &impl GenericClient, realm: RealmId) -> Result<bool> {
        if !self.locked.contains(&realm) {
            if execute(client, LOCK_REALM, &[&&realm.as_bytes()[..]]).await? == 0 {
                return Ok(false);
            }
            self.locked.insert(realm);
        }
        Ok(true)
    }

    /// Looks up the highest number of a protocol, and which of the preferred numbers are taken.
    async fn look_up(
        &mut self,
        client: &impl GenericClient,
        realm: RealmId,
        protocol: ProtocolName,
        wanted: &[i64],
    ) -> Result<()> {
        let in_use = match self.in_use.entry((realm, protocol)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let highest = last(client, realm, protocol).await?;
                unknown.insert(InUse { highest, taken: HashSet::new() })
            }
        };
        // A number above the highest is free.
        let unknown: Vec<i64> = wanted.iter().copied().filter(|number| *number <= in_use.highest).collect();
        if !unknown.is_empty() {
            in_use.taken.extend(taken_numbers(client, realm, protocol, &unknown).await?);
        }
        Ok(())
    }

    /// The ids of a new user, whose numbers are looked up.
    fn ids_of(&mut self, new: &NewUser, realm: RealmId) -> Result<ByProtocol<ExternalId>> {
        if !self.locked.contains(&realm) {
            return Err(no_realm());
        }
        let mut ids = new.user.external_ids.clone();
        for protocol in &new.assign_ids {
            ids.set(*protocol, self.choose(realm, *protocol, preferred(new, *protocol))?);
        }
        for (protocol, id) in ids.iter() {
            if let (ExternalId::Number(number), Some(in_use)) = (id, self.in_use.get_mut(&(realm, protocol)))
            {
                in_use.note(number.cast_signed());
            }
        }
        Ok(ids)
    }

    /// A free number, among numbers that are looked up.
    fn choose(&self, realm: RealmId, protocol: ProtocolName, preferred: Option<i64>) -> Result<ExternalId> {
        let free = self.in_use.get(&(realm, protocol)).and_then(|in_use| in_use.choose(preferred));
        free.map(|number| ExternalId::Number(number.cast_unsigned())).ok_or_else(|| conflict(protocol))
    }
}

impl InUse {
    /// The preferred number if it is free, else the one after the highest, if there is one.
    fn choose(&self, preferred: Option<i64>) -> Option<i64> {
        let free = preferred.filter(|number| !self.taken.contains(number));
        free.or_else(|| self.highest.checked_add(1))
    }

    /// Notes that a user gets a number.
    fn note(&mut self, number: i64) {
        self.highest = number.max(self.highest);
        self.taken.insert(number);
    }
}

/// The number that a new user prefers.
fn preferred(new: &NewUser, protocol: ProtocolName) -> Option<i64> {
    match new.user.external_ids.get(protocol) {
        Some(ExternalId::Number(number)) => Some(number.cast_signed()),
        _ => None,
    }
}

async fn last(client: &impl GenericClient, realm: RealmId, protocol: ProtocolName) -> Result<i64> {
    let (realm, named) = (&realm.as_bytes()[..], protocol.as_str());
    let found = match IdColumn::of_numbers(protocol) {
        IdColumn::Zulip => row(client, LAST_ZULIP, &[&realm]).await?,
        IdColumn::Zettelstore => row(client, LAST_ZETTELSTORE, &[&realm]).await?,
        _ => row(client, LAST_NUMBER, &[&realm, &named]).await?,
    };
    let highest = found.map(|row| Columns::of(&row).take::<Option<i64>>()).transpose()?.flatten();
    Ok(highest.unwrap_or(0).max(0))
}

async fn taken_numbers(
    client: &impl GenericClient,
    realm: RealmId,
    protocol: ProtocolName,
    wanted: &[i64],
) -> Result<Vec<i64>> {
    let (realm, named) = (&realm.as_bytes()[..], protocol.as_str());
    let found = match IdColumn::of_numbers(protocol) {
        IdColumn::Zulip => rows(client, TAKEN_ZULIP, &[&realm, &wanted]).await?,
        IdColumn::Zettelstore => rows(client, TAKEN_ZETTELSTORE, &[&realm, &wanted]).await?,
        _ => rows(client, TAKEN_NUMBER, &[&realm, &wanted, &named]).await?,
    };
    found.iter().map(|row| Columns::of(row).take()).collect()
}

fn no_realm() -> CommandError {
    StoreError::Missing("realm").into()
}

/// The conflict of a user whose id for a protocol another user has.
pub(super) fn conflict(protocol: ProtocolName) -> CommandError {
    StoreError::Conflict(Conflict::ExternalId(protocol)).into()
}

//! The ids under which protocols show users: looked up, chosen and written.

use std::collections::{HashMap, HashSet};

use auth_core::{ByProtocol, Conflict, ExternalId, NewId, NewUser, ProtocolName, RealmId, StoreError, User};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::error::{CommandError, Result};
use super::row::{Columns, account_columns, escaped};
use super::statement::{execute, row, rows};
use crate::encoding::{ExternalColumns, IdColumn};

pub(super) const BY_ZULIP: &str =
    concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.realm = $1 AND u.zulip = $2");
pub(super) const BY_ROCKETCHAT: &str =
    concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.realm = $1 AND u.rocketchat = $2");
pub(super) const BY_ZETTELSTORE: &str =
    concat!("SELECT ", account_columns!(), " FROM account AS u WHERE u.realm = $1 AND u.zettelstore = $2");
pub(super) const BY_NUMBER: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM external_id AS e JOIN account AS u ON u.id = e.account
     WHERE e.realm = $1 AND e.number = $2 AND e.protocol = $3"
);
pub(super) const BY_TEXT: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM external_id AS e JOIN account AS u ON u.id = e.account
     WHERE e.realm = $1 AND e.text = $2 AND e.protocol = $3"
);

// Each number is looked up by itself: a plan for all of them at once, made while the table was small, would read the
// whole realm.
pub(super) const TAKEN_ZULIP: &str = "SELECT wanted FROM unnest($2::bigint[]) AS wanted \
    WHERE (SELECT true FROM account WHERE realm = $1 AND zulip = wanted LIMIT 1)";
pub(super) const TAKEN_ZETTELSTORE: &str = "SELECT wanted FROM unnest($2::bigint[]) AS wanted \
    WHERE (SELECT true FROM account WHERE realm = $1 AND zettelstore = wanted LIMIT 1)";
pub(super) const TAKEN_NUMBER: &str = "SELECT wanted FROM unnest($2::bigint[]) AS wanted \
    WHERE (SELECT true FROM external_id WHERE realm = $1 AND number = wanted AND protocol = $3 LIMIT 1)";
pub(super) const IS_TAKEN_TEXT: &str =
    "SELECT 1 FROM external_id WHERE realm = $1 AND text = $2 AND protocol = $3";

pub(super) const LAST_ZULIP: &str = "SELECT max(zulip) FROM account WHERE realm = $1";
pub(super) const LAST_ZETTELSTORE: &str = "SELECT max(zettelstore) FROM account WHERE realm = $1";
pub(super) const LAST_NUMBER: &str = "SELECT max(number) FROM external_id WHERE realm = $1 AND protocol = $2";

/// A plan that was made while a table was small is kept, and must not read the table from end to end later.
pub(super) const BY_INDEX: &str = "SET LOCAL enable_seqscan = off";

// Transactions that choose numbers of one realm wait for each other.
pub(super) const LOCK_REALM: &str = "SELECT id FROM realm WHERE id = $1 FOR UPDATE";
pub(super) const INSERT: &str = "INSERT INTO external_id (account, protocol, realm, number, text) \
    VALUES ($1, $2, $3, $4, $5)";
pub(super) const SET: &str = "UPDATE account SET zulip = $2, rocketchat = $3, zettelstore = $4, external = $5, \
    version = version + 1 WHERE id = $1";

/// The row of the account that has an id in a realm.
pub(super) async fn find(
    client: &impl GenericClient,
    realm: RealmId,
    protocol: ProtocolName,
    id: &ExternalId,
) -> Result<Option<Row>> {
    let (realm, named) = (&realm.as_bytes()[..], protocol.as_str());
    match id {
        ExternalId::Number(number) => {
            let number = number.cast_signed();
            match IdColumn::of(protocol, id) {
                IdColumn::Zulip => row(client, BY_ZULIP, &[&realm, &number]).await,
                IdColumn::Zettelstore => row(client, BY_ZETTELSTORE, &[&realm, &number]).await,
                _ => row(client, BY_NUMBER, &[&realm, &number, &named]).await,
            }
        }
        ExternalId::Text(text) => {
            let text = escaped(text);
            match IdColumn::of(protocol, id) {
                IdColumn::RocketChat => row(client, BY_ROCKETCHAT, &[&realm, &&*text]).await,
                _ => row(client, BY_TEXT, &[&realm, &&*text, &named]).await,
            }
        }
    }
}

/// Gives a user an id for a protocol that has none yet.
///
/// # Errors
/// [`Conflict::ExternalId`] when another user of the realm has it.
pub(super) async fn give(
    client: &impl GenericClient,
    user: &User,
    protocol: ProtocolName,
    new: &NewId,
) -> Result<ExternalId> {
    let id = match new {
        NewId::Exactly(id) => id.clone(),
        NewId::Preferably(_) | NewId::Next => {
            let mut numbers = Numbers::new(client).await?;
            numbers.lock(client, user.realm).await?;
            let preferred = match new {
                NewId::Preferably(number) => Some(number.cast_signed()),
                _ => None,
            };
            numbers.know(client, user.realm, protocol, preferred.as_slice()).await?;
            numbers.choose(user.realm, protocol, preferred)?
        }
    };
    let mut ids = user.external_ids.clone();
    ids.set(protocol, id.clone());
    let columns = ExternalColumns::of(&ids, &user.external_roles)?;
    let account = &user.id.as_bytes()[..];
    let rocketchat = columns.rocketchat.as_deref().map(escaped);
    let written = async {
        execute(
            client,
            SET,
            &[&account, &columns.zulip, &rocketchat.as_deref(), &columns.zettelstore, &columns.external],
        )
        .await?;
        if IdColumn::of(protocol, &id).owner().is_none() {
            let (number, text) = parts(&id);
            let (named, realm) = (protocol.as_str(), &user.realm.as_bytes()[..]);
            execute(client, INSERT, &[&account, &named, &realm, &number, &text.as_deref()]).await?;
        }
        Result::Ok(())
    };
    match written.await {
        Err(error) if error.taken().is_some() => Err(conflict(protocol)),
        Err(error) => Err(error),
        Ok(()) => Ok(id),
    }
}

/// The columns of the table `external_id` for an id.
pub(super) fn parts(id: &ExternalId) -> (Option<i64>, Option<std::borrow::Cow<'_, str>>) {
    match id {
        ExternalId::Number(number) => (Some(number.cast_signed()), None),
        ExternalId::Text(text) => (None, Some(escaped(text))),
    }
}

/// The protocol whose id is taken, from the name of a unique constraint of accounts.
pub(super) fn taken_in(constraint: &str) -> Option<ProtocolName> {
    let column = match constraint {
        "account_by_zulip" => IdColumn::Zulip,
        "account_by_rocketchat" => IdColumn::RocketChat,
        "account_by_zettelstore" => IdColumn::Zettelstore,
        _ => return None,
    };
    column.owner()
}

/// The conflict of a user whose ids without a column of their own could not be written: the first id that another user
/// has.
pub(super) async fn taken(
    client: &impl GenericClient,
    realm: RealmId,
    ids: &ByProtocol<ExternalId>,
) -> Result<CommandError> {
    let realm = &realm.as_bytes()[..];
    let mut last = None;
    for (protocol, id) in IdColumn::others(ids) {
        let named = protocol.as_str();
        let found = match id {
            ExternalId::Number(number) => {
                row(client, TAKEN_NUMBER, &[&realm, &vec![number.cast_signed()], &named]).await?
            }
            ExternalId::Text(text) => row(client, IS_TAKEN_TEXT, &[&realm, &&*escaped(text), &named]).await?,
        };
        last = Some(protocol);
        if found.is_some() {
            break;
        }
    }
    // If none is found, a transaction that this one can't see has it: the last is as likely as the others.
    Ok(match last {
        Some(protocol) => conflict(protocol),
        None => StoreError::Corrupt("a user without ids has an id that is taken".into()).into(),
    })
}

/// The numbers in use, as far as a transaction has to know them to choose free ones. Its realms are locked: no other
/// transaction chooses numbers there until it has ended.
pub(super) struct Numbers {
    locked: HashSet<RealmId>,
    /// The highest number of a protocol in a realm; 0 where there is none.
    highest: HashMap<(RealmId, ProtocolName), i64>,
    /// Numbers that are taken, of those that the users at hand prefer and of those that they get.
    taken: HashSet<(RealmId, ProtocolName, i64)>,
}

impl Numbers {
    /// Prepares a transaction for choosing numbers.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub(super) async fn new(client: &impl GenericClient) -> Result<Self> {
        client.batch_execute(BY_INDEX).await?;
        Ok(Self { locked: HashSet::new(), highest: HashMap::new(), taken: HashSet::new() })
    }

    /// Locks a realm, unless it is locked already.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such realm.
    pub(super) async fn lock(&mut self, client: &impl GenericClient, realm: RealmId) -> Result<()> {
        if !self.locked.contains(&realm) {
            if execute(client, LOCK_REALM, &[&&realm.as_bytes()[..]]).await? == 0 {
                return Err(StoreError::Missing("realm").into());
            }
            self.locked.insert(realm);
        }
        Ok(())
    }

    /// Looks up the highest number of a protocol, and which of the preferred numbers are taken.
    async fn know(
        &mut self,
        client: &impl GenericClient,
        realm: RealmId,
        protocol: ProtocolName,
        wanted: &[i64],
    ) -> Result<()> {
        let highest = match self.highest.get(&(realm, protocol)) {
            Some(highest) => *highest,
            None => {
                let highest = last(client, realm, protocol).await?;
                self.highest.insert((realm, protocol), highest);
                highest
            }
        };
        // A number above the highest is free.
        let unknown: Vec<i64> = wanted.iter().copied().filter(|number| *number <= highest).collect();
        if !unknown.is_empty() {
            let found = taken_numbers(client, realm, protocol, &unknown).await?;
            self.taken.extend(found.into_iter().map(|number| (realm, protocol, number)));
        }
        Ok(())
    }

    /// A number that is free: the preferred one, or the one after the highest.
    fn choose(
        &mut self,
        realm: RealmId,
        protocol: ProtocolName,
        preferred: Option<i64>,
    ) -> Result<ExternalId> {
        let highest = self.highest.get(&(realm, protocol)).copied().unwrap_or(0);
        let free = preferred.filter(|number| !self.taken.contains(&(realm, protocol, *number)));
        let number = match free {
            Some(number) => number,
            None => highest.checked_add(1).ok_or_else(|| conflict(protocol))?,
        };
        Ok(ExternalId::Number(number.cast_unsigned()))
    }

    /// Notes that a user gets a number.
    fn note(&mut self, realm: RealmId, protocol: ProtocolName, number: i64) {
        if let Some(highest) = self.highest.get_mut(&(realm, protocol)) {
            *highest = number.max(*highest);
            self.taken.insert((realm, protocol, number));
        }
    }

    /// Looks up all that [`Self::ids_of`] needs for these users, whose realms are locked.
    ///
    /// # Errors
    /// Those of statements.
    pub(super) async fn know_all(
        &mut self,
        client: &impl GenericClient,
        users: &[(&NewUser, RealmId)],
    ) -> Result<()> {
        // What users before these got is written: it is found by look-ups, and memory does not grow.
        self.taken.clear();
        let mut wanted: HashMap<(RealmId, ProtocolName), Vec<i64>> = HashMap::new();
        for (new, realm) in users {
            for protocol in &new.assign_ids {
                wanted.entry((*realm, *protocol)).or_default().extend(preferred(new, *protocol));
            }
        }
        for ((realm, protocol), numbers) in wanted {
            self.know(client, realm, protocol, &numbers).await?;
        }
        Ok(())
    }

    /// The ids of a new user: those of its record, and in their place those that the store chooses.
    ///
    /// # Errors
    /// [`Conflict::ExternalId`] when there is no number left.
    pub(super) fn ids_of(&mut self, new: &NewUser, realm: RealmId) -> Result<ByProtocol<ExternalId>> {
        let mut ids = new.user.external_ids.clone();
        for protocol in &new.assign_ids {
            ids.set(*protocol, self.choose(realm, *protocol, preferred(new, *protocol))?);
        }
        for (protocol, id) in ids.iter() {
            if let ExternalId::Number(number) = id {
                self.note(realm, protocol, number.cast_signed());
            }
        }
        Ok(ids)
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

fn conflict(protocol: ProtocolName) -> CommandError {
    StoreError::Conflict(Conflict::ExternalId(protocol)).into()
}

//! The ids under which protocols show users: how one is found, chosen and written.

use std::collections::{HashMap, HashSet};

use auth_core::{ByProtocol, Conflict, ExternalId, NewId, NewUser, ProtocolName, RealmId, StoreError, User};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::failure::{Failure, Result};
use super::row::{Columns, account_columns, kept};
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

// Each number is looked up by itself: a plan for all at once, made while the table was small, would read the whole
// realm.
pub(super) const TAKEN_ZULIP: &str = "SELECT wish FROM unnest($2::bigint[]) AS wish \
    WHERE (SELECT true FROM account WHERE realm = $1 AND zulip = wish LIMIT 1)";
pub(super) const TAKEN_ZETTELSTORE: &str = "SELECT wish FROM unnest($2::bigint[]) AS wish \
    WHERE (SELECT true FROM account WHERE realm = $1 AND zettelstore = wish LIMIT 1)";
pub(super) const TAKEN_NUMBER: &str = "SELECT wish FROM unnest($2::bigint[]) AS wish \
    WHERE (SELECT true FROM external_id WHERE realm = $1 AND number = wish AND protocol = $3 LIMIT 1)";
pub(super) const IS_TAKEN_TEXT: &str =
    "SELECT 1 FROM external_id WHERE realm = $1 AND text = $2 AND protocol = $3";

pub(super) const LAST_ZULIP: &str = "SELECT max(zulip) FROM account WHERE realm = $1";
pub(super) const LAST_ZETTELSTORE: &str = "SELECT max(zettelstore) FROM account WHERE realm = $1";
pub(super) const LAST_NUMBER: &str = "SELECT max(number) FROM external_id WHERE realm = $1 AND protocol = $2";

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
            let text = kept(text);
            match IdColumn::of(protocol, id) {
                IdColumn::RocketChat => row(client, BY_ROCKETCHAT, &[&realm, &&*text]).await,
                _ => row(client, BY_TEXT, &[&realm, &&*text, &named]).await,
            }
        }
    }
}

/// Gives a user an id in a protocol in which it has none.
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
            let mut numbers = Numbers::default();
            numbers.lock(client, user.realm).await?;
            let wish = match new {
                NewId::Preferably(number) => Some(number.cast_signed()),
                _ => None,
            };
            numbers.know(client, user.realm, protocol, wish.as_slice()).await?;
            numbers.choose(user.realm, protocol, wish)?
        }
    };
    let mut ids = user.external_ids.clone();
    ids.set(protocol, id.clone());
    let columns = ExternalColumns::of(&ids, &user.external_roles)?;
    let account = &user.id.as_bytes()[..];
    let rocketchat = columns.rocketchat.as_deref().map(kept);
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
        Ok(())
    };
    match written.await {
        Err(failure) if Failure::taken(&failure).is_some() => Err(conflict(protocol)),
        Err(failure) => Err(failure),
        Ok(()) => Ok(id),
    }
}

/// The columns of the table `external_id` for an id.
pub(super) fn parts(id: &ExternalId) -> (Option<i64>, Option<std::borrow::Cow<'_, str>>) {
    match id {
        ExternalId::Number(number) => (Some(number.cast_signed()), None),
        ExternalId::Text(text) => (None, Some(kept(text))),
    }
}

/// The protocol whose id is taken, by the name of a rule of uniqueness of accounts.
pub(super) fn taken_in(rule: &str) -> Option<ProtocolName> {
    let column = match rule {
        "account_by_zulip" => IdColumn::Zulip,
        "account_by_rocketchat" => IdColumn::RocketChat,
        "account_by_zettelstore" => IdColumn::Zettelstore,
        _ => return None,
    };
    column.owner()
}

/// Which of a new user's ids without a column of their own was taken when they could not be written.
pub(super) async fn taken(
    client: &impl GenericClient,
    realm: RealmId,
    ids: &ByProtocol<ExternalId>,
) -> Result<Failure> {
    let realm = &realm.as_bytes()[..];
    let mut last = None;
    for (protocol, id) in IdColumn::others(ids) {
        let named = protocol.as_str();
        let found = match id {
            ExternalId::Number(number) => {
                row(client, TAKEN_NUMBER, &[&realm, &vec![number.cast_signed()], &named]).await?
            }
            ExternalId::Text(text) => row(client, IS_TAKEN_TEXT, &[&realm, &&*kept(text), &named]).await?,
        };
        last = Some(protocol);
        if found.is_some() {
            break;
        }
    }
    // If none is seen, another transaction has it, which this one can't see: the last is as likely as the others.
    Ok(match last {
        Some(protocol) => conflict(protocol),
        None => StoreError::Corrupt("an id that is taken and isn't".into()).into(),
    })
}

/// What a transaction knows of the numbers in use, so that it can choose free ones. The realms are locked: nobody else
/// chooses numbers there until the transaction has ended.
#[derive(Default)]
pub(super) struct Numbers {
    locked: HashSet<RealmId>,
    /// The highest number of a protocol in a realm; 0 where there is none.
    highest: HashMap<(RealmId, ProtocolName), i64>,
    /// Numbers below the highest that somebody has wished for, and that are taken.
    taken: HashSet<(RealmId, ProtocolName, i64)>,
}

impl Numbers {
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

    /// Learns what it takes to choose numbers for these wishes.
    async fn know(
        &mut self,
        client: &impl GenericClient,
        realm: RealmId,
        protocol: ProtocolName,
        wishes: &[i64],
    ) -> Result<()> {
        let highest = match self.highest.get(&(realm, protocol)) {
            Some(highest) => *highest,
            None => {
                let highest = last(client, realm, protocol).await?;
                self.highest.insert((realm, protocol), highest);
                highest
            }
        };
        let unknown: Vec<i64> = wishes.iter().copied().filter(|wish| *wish < highest).collect();
        self.taken
            .extend(wishes.iter().filter(|wish| **wish == highest).map(|wish| (realm, protocol, *wish)));
        if !unknown.is_empty() {
            let found = taken_numbers(client, realm, protocol, &unknown).await?;
            self.taken.extend(found.into_iter().map(|number| (realm, protocol, number)));
        }
        Ok(())
    }

    /// A number that is free: the one that is wished for, or the one after the highest.
    fn choose(&mut self, realm: RealmId, protocol: ProtocolName, wish: Option<i64>) -> Result<ExternalId> {
        let highest = self.highest.get(&(realm, protocol)).copied().unwrap_or(0);
        let free = wish.filter(|wish| !self.taken.contains(&(realm, protocol, *wish)));
        let number = match free {
            Some(wish) => wish,
            None => highest.checked_add(1).ok_or_else(|| conflict(protocol))?,
        };
        Ok(ExternalId::Number(number.cast_unsigned()))
    }

    /// Notes that a user will have a number.
    fn note(&mut self, realm: RealmId, protocol: ProtocolName, number: i64) {
        if let Some(highest) = self.highest.get_mut(&(realm, protocol)) {
            *highest = number.max(*highest);
            self.taken.insert((realm, protocol, number));
        }
    }

    /// Learns what it takes to choose the ids of these users, whose realms are locked.
    ///
    /// # Errors
    /// Those of statements.
    pub(super) async fn know_all(
        &mut self,
        client: &impl GenericClient,
        users: &[(&NewUser, RealmId)],
    ) -> Result<()> {
        let mut wishes: HashMap<(RealmId, ProtocolName), Vec<i64>> = HashMap::new();
        for (new, realm) in users {
            for protocol in &new.assign_ids {
                wishes.entry((*realm, *protocol)).or_default().extend(wish(new, *protocol));
            }
        }
        for ((realm, protocol), wishes) in wishes {
            self.know(client, realm, protocol, &wishes).await?;
        }
        Ok(())
    }

    /// The ids of a new user: those that it brings, and those that are chosen for it.
    ///
    /// # Errors
    /// [`Conflict::ExternalId`] when there is no number left.
    pub(super) fn ids_of(&mut self, new: &NewUser, realm: RealmId) -> Result<ByProtocol<ExternalId>> {
        let mut ids = new.user.external_ids.clone();
        for protocol in &new.assign_ids {
            ids.set(*protocol, self.choose(realm, *protocol, wish(new, *protocol))?);
        }
        for (protocol, id) in ids.iter() {
            if let ExternalId::Number(number) = id {
                self.note(realm, protocol, number.cast_signed());
            }
        }
        Ok(ids)
    }
}

/// The number that a new user wishes for.
fn wish(new: &NewUser, protocol: ProtocolName) -> Option<i64> {
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
    wishes: &[i64],
) -> Result<Vec<i64>> {
    let (realm, named) = (&realm.as_bytes()[..], protocol.as_str());
    let found = match IdColumn::of_numbers(protocol) {
        IdColumn::Zulip => rows(client, TAKEN_ZULIP, &[&realm, &wishes]).await?,
        IdColumn::Zettelstore => rows(client, TAKEN_ZETTELSTORE, &[&realm, &wishes]).await?,
        _ => rows(client, TAKEN_NUMBER, &[&realm, &wishes, &named]).await?,
    };
    found.iter().map(|row| Columns::of(row).take()).collect()
}

fn conflict(protocol: ProtocolName) -> Failure {
    StoreError::Conflict(Conflict::ExternalId(protocol)).into()
}

//! The ids under which protocols show users: looked up, chosen and written.

use auth_core::{
    ByProtocol, Conflict, ExternalId, NewId, NewUser, ProtocolName, RealmId, StoreError, User, UserId,
};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::error::{CommandError, Result, taken};
use super::row::account_columns;
use super::statement::changed;
use crate::encoding::{ExternalColumns, IdColumn};

pub(super) const BY_ZULIP: &str =
    concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.realm = ?1 AND u.zulip = ?2");
pub(super) const BY_ROCKETCHAT: &str =
    concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.realm = ?1 AND u.rocketchat = ?2");
pub(super) const BY_ZETTELSTORE: &str =
    concat!("SELECT ", account_columns!(), " FROM user AS u WHERE u.realm = ?1 AND u.zettelstore = ?2");
pub(super) const BY_NUMBER: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM external_id AS e CROSS JOIN user AS u ON u.number = e.user
     WHERE e.realm = ?1 AND e.number = ?2 AND e.protocol = ?3"
);
pub(super) const BY_TEXT: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM external_id AS e CROSS JOIN user AS u ON u.number = e.user
     WHERE e.realm = ?1 AND e.text = ?2 AND e.protocol = ?3"
);

pub(super) const HAS_ZULIP: &str = "SELECT EXISTS (SELECT 1 FROM user WHERE realm = ?1 AND zulip = ?2)";
pub(super) const HAS_ZETTELSTORE: &str =
    "SELECT EXISTS (SELECT 1 FROM user WHERE realm = ?1 AND zettelstore = ?2)";
pub(super) const HAS_NUMBER: &str =
    "SELECT EXISTS (SELECT 1 FROM external_id WHERE realm = ?1 AND number = ?2 AND protocol = ?3)";

pub(super) const LAST_ZULIP: &str = "SELECT max(zulip) FROM user WHERE realm = ?1";
pub(super) const LAST_ZETTELSTORE: &str = "SELECT max(zettelstore) FROM user WHERE realm = ?1";
pub(super) const LAST_NUMBER: &str =
    "SELECT max(number) FROM external_id WHERE realm = ?1 AND protocol = ?2 AND number IS NOT NULL";

pub(super) const INSERT: &str = "INSERT INTO external_id (user, protocol, realm, number, text) \
    VALUES ((SELECT number FROM user WHERE id = ?1), ?2, ?3, ?4, ?5)";
pub(super) const SET: &str = "UPDATE user SET zulip = ?2, rocketchat = ?3, zettelstore = ?4, external = ?5, \
    version = version + 1 WHERE id = ?1";

/// The query for the user who has an id in a realm, and the values to bind to it.
pub(super) fn query(realm: RealmId, protocol: ProtocolName, id: &ExternalId) -> (&'static str, Vec<Value>) {
    let column = IdColumn::of(protocol, id);
    let query = match column {
        IdColumn::Zulip => BY_ZULIP,
        IdColumn::RocketChat => BY_ROCKETCHAT,
        IdColumn::Zettelstore => BY_ZETTELSTORE,
        IdColumn::OtherNumber => BY_NUMBER,
        IdColumn::OtherText => BY_TEXT,
    };
    (query, key(realm, protocol, id))
}

/// The ids of a new user: those of its record, and in their place those that the store chooses.
///
/// # Errors
/// [`Conflict::ExternalId`] when there is no number left.
pub(super) fn ids_of(
    connection: &Connection,
    new: &NewUser,
    realm: RealmId,
) -> Result<ByProtocol<ExternalId>> {
    let mut ids = new.user.external_ids.clone();
    for protocol in &new.assign_ids {
        let preference = match ids.get(*protocol) {
            Some(ExternalId::Number(number)) => NewId::Preferably(*number),
            _ => NewId::Next,
        };
        ids.set(*protocol, choose(connection, realm, *protocol, &preference)?);
    }
    Ok(ids)
}

/// Chooses an id.
///
/// # Errors
/// [`Conflict::ExternalId`] when there is no number left.
pub(super) fn choose(
    connection: &Connection,
    realm: RealmId,
    protocol: ProtocolName,
    new: &NewId,
) -> Result<ExternalId> {
    match new {
        NewId::Exactly(id) => Ok(id.clone()),
        NewId::Preferably(number) if !is_taken(connection, realm, protocol, *number)? => {
            Ok(ExternalId::Number(*number))
        }
        NewId::Preferably(_) | NewId::Next => next(connection, realm, protocol).map(ExternalId::Number),
    }
}

/// Writes those ids of a user that have no column of their own.
///
/// # Errors
/// [`Conflict::ExternalId`] when another user of the realm has one of them.
pub(super) fn insert_others(
    connection: &Connection,
    user: UserId,
    realm: RealmId,
    ids: &ByProtocol<ExternalId>,
) -> Result<()> {
    for (protocol, id) in IdColumn::others(ids) {
        insert(connection, user, realm, protocol, id)?;
    }
    Ok(())
}

/// Gives a user an id for a protocol that has none yet.
///
/// # Errors
/// [`Conflict::ExternalId`] when another user of the realm has it.
pub(super) fn give(
    connection: &Connection,
    user: &User,
    protocol: ProtocolName,
    id: &ExternalId,
) -> Result<()> {
    let mut ids = user.external_ids.clone();
    ids.set(protocol, id.clone());
    let columns = ExternalColumns::of(&ids, &user.external_roles)?;
    let row =
        params![user.id.as_bytes(), columns.zulip, columns.rocketchat, columns.zettelstore, columns.external];
    match connection.prepare_cached(SET)?.execute(row) {
        Err(error) if taken(&error).is_some() => return Err(conflict(protocol)),
        other => other?,
    };
    if IdColumn::of(protocol, id).owner().is_none() {
        insert(connection, user.id, user.realm, protocol, id)?;
    }
    Ok(())
}

/// The protocol whose id is taken, from the columns that a unique constraint names.
pub(super) fn taken_in(columns: &str) -> Option<ProtocolName> {
    [
        ("user.zulip", IdColumn::Zulip),
        ("user.rocketchat", IdColumn::RocketChat),
        ("user.zettelstore", IdColumn::Zettelstore),
    ]
    .into_iter()
    .find(|(name, _)| columns.contains(name))
    .and_then(|(_, column)| column.owner())
}

fn insert(
    connection: &Connection,
    user: UserId,
    realm: RealmId,
    protocol: ProtocolName,
    id: &ExternalId,
) -> Result<()> {
    let (number, text) = match id {
        ExternalId::Number(number) => (Some(number.cast_signed()), None),
        ExternalId::Text(text) => (None, Some(text)),
    };
    let row = params![user.as_bytes(), protocol.as_str(), realm.as_bytes(), number, text];
    match changed(connection, INSERT, row) {
        Err(CommandError::Sql(error)) if taken(&error).is_some() => Err(conflict(protocol)),
        other => other.map(drop),
    }
}

fn is_taken(connection: &Connection, realm: RealmId, protocol: ProtocolName, number: u64) -> Result<bool> {
    let statement = match IdColumn::of_numbers(protocol) {
        IdColumn::Zulip => HAS_ZULIP,
        IdColumn::Zettelstore => HAS_ZETTELSTORE,
        _ => HAS_NUMBER,
    };
    let key = params_from_iter(key(realm, protocol, &ExternalId::Number(number)));
    Ok(connection.prepare_cached(statement)?.query_row(key, |row| row.get(0))?)
}

/// The number after the highest of the realm; 1 in a realm without any.
fn next(connection: &Connection, realm: RealmId, protocol: ProtocolName) -> Result<u64> {
    let (statement, named) = match IdColumn::of_numbers(protocol) {
        IdColumn::Zulip => (LAST_ZULIP, None),
        IdColumn::Zettelstore => (LAST_ZETTELSTORE, None),
        _ => (LAST_NUMBER, Some(protocol.to_string())),
    };
    let key = [Some(realm.as_bytes().to_vec().into()), named.map(Value::from)].into_iter().flatten();
    let last: Option<i64> =
        connection.prepare_cached(statement)?.query_row(params_from_iter(key), |row| row.get(0))?;
    let next = last.unwrap_or(0).max(0).checked_add(1).ok_or_else(|| conflict(protocol))?;
    Ok(next.cast_unsigned())
}

/// The values to bind to a statement that looks an id up: the realm, the id, and the protocol where several share the
/// column.
fn key(realm: RealmId, protocol: ProtocolName, id: &ExternalId) -> Vec<Value> {
    let value = match id {
        ExternalId::Number(number) => Value::Integer(number.cast_signed()),
        ExternalId::Text(text) => Value::Text(text.clone()),
    };
    let mut key = vec![Value::Blob(realm.as_bytes().to_vec()), value];
    if IdColumn::of(protocol, id).owner().is_none() {
        key.push(Value::Text(protocol.to_string()));
    }
    key
}

fn conflict(protocol: ProtocolName) -> CommandError {
    StoreError::Conflict(Conflict::ExternalId(protocol)).into()
}

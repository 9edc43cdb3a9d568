//! The ids under which protocols show users: looked up and written.

use auth_core::{ByProtocol, ExternalId, NewId, ProtocolName, RealmId, StoreError, User, UserId};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::error::{CommandError, Result};
use super::numbers::{Numbers, TAKEN_NUMBER, conflict};
use super::row::{account_columns, escaped};
use super::statement::{execute, row};
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

pub(super) const IS_TAKEN_TEXT: &str =
    "SELECT 1 FROM external_id WHERE realm = $1 AND text = $2 AND protocol = $3";

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
/// [`auth_core::Conflict::ExternalId`] when another user of the realm has it.
pub(super) async fn give(
    client: &impl GenericClient,
    numbers: &mut Numbers,
    user: &User,
    protocol: ProtocolName,
    new: &NewId,
) -> Result<ExternalId> {
    let id = match new {
        NewId::Exactly(id) => id.clone(),
        NewId::Preferably(number) => {
            numbers.next(client, user.realm, protocol, Some(number.cast_signed())).await?
        }
        NewId::Next => numbers.next(client, user.realm, protocol, None).await?,
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

/// Writes those ids of a user that have no column of their own.
pub(super) async fn insert_others(
    client: &impl GenericClient,
    user: UserId,
    realm: RealmId,
    ids: &ByProtocol<ExternalId>,
) -> Result<()> {
    let (account, realm) = (&user.as_bytes()[..], &realm.as_bytes()[..]);
    for (protocol, id) in IdColumn::others(ids) {
        let (number, text) = parts(id);
        let written =
            execute(client, INSERT, &[&account, &protocol.as_str(), &realm, &number, &text.as_deref()]).await;
        match written {
            Err(error) if error.taken().is_some() => return Err(conflict(protocol)),
            other => drop(other?),
        }
    }
    Ok(())
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

//! New users with all that belongs to them, written by COPY: a stream of rows for each table.

use std::pin::pin;

use auth_core::{
    BotKind, ByProtocol, Conflict, Digest, ExternalId, Language, NewUser, RealmId, StoreError, Timestamp,
    fold,
};
use deadpool_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::error::{CommandError, Result};
use super::names::small;
use super::row::escaped;
use super::{external_ids, names};
use crate::encoding::{ExternalColumns, IdColumn, protocol_names};

const ACCOUNTS: &str = "COPY account (id, realm, full_name, role, bot, active, joined, valid_from, \
    email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, zettelstore, \
    zettelstore_role, version, password, external, bot_owner, language) FROM STDIN BINARY";
const ACCOUNT_TYPES: [Type; 20] = [
    Type::BYTEA,
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::BOOL,
    Type::INT8,
    Type::INT8,
    Type::BOOL,
    Type::BOOL,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::TEXT,
];
const NAMES: &str =
    "COPY login_name (kind, folded, realm, exact, account, position, verified) FROM STDIN BINARY";
const NAME_TYPES: [Type; 7] =
    [Type::INT2, Type::TEXT, Type::BYTEA, Type::TEXT, Type::BYTEA, Type::INT2, Type::BOOL];
const IDS: &str = "COPY external_id (account, protocol, realm, number, text) FROM STDIN BINARY";
const ID_TYPES: [Type; 5] = [Type::BYTEA, Type::TEXT, Type::BYTEA, Type::INT8, Type::TEXT];
const CREDENTIALS: &str = "COPY credential (id, account, kind, digest, sealed, doors, bypass_second_factor, \
    label, created, expires, last_used, counter, clear_only, parent, client, agent) FROM STDIN BINARY";
const CREDENTIAL_TYPES: [Type; 16] = [
    Type::BYTEA,
    Type::BYTEA,
    Type::TEXT,
    Type::BYTEA,
    Type::BYTEA,
    Type::TEXT,
    Type::BOOL,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::BOOL,
    Type::BYTEA,
    Type::TEXT,
    Type::TEXT,
];

const ACTIVITIES: &str = "COPY activity (account, realm, last_use, seen) FROM STDIN BINARY";
const ACTIVITY_TYPES: [Type; 4] = [Type::BYTEA, Type::BYTEA, Type::INT8, Type::INT8];

/// A user to be written, with its realm, which may be another than its record says, and its ids, some of which the store
/// has chosen.
pub(super) struct Resolved<'a> {
    pub(super) new: &'a NewUser,
    pub(super) realm: RealmId,
    pub(super) ids: ByProtocol<ExternalId>,
}

/// Writes a user; an error leaves nothing behind.
///
/// # Errors
/// [`StoreError::Conflict`] when another user has one of its names, ids or credentials.
pub(super) async fn write_one(transaction: &mut Transaction<'_>, user: &Resolved<'_>) -> Result<()> {
    let part = transaction.transaction().await?;
    match write(&part, std::slice::from_ref(user)).await {
        Ok(()) => Ok(part.commit().await?),
        Err(error) if error.breaks_connection() => Err(error),
        Err(error) => {
            part.rollback().await?;
            Err(refusal(transaction, user, error).await)
        }
    }
}

/// Writes users with all that belongs to them.
///
/// # Errors
/// The error of PostgreSQL for the first row that it refuses.
pub(super) async fn write(transaction: &Transaction<'_>, users: &[Resolved<'_>]) -> Result<()> {
    accounts(transaction, users).await?;
    activities(transaction, users).await?;
    names(transaction, users).await?;
    ids(transaction, users).await?;
    credentials(transaction, users).await
}

/// The error for a user that was refused, the same as other stores return.
async fn refusal(transaction: &Transaction<'_>, user: &Resolved<'_>, error: CommandError) -> CommandError {
    if error.is_dangling() {
        return StoreError::Missing("user").into();
    }
    let Some(constraint) = error.taken() else { return error };
    let why = match constraint {
        "login_name_pkey" => names::taken(transaction, user.realm, &user.new.user.names).await,
        constraint if constraint.starts_with("external_id") => {
            external_ids::taken(transaction, user.realm, &user.ids).await
        }
        constraint if constraint.starts_with("credential") => {
            Ok(StoreError::Conflict(Conflict::Credential).into())
        }
        constraint => Ok(match external_ids::taken_in(constraint) {
            Some(protocol) => StoreError::Conflict(Conflict::ExternalId(protocol)).into(),
            None => StoreError::Corrupt("a user's identifier occurs twice".into()).into(),
        }),
    };
    why.unwrap_or_else(|error| error)
}

async fn accounts(transaction: &Transaction<'_>, users: &[Resolved<'_>]) -> Result<()> {
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(ACCOUNTS).await?, &ACCOUNT_TYPES));
    for Resolved { new, realm, ids } in users {
        let user = &new.user;
        let external = ExternalColumns::of(ids, &user.external_roles)?;
        let rocketchat = external.rocketchat.as_deref().map(escaped);
        let zettelstore_role = external.zettelstore_role.as_deref().map(escaped);
        let values: [&(dyn ToSql + Sync); 20] = [
            &&user.id.as_bytes()[..],
            &&realm.as_bytes()[..],
            &&*escaped(&user.full_name),
            &user.role.as_str(),
            &user.bot.map(BotKind::as_str),
            &user.active,
            &user.joined.as_millis(),
            &user.valid_from.as_millis(),
            &user.email_second_factor,
            &user.must_change_password,
            &external.zulip,
            &rocketchat.as_deref(),
            &external.rocketchat_roles,
            &external.zettelstore,
            &zettelstore_role.as_deref(),
            &user.version.cast_signed(),
            &new.password.as_ref().map(|password| password.expose()),
            &external.external,
            &user.bot_owner.map(u64::cast_signed),
            &user.language.map(Language::tag),
        ];
        rows.as_mut().write(&values).await?;
    }
    rows.finish().await?;
    Ok(())
}

/// When users are seen first: at their creation, or by the last use of a credential.
async fn activities(transaction: &Transaction<'_>, users: &[Resolved<'_>]) -> Result<()> {
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(ACTIVITIES).await?, &ACTIVITY_TYPES));
    for Resolved { new, realm, .. } in users {
        let last_use = new.credentials.iter().filter_map(|own| own.last_used).max();
        let seen = last_use.map_or(new.user.joined, |last_use| last_use.max(new.user.joined));
        let values: [&(dyn ToSql + Sync); 4] = [
            &&new.user.id.as_bytes()[..],
            &&realm.as_bytes()[..],
            &last_use.map(Timestamp::as_millis),
            &seen.as_millis(),
        ];
        rows.as_mut().write(&values).await?;
    }
    rows.finish().await?;
    Ok(())
}

async fn names(transaction: &Transaction<'_>, users: &[Resolved<'_>]) -> Result<()> {
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(NAMES).await?, &NAME_TYPES));
    for Resolved { new, realm, .. } in users {
        for (position, name) in (0_i16..).zip(&new.user.names) {
            let folded = fold(&name.exact);
            let (exact, folded) = (escaped(&name.exact), escaped(&folded));
            let values: [&(dyn ToSql + Sync); 7] = [
                &small(name.kind),
                &&*folded,
                &&realm.as_bytes()[..],
                &&*exact,
                &&new.user.id.as_bytes()[..],
                &position,
                &name.verified,
            ];
            rows.as_mut().write(&values).await?;
        }
    }
    rows.finish().await?;
    Ok(())
}

async fn ids(transaction: &Transaction<'_>, users: &[Resolved<'_>]) -> Result<()> {
    if users.iter().all(|user| IdColumn::others(&user.ids).next().is_none()) {
        return Ok(());
    }
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(IDS).await?, &ID_TYPES));
    for Resolved { new, realm, ids } in users {
        for (protocol, id) in IdColumn::others(ids) {
            let (number, text) = external_ids::parts(id);
            let values: [&(dyn ToSql + Sync); 5] = [
                &&new.user.id.as_bytes()[..],
                &protocol.as_str(),
                &&realm.as_bytes()[..],
                &number,
                &text.as_deref(),
            ];
            rows.as_mut().write(&values).await?;
        }
    }
    rows.finish().await?;
    Ok(())
}

async fn credentials(transaction: &Transaction<'_>, users: &[Resolved<'_>]) -> Result<()> {
    if users.iter().all(|user| user.new.credentials.is_empty()) {
        return Ok(());
    }
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(CREDENTIALS).await?, &CREDENTIAL_TYPES));
    for Resolved { new, .. } in users {
        for credential in &new.credentials {
            let label = credential.label.as_deref().map(escaped);
            let origin = credential.origin.as_ref();
            let agent = origin.and_then(|origin| origin.agent.as_deref()).map(escaped);
            let values: [&(dyn ToSql + Sync); 16] = [
                &&credential.id.as_bytes()[..],
                &&new.user.id.as_bytes()[..],
                &credential.kind.as_str(),
                &credential.digest.as_ref().map(Digest::as_bytes).map(|bytes| &bytes[..]),
                &credential.sealed,
                &protocol_names(&credential.scope.protocols),
                &credential.scope.bypass_second_factor,
                &label.as_deref(),
                &credential.created.as_millis(),
                &credential.expires.map(Timestamp::as_millis),
                &credential.last_used.map(Timestamp::as_millis),
                &credential.counter,
                &credential.clear_only,
                &credential.parent.as_ref().map(|parent| &parent.as_bytes()[..]),
                &origin.map(|origin| origin.client.to_string()),
                &agent.as_deref(),
            ];
            rows.as_mut().write(&values).await?;
        }
    }
    rows.finish().await?;
    Ok(())
}

//! Users as streams of rows, a stream for each table.

use std::pin::pin;

use auth_core::{Digest, Timestamp, fold};
use deadpool_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::Numbered;
use crate::postgres::failure::Result;
use crate::postgres::row::kept;
use crate::postgres::users::small;
use crate::words::{bot_name, protocol_names, to_json};

const ACCOUNTS: &str = "COPY account (id, realm, full_name, role, bot, active, joined, valid_from, \
    email_second_factor, must_change_password, zulip, rocketchat, rocketchat_roles, zettelstore, \
    zettelstore_role, version, password) FROM STDIN BINARY";
const ACCOUNT_TYPES: [Type; 17] = [
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
];
const NAMES: &str =
    "COPY login_name (kind, folded, realm, exact, account, position, verified) FROM STDIN BINARY";
const NAME_TYPES: [Type; 7] =
    [Type::INT2, Type::TEXT, Type::BYTEA, Type::TEXT, Type::BYTEA, Type::INT2, Type::BOOL];
const CREDENTIALS: &str = "COPY credential (id, account, kind, digest, sealed, protocols, bypass_second_factor, \
    label, created, expires, last_used, counter) FROM STDIN BINARY";
const CREDENTIAL_TYPES: [Type; 12] = [
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
];

/// Writes users with all that belongs to them.
pub(super) async fn copy(transaction: &Transaction<'_>, users: &[Numbered]) -> Result<()> {
    accounts(transaction, users).await?;
    names(transaction, users).await?;
    credentials(transaction, users).await
}

async fn accounts(transaction: &Transaction<'_>, users: &[Numbered]) -> Result<()> {
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(ACCOUNTS).await?, &ACCOUNT_TYPES));
    for Numbered { new, realm, zulip, zettelstore, .. } in users {
        let user = &new.user;
        let role = user.protocols.zettelstore_role.as_deref().map(kept);
        let roles = user.protocols.rocketchat_roles.as_deref().map(to_json).transpose()?;
        let values: [&(dyn ToSql + Sync); 17] = [
            &&user.id.as_bytes()[..],
            &&realm.as_bytes()[..],
            &&*kept(&user.full_name),
            &user.role.as_str(),
            &user.bot.map(bot_name),
            &user.active,
            &user.joined.as_millis(),
            &user.valid_from.as_millis(),
            &user.email_second_factor,
            &user.must_change_password,
            zulip,
            &&*kept(&user.protocols.rocketchat),
            &roles,
            zettelstore,
            &role.as_deref(),
            &user.version.cast_signed(),
            &new.password.as_ref().map(|password| password.expose()),
        ];
        rows.as_mut().write(&values).await?;
    }
    rows.finish().await?;
    Ok(())
}

async fn names(transaction: &Transaction<'_>, users: &[Numbered]) -> Result<()> {
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(NAMES).await?, &NAME_TYPES));
    for Numbered { new, realm, .. } in users {
        for (position, name) in (0_i16..).zip(&new.user.names) {
            let folded = fold(&name.exact);
            let (exact, folded) = (kept(&name.exact), kept(&folded));
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

async fn credentials(transaction: &Transaction<'_>, users: &[Numbered]) -> Result<()> {
    if users.iter().all(|user| user.new.credentials.is_empty()) {
        return Ok(());
    }
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(CREDENTIALS).await?, &CREDENTIAL_TYPES));
    for Numbered { new, .. } in users {
        for credential in &new.credentials {
            let label = credential.label.as_deref().map(kept);
            let values: [&(dyn ToSql + Sync); 12] = [
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
            ];
            rows.as_mut().write(&values).await?;
        }
    }
    rows.finish().await?;
    Ok(())
}

//! Bots, which are deactivated with their owner.

use auth_core::{AuditRecord, Revocation, Timestamp, UserId};
use deadpool_postgres::GenericClient;

use super::error::Result;
use super::row::Columns;
use super::statement::{execute, move_valid_from, rows};
use super::{audit, credentials};

/// Of the user $1.
macro_rules! are_bots {
    () => {
        "realm = (SELECT realm FROM account WHERE id = $1) \
         AND bot_owner = (SELECT zulip FROM account WHERE id = $1)"
    };
}

pub(super) const DEACTIVATE: &str = concat!(
    "UPDATE account SET active = false, version = version + 1, ",
    move_valid_from!(),
    " WHERE ",
    are_bots!(),
    " AND active RETURNING id"
);
pub(super) const FORGET_OWNER: &str =
    concat!("UPDATE account SET bot_owner = NULL, version = version + 1 WHERE ", are_bots!());

/// Deactivates the active bots of a user, whose row is locked, and returns them.
pub(super) async fn deactivate(
    client: &impl GenericClient,
    owner: UserId,
    revocation: &Revocation<'_>,
    record: Option<&AuditRecord>,
) -> Result<Vec<UserId>> {
    let valid_from = revocation.valid_from.map(Timestamp::as_millis);
    let found = rows(client, DEACTIVATE, &[&&owner.as_bytes()[..], &valid_from]).await?;
    let bots = found.iter().map(|row| Columns::of(row).bytes().map(UserId::from_bytes));
    let bots: Vec<UserId> = bots.collect::<Result<_>>()?;
    for bot in &bots {
        credentials::revoke(client, *bot, revocation).await?;
        audit::write(client, record.map(|record| record.of_bot(*bot)).as_ref()).await?;
    }
    Ok(bots)
}

/// Takes a user, whose row is locked, from the bots that have it as their owner.
pub(super) async fn forget_owner(client: &impl GenericClient, owner: UserId) -> Result<()> {
    execute(client, FORGET_OWNER, &[&&owner.as_bytes()[..]]).await?;
    Ok(())
}

//! Bots, which are deactivated with their owner.

use auth_core::{AuditRecord, Revocation, StoreError, UserId};
use rusqlite::Connection;

use super::error::Result;
use super::revocation::OwnedRevocation;
use super::{Sqlite, audit};

/// Of the user ?1.
macro_rules! are_bots {
    () => {
        "realm = (SELECT realm FROM user WHERE id = ?1) AND bot_owner = (SELECT zulip FROM user WHERE id = ?1)"
    };
}

pub(super) const DEACTIVATE: &str = concat!(
    "UPDATE user SET active = 0, version = version + 1 WHERE ",
    are_bots!(),
    " AND active <> 0 RETURNING id"
);
pub(super) const FORGET_OWNER: &str =
    concat!("UPDATE user SET bot_owner = NULL, version = version + 1 WHERE ", are_bots!());

impl Sqlite {
    /// Deactivates the bots of a user and runs `work`, which ends the user, as [`Sqlite::act`] does. Notifies the listeners
    /// of all.
    pub(super) async fn act_with_bots(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
        work: impl FnOnce(&Connection, &OwnedRevocation) -> Result<bool> + Send + 'static,
    ) -> std::result::Result<bool, StoreError> {
        let (revocation, record) = (OwnedRevocation::of(revocation), audit.cloned());
        let acted = move |connection: &Connection| {
            audit::check(connection, record.as_ref())?;
            let bots = deactivate(connection, user, &revocation, record.as_ref())?;
            let done = work(connection, &revocation)?;
            audit::write(connection, record.as_ref().filter(|_| done))?;
            Ok((done, bots))
        };
        let (done, bots) = self.change(user, acted).await?;
        bots.into_iter().for_each(|bot| self.listeners.notify(bot));
        Ok(done)
    }
}

/// Deactivates the active bots of a user and returns them.
pub(super) fn deactivate(
    connection: &Connection,
    owner: UserId,
    revocation: &OwnedRevocation,
    record: Option<&AuditRecord>,
) -> Result<Vec<UserId>> {
    let mut statement = connection.prepare_cached(DEACTIVATE)?;
    let bots = statement.query_map([owner.as_bytes()], |row| row.get(0).map(UserId::from_bytes))?;
    let bots: Vec<UserId> = bots.collect::<rusqlite::Result<_>>()?;
    for bot in &bots {
        revocation.apply(connection, *bot)?;
        audit::write(connection, record.map(|record| record.of_bot(*bot)).as_ref())?;
    }
    Ok(bots)
}

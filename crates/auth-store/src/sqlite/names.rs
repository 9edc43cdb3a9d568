//! The login names of users.

use auth_core::{Conflict, LoginName, RealmId, StoreError, UserId, fold};
use rusqlite::{Connection, params};

use super::error::{Result, taken};
use crate::encoding::number;

pub(super) const INSERT: &str = "INSERT INTO login_name (kind, folded, realm, exact, user, position, verified) \
    VALUES (?1, ?2, ?3, ?4, (SELECT number FROM user WHERE id = ?5), ?6, ?7)";
pub(super) const DELETE: &str = "DELETE FROM login_name WHERE user = (SELECT number FROM user WHERE id = ?1)";

/// Writes the names of a user who has none yet.
///
/// # Errors
/// [`Conflict::Name`] when another user of the realm has one of the names.
pub(super) fn insert(
    connection: &Connection,
    user: UserId,
    realm: RealmId,
    names: &[LoginName],
) -> Result<()> {
    let mut statement = connection.prepare_cached(INSERT)?;
    for (position, name) in (0_i64..).zip(names) {
        let written = statement.execute(params![
            number(name.kind),
            fold(&name.exact),
            realm.as_bytes(),
            name.exact,
            user.as_bytes(),
            position,
            name.verified,
        ]);
        match written {
            Err(error) if taken(&error).is_some() => {
                return Err(StoreError::Conflict(Conflict::Name(name.kind)).into());
            }
            other => other?,
        };
    }
    Ok(())
}

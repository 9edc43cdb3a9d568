//! The login names of users.

use std::collections::BTreeSet;

use auth_core::{Conflict, LoginName, NameKind, RealmId, StoreError, UserId, fold};
use rusqlite::{Connection, params};

use super::error::{Result, taken};
use crate::encoding::number;

pub(super) const INSERT: &str = "INSERT INTO login_name (kind, folded, realm, exact, user, position, verified) \
    VALUES (?1, ?2, ?3, ?4, (SELECT number FROM user WHERE id = ?5), ?6, ?7)";
pub(super) const DELETE: &str = "DELETE FROM login_name WHERE user = (SELECT number FROM user WHERE id = ?1)";

pub(super) const FOLDS_ALIKE: &str = "SELECT 1 FROM login_name WHERE kind = ?1 AND folded = ?2 AND realm = ?3 \
    AND user <> (SELECT number FROM user WHERE id = ?4)";

/// The kinds of a user's names to which those of another user of the realm fold alike.
pub(super) fn kinds_folding_alike(
    connection: &Connection,
    user: UserId,
    realm: RealmId,
    names: &[LoginName],
) -> Result<BTreeSet<NameKind>> {
    let mut statement = connection.prepare_cached(FOLDS_ALIKE)?;
    let mut kinds = BTreeSet::new();
    for name in names {
        let params = params![number(name.kind), fold(&name.exact), realm.as_bytes(), user.as_bytes()];
        if statement.exists(params)? {
            kinds.insert(name.kind);
        }
    }
    Ok(kinds)
}

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

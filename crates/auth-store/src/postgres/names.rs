//! The login names of users.

use auth_core::{Conflict, LoginName, NameKind, RealmId, StoreError, UserId, fold};
use deadpool_postgres::GenericClient;

use super::error::{CommandError, Result};
use super::row::escaped;
use super::statement::{changed, row};
use crate::encoding::number;

pub(super) const INSERT: &str = "INSERT INTO login_name (kind, folded, realm, exact, account, position, \
    verified) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
pub(super) const DELETE: &str = "DELETE FROM login_name WHERE account = $1";
pub(super) const IS_TAKEN: &str =
    "SELECT 1 FROM login_name WHERE kind = $1 AND folded = $2 AND realm = $3 AND exact = $4";

/// Writes the names of a user who has none yet.
///
/// # Errors
/// [`Conflict::Name`] when another user of the realm has one of the names.
pub(super) async fn insert(
    client: &impl GenericClient,
    user: UserId,
    realm: RealmId,
    names: &[LoginName],
) -> Result<()> {
    let (user, realm) = (&user.as_bytes()[..], &realm.as_bytes()[..]);
    for (position, name) in (0_i16..).zip(names) {
        let folded = fold(&name.exact);
        let (kind, folded, exact) = (small(name.kind), escaped(&folded), escaped(&name.exact));
        if !changed(client, INSERT, &[&kind, &&*folded, &realm, &&*exact, &user, &position, &name.verified])
            .await?
        {
            return Err(conflict(name.kind));
        }
    }
    Ok(())
}

/// The conflict of a user whose names could not be written: the first name that another user has.
pub(super) async fn taken(
    client: &impl GenericClient,
    realm: RealmId,
    names: &[LoginName],
) -> Result<CommandError> {
    let realm = &realm.as_bytes()[..];
    let mut own: Vec<&LoginName> = Vec::new();
    for name in names {
        let folded = fold(&name.exact);
        let (kind, folded, exact) = (small(name.kind), escaped(&folded), escaped(&name.exact));
        let is_twice = own.iter().any(|other| (other.kind, &other.exact) == (name.kind, &name.exact));
        if is_twice || row(client, IS_TAKEN, &[&kind, &&*folded, &realm, &&*exact]).await?.is_some() {
            return Ok(conflict(name.kind));
        }
        own.push(name);
    }
    // A transaction that this one can't see has one of them: the first is as likely as the others.
    Ok(match names.first() {
        Some(name) => conflict(name.kind),
        None => StoreError::Corrupt("a user without names has a name that is taken".into()).into(),
    })
}

/// A name kind as its column holds it.
pub(super) fn small(kind: NameKind) -> i16 {
    i16::try_from(number(kind)).unwrap_or(-1)
}

fn conflict(kind: NameKind) -> CommandError {
    StoreError::Conflict(Conflict::Name(kind)).into()
}

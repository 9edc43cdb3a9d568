//! The login names of users.

use std::collections::{BTreeSet, HashMap};

use auth_core::{Conflict, LoginName, NameKind, RealmId, StoreError, User, UserId, fold};
use deadpool_postgres::GenericClient;

use super::error::{CommandError, Result};
use super::row::{Columns, escaped};
use super::statement::{changed, row, rows};
use crate::encoding::{name_kind, number};

pub(super) const INSERT: &str = "INSERT INTO login_name (kind, folded, realm, exact, account, position, \
    verified) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
pub(super) const DELETE: &str = "DELETE FROM login_name WHERE account = $1";
pub(super) const IS_TAKEN: &str =
    "SELECT 1 FROM login_name WHERE kind = $1 AND folded = $2 AND realm = $3 AND exact = $4";

pub(super) const FOLD_ALIKE: &str = "SELECT n.account, n.kind FROM login_name AS n \
    WHERE n.account = ANY ($1::bytea[]) AND EXISTS (SELECT 1 FROM login_name AS o WHERE o.kind = n.kind \
    AND o.folded = n.folded AND o.realm = n.realm AND o.account <> ALL ($1::bytea[]))";

/// Of users who were written together: the kinds of each one's names to which those of a user fold alike who was written
/// before.
pub(super) async fn kinds_folding_alike(
    client: &impl GenericClient,
    users: &[(&User, RealmId)],
) -> Result<BTreeSet<(UserId, NameKind)>> {
    let ids: Vec<&[u8]> = users.iter().map(|(user, _)| &user.id.as_bytes()[..]).collect();
    let mut alike = BTreeSet::new();
    for row in rows(client, FOLD_ALIKE, &[&ids]).await? {
        let mut columns = Columns::of(&row);
        alike.insert((UserId::from_bytes(columns.bytes()?), name_kind(columns.take::<i16>()?.into())?));
    }
    let mut owners = HashMap::new();
    for (user, realm) in users {
        for name in &user.names {
            let owner = owners.entry((*realm, name.kind, fold(&name.exact))).or_insert(user.id);
            if *owner != user.id {
                alike.insert((user.id, name.kind));
            }
        }
    }
    Ok(alike)
}

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

//! Realms.

use async_trait::async_trait;
use auth_core::{AuditRecord, Realm, RealmId, RealmRemoval, RealmStore, StoreError};

use super::row::Columns;
use super::session::{read, transact};
use super::statement::{changed, row, rows};
use super::{Postgres, audit};

macro_rules! realm_columns {
    ($require_second_factor:literal) => {
        concat!(
            "SELECT id, slug, subdomain, name, icon, description, active, password_login, digest_logins, ",
            $require_second_factor,
            ", min_length, min_guesses, backends FROM realm"
        )
    };
}

pub(super) const ALL: &str = concat!(realm_columns!("require_second_factor"), " ORDER BY slug");
/// Realms of a store that is left at a version before the sixth.
const EARLIER: &str = concat!(realm_columns!("FALSE"), " ORDER BY slug");
/// Nobody else changes the realm until the transaction ends.
pub(super) const BY_SLUG: &str =
    concat!(realm_columns!("require_second_factor"), " WHERE slug = $1 FOR UPDATE");

pub(super) const HAS_USERS: &str = "SELECT 1 FROM account WHERE realm = $1 LIMIT 1";
pub(super) const REMOVE: &str = "DELETE FROM realm WHERE id = $1";

#[async_trait]
impl RealmStore for Postgres {
    async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        let query = if self.is_before(6) { EARLIER } else { ALL };
        let found = read!(self, |client| rows(client, query, &[]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).realm()).collect::<super::error::Result<_>>()?)
    }

    async fn remove_realm(
        &self,
        id: RealmId,
        audit: Option<&AuditRecord>,
    ) -> Result<RealmRemoval, StoreError> {
        let id = &id.as_bytes()[..];
        let removed = transact!(self, |transaction| {
            audit::check(transaction, audit).await?;
            if row(transaction, HAS_USERS, &[&id]).await?.is_some() {
                return Ok(RealmRemoval::HasUsers);
            }
            match changed(transaction, REMOVE, &[&id]).await {
                // A user came meanwhile.
                Err(error) if error.is_dangling() => return Ok(RealmRemoval::HasUsers),
                Ok(false) => return Ok(RealmRemoval::NotThere),
                other => other?,
            };
            audit::write(transaction, audit).await?;
            Ok(RealmRemoval::Removed)
        });
        Ok(removed?)
    }
}

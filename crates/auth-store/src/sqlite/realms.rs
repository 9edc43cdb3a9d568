//! Realms.

use async_trait::async_trait;
use auth_core::{AuditRecord, Realm, RealmId, RealmRemoval, RealmStore, StoreError};

use super::row::Columns;
use super::statement::changed;
use super::{Sqlite, audit};

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
pub(super) const BY_SLUG: &str = concat!(realm_columns!("require_second_factor"), " WHERE slug = ?1");

pub(super) const HAS_USERS: &str = "SELECT 1 FROM user WHERE realm = ?1 LIMIT 1";
pub(super) const REMOVE: &str = "DELETE FROM realm WHERE id = ?1";

#[async_trait]
impl RealmStore for Sqlite {
    async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        let query = if self.is_before(6) { EARLIER } else { ALL };
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(query)?;
            statement.query_and_then([], |row| Columns::of(row).realm())?.collect()
        })
        .await
    }

    async fn remove_realm(
        &self,
        id: RealmId,
        audit: Option<&AuditRecord>,
    ) -> Result<RealmRemoval, StoreError> {
        let record = audit.cloned();
        self.write(move |connection| {
            audit::check(connection, record.as_ref())?;
            if connection.prepare_cached(HAS_USERS)?.exists([id.as_bytes()])? {
                return Ok(RealmRemoval::HasUsers);
            }
            if !changed(connection, REMOVE, [id.as_bytes()])? {
                return Ok(RealmRemoval::NotThere);
            }
            audit::write(connection, record.as_ref())?;
            Ok(RealmRemoval::Removed)
        })
        .await
    }
}

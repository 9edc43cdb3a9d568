//! Realms.

use async_trait::async_trait;
use auth_core::{Realm, RealmStore, StoreError};

use super::Sqlite;
use super::row::Columns;

macro_rules! realm_columns {
    () => {
        "SELECT id, slug, subdomain, name, icon, description, active, password_login, digest_logins,
         require_second_factor, min_length, min_guesses, backends FROM realm"
    };
}

pub(super) const ALL: &str = concat!(realm_columns!(), " ORDER BY slug");
pub(super) const BY_SLUG: &str = concat!(realm_columns!(), " WHERE slug = ?1");

#[async_trait]
impl RealmStore for Sqlite {
    async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(ALL)?;
            statement.query_and_then([], |row| Columns::of(row).realm())?.collect()
        })
        .await
    }
}

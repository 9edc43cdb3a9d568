//! Realms.

use async_trait::async_trait;
use auth_core::{Realm, RealmStore, StoreError};

use super::Postgres;
use super::row::Columns;
use super::session::read;
use super::statement::rows;

macro_rules! realm_columns {
    () => {
        "SELECT id, slug, subdomain, name, icon, description, active, password_login, digest_logins,
         require_second_factor, min_length, min_guesses, backends FROM realm"
    };
}

pub(super) const ALL: &str = concat!(realm_columns!(), " ORDER BY slug");
/// Nobody else changes the realm until the transaction ends.
pub(super) const BY_SLUG: &str = concat!(realm_columns!(), " WHERE slug = $1 FOR UPDATE");

#[async_trait]
impl RealmStore for Postgres {
    async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        let found = read!(self, |client| rows(client, ALL, &[]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).realm()).collect::<super::error::Result<_>>()?)
    }
}

//! Realms.

use async_trait::async_trait;
use auth_core::{Realm, RealmStore, StoreError};

use super::Postgres;
use super::row::Columns;
use super::session::read;
use super::statement::rows;

pub(super) const ALL: &str = "SELECT id, slug, subdomain, name, icon, description, active, password_login, \
    digest_logins, min_length, min_guesses, backends FROM realm ORDER BY slug";

#[async_trait]
impl RealmStore for Postgres {
    async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        let found = read!(self, |client| rows(client, ALL, &[]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).realm()).collect::<super::error::Result<_>>()?)
    }
}

//! The battery against PostgreSQL, and what is PostgreSQL's own.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are no #[test]s")]

use std::sync::Arc;

use auth_core::SeededRng;
use auth_store::battery::Fixture;
use auth_store::{Postgres, PostgresOptions, store_battery};
use test_postgres::Cluster;

/// A database of its own in the cluster that all tests share.
struct Database(String);

impl Database {
    fn options(&self) -> PostgresOptions {
        PostgresOptions::new(&self.0)
    }
}

impl Fixture for Database {
    type Store = Postgres;

    fn empty() -> Self {
        Self(Cluster::shared().unwrap().database().unwrap())
    }

    async fn open(&self) -> Arc<Postgres> {
        let rng = Arc::new(SeededRng::new(7));
        Arc::new(Postgres::open(&self.options(), rng).await.unwrap())
    }
}

store_battery!(Database);

//! The store that the configuration names.

use std::sync::Arc;

use anyhow::{Context, bail};
use auth_core::{Rng, Store};
use auth_store::{Postgres, PostgresOpenError, Sqlite};

use crate::config::{Config, StoreLocation};

/// An open store, by its kind: commands for operators differ.
#[derive(Clone, Debug)]
pub(crate) enum AnyStore {
    /// In a file.
    Sqlite(Arc<Sqlite>),
    /// In a database.
    Postgres(Arc<Postgres>),
}

impl AnyStore {
    /// Opens it; one that is not there yet is made.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) async fn open(config: &Config, rng: Arc<dyn Rng>) -> anyhow::Result<Self> {
        match config.store.location()? {
            StoreLocation::Sqlite(path) => match Sqlite::open(path) {
                Ok(store) => Ok(Self::Sqlite(Arc::new(store))),
                Err(error) => bail!("the store {}: {error}", path.display()),
            },
            StoreLocation::Postgres(options) => match Postgres::open(&options, rng).await {
                Ok(store) => Ok(Self::Postgres(Arc::new(store))),
                Err(PostgresOpenError::Failed(error)) => Err(error).context("[store] PostgreSQL"),
                Err(error) => bail!("[store] PostgreSQL: {error}"),
            },
        }
    }

    /// What every store can do.
    pub(crate) fn records(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as _,
            Self::Postgres(store) => Arc::clone(store) as _,
        }
    }
}

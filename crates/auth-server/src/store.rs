//! The store that the configuration names.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use auth_core::{Rng, Store};
use auth_store::{CopyEnd, OpenError, PendingUpgrade, Postgres, PostgresOpenError, Sqlite};

use crate::config::{Config, StoreLocation};
use crate::system_error::{file_reason, folder_of};

/// What opening a store does to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Creates it where there is none, and brings it up to date.
    Create,
    /// Brings it up to date, and refuses where there is none. Most commands have nothing to do with an empty store: another
    /// one was meant.
    Upgrade,
    /// Leaves it as it is, and refuses where there is none.
    Unchanged,
    /// Creates it as the target of a copy, or goes on with one that is unfinished.
    Copy,
}

/// An open store, by its kind: commands for operators differ.
#[derive(Clone, Debug)]
pub(crate) enum AnyStore {
    /// In a file.
    Sqlite(Arc<Sqlite>),
    /// In a database.
    Postgres(Arc<Postgres>),
}

/// There is no store, and none was to be created.
#[derive(Debug)]
pub(crate) struct NoStore(String);

impl std::fmt::Display for NoStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no store {} yet: `serve` and `import` create one", self.0)
    }
}

impl std::error::Error for NoStore {}

impl AnyStore {
    /// Opens it.
    ///
    /// # Errors
    /// A sentence for the operator; [`NoStore`] where there is none and none is to be created.
    pub(crate) async fn open(config: &Config, rng: Arc<dyn Rng>, opening: Opening) -> anyhow::Result<Self> {
        match config.store.location()? {
            StoreLocation::Sqlite(path) if config.store.is_disposable => {
                let store = Sqlite::open_disposable(&path).map_err(|error| sqlite_failed(&path, error))?;
                Ok(Self::Sqlite(Arc::new(store)))
            }
            location => Self::open_at("[store] PostgreSQL", location, rng, opening).await,
        }
    }

    /// Opens the store at a location. `name` stands before what is wrong with a database.
    ///
    /// # Errors
    /// See [`AnyStore::open`].
    pub(crate) async fn open_at(
        name: &'static str,
        location: StoreLocation,
        rng: Arc<dyn Rng>,
        opening: Opening,
    ) -> anyhow::Result<Self> {
        match location {
            StoreLocation::Sqlite(path) => {
                let opened = match opening {
                    Opening::Create => Sqlite::open(&path),
                    Opening::Upgrade => Sqlite::open_existing(&path),
                    Opening::Unchanged => Sqlite::open_unchanged(&path),
                    Opening::Copy => Sqlite::open_for_copy(&path),
                };
                let store = opened.map_err(|error| sqlite_failed(&path, error))?;
                Ok(Self::Sqlite(Arc::new(store)))
            }
            StoreLocation::Postgres(options) => {
                let opened = match opening {
                    Opening::Create => Postgres::open(&options, rng).await,
                    Opening::Upgrade => Postgres::open_existing(&options, rng).await,
                    Opening::Unchanged => Postgres::open_unchanged(&options, rng).await,
                    Opening::Copy => Postgres::open_for_copy(&options, rng).await,
                };
                match opened {
                    Ok(store) => Ok(Self::Postgres(Arc::new(store))),
                    Err(PostgresOpenError::Missing) => Err(NoStore("in the database".to_owned()).into()),
                    Err(PostgresOpenError::Failed(error)) => Err(error).context(name),
                    Err(error) => bail!("{name}: {error}"),
                }
            }
        }
    }

    /// What every store can do.
    pub(crate) fn records(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::clone(store) as _,
            Self::Postgres(store) => Arc::clone(store) as _,
        }
    }

    /// The store as an end of a copy.
    pub(crate) fn copy_end(&self) -> CopyEnd {
        match self {
            Self::Sqlite(store) => CopyEnd::Sqlite(Arc::clone(store)),
            Self::Postgres(store) => CopyEnd::Postgres(Arc::clone(store)),
        }
    }

    /// Whether this opening has created it.
    pub(crate) fn is_new(&self) -> bool {
        match self {
            Self::Sqlite(store) => store.is_new(),
            Self::Postgres(store) => store.is_new(),
        }
    }

    /// The upgrade of its schema that this opening has left out.
    pub(crate) fn pending_upgrade(&self) -> Option<PendingUpgrade> {
        match self {
            Self::Sqlite(store) => store.pending_upgrade(),
            Self::Postgres(store) => store.pending_upgrade(),
        }
    }
}

/// Opens the copy of a store, and leaves it as it is.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn open_copy(path: &Path) -> anyhow::Result<Arc<Sqlite>> {
    let opened = Sqlite::open_unchanged(path);
    Ok(Arc::new(opened.map_err(|error| anyhow!("{}: {}", path.display(), sqlite_reason(path, &error)))?))
}

fn sqlite_failed(path: &Path, error: OpenError) -> anyhow::Error {
    match error {
        OpenError::Missing => NoStore(path.display().to_string()).into(),
        error => anyhow!("the store {}: {}", path.display(), sqlite_reason(path, &error)),
    }
}

/// Why a SQLite file can't be opened. SQLite itself doesn't say what the system says: in a folder that takes no new files
/// it fails without a reason.
fn sqlite_reason(path: &Path, error: &OpenError) -> String {
    match (error, error.source()) {
        (OpenError::CannotOpen(_), Some(source)) => {
            if let Some(source) = source.downcast_ref::<io::Error>() {
                return file_reason(path, source);
            }
            let folder = folder_of(path);
            match tempfile::tempfile_in(folder) {
                Ok(_) => format!("{error}: {source}"),
                Err(refused) => format!(
                    "no file can be made beside it, as SQLite needs: {}",
                    file_reason(&folder.join("new"), &refused)
                ),
            }
        }
        (_, Some(source)) => format!("{error}: {source}"),
        (_, None) => error.to_string(),
    }
}

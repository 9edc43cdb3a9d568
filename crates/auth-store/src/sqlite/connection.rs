//! Opening the file: its mode, the settings of a connection, and what can go wrong.

use std::error::Error;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use auth_core::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::failure::{Failure, is_locked};

/// How long a command waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(2);

/// How often and how long a connection waits for its turn to enter WAL.
const TURNS: u32 = 100;
const TURN: Duration = Duration::from_millis(20);

/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS: usize = 96;

/// Memory in which a connection may hold pages that it changes, in KiB.
pub(super) const CACHE: u32 = 8192;

/// So much of the file is read where the system has it in memory, without a copy or a call: all of it, or as much as
/// SQLite was built for (2 GiB, if nobody said otherwise).
const MAPPED: i64 = 1 << 40;

/// Why a store could not be opened. The causes are in `source()`; no variant knows the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its folder is missing, or the permissions don't allow it.
    #[error("the store's file can't be opened or created")]
    CannotOpen(#[source] Box<dyn Error + Send + Sync>),
    /// The file is something else.
    #[error("the store's file is not a database")]
    NotADatabase,
    /// Another program made it.
    #[error("the store's file is a database of another program")]
    NotOurs,
    /// A later version of this program made it.
    #[error("the store's schema is of version {found}, this program knows up to {known}")]
    Newer {
        /// The version of the file.
        found: i64,
        /// The latest version that this program knows.
        known: usize,
    },
    /// Another process holds it.
    #[error("the store is locked by another process")]
    Locked,
    /// It could be opened but not read, or not brought up to date.
    #[error("the store can't be made ready")]
    Failed(#[source] StoreError),
}

impl OpenError {
    pub(super) fn of(failure: impl Into<Failure>) -> Self {
        let failure = failure.into();
        let Failure::Sql(error) = &failure else { return Self::Failed(failure.into()) };
        if is_locked(error) {
            return Self::Locked;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::CannotOpen(StoreError::from(failure).to_string().into())
            }
            _ => Self::Failed(failure.into()),
        }
    }

    pub(super) fn io(error: io::Error) -> Self {
        Self::CannotOpen(Box::new(error))
    }
}

/// Makes a file for the eyes of its owner alone; SQLite gives the files it puts beside it the same mode.
///
/// # Errors
/// When it exists and `new` is asked for, or can't be made.
pub(super) fn create(path: &Path, new: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(!new).create_new(new).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A connection to an existing file, with the settings that belong to the connection.
///
/// # Errors
/// What SQLite says.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans don't depend on what is bound: otherwise SQLite plans some statements anew at every call.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // FULL: a commit is on disk before it is answered. FAST: deleted secrets are wiped where their page is
    // written anyway.
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = FAST;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.pragma_update(None, "cache_size", -i64::from(CACHE))?;
    connection.pragma_update_and_check(None, "mmap_size", MAPPED, |_| Ok(()))?;
    Ok(connection)
}

/// Sets the memory that a connection may hold pages in, in KiB, and gives back what is above it.
///
/// # Errors
/// What SQLite says.
pub(super) fn set_cache(connection: &Connection, size: u32) -> Result<(), Failure> {
    connection.pragma_update(None, "cache_size", -i64::from(size))?;
    Ok(connection.execute_batch("PRAGMA shrink_memory")?)
}

/// Lets readers go on while one writes. The file remembers it.
///
/// # Errors
/// What SQLite says, also where the file system can't do it.
pub(super) fn enter_wal(connection: &Connection) -> Result<(), Failure> {
    let enter = || connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
    let mut mode: rusqlite::Result<String> = enter();
    // Here SQLite doesn't wait by itself for another process that is doing the same.
    for _ in 0..TURNS {
        if !mode.as_ref().is_err_and(is_locked) {
            break;
        }
        thread::sleep(TURN);
        mode = enter();
    }
    let mode = mode?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(StoreError::Unavailable("the file system can't share memory between processes".into()).into())
    }
}

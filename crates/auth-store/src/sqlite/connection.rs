//! Connections to the file: its mode, the settings of a connection, and the errors of opening it.

use std::error::Error;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use auth_core::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::{CommandError, is_locked};

/// How long a command waits for another process that is writing.
const BUSY: Duration = Duration::from_secs(2);

/// How often, and after what pause, a connection attempts to enter WAL while another process does the same.
const WAL_ATTEMPTS: u32 = 100;
const WAL_PAUSE: Duration = Duration::from_millis(20);

/// Statements that a connection keeps prepared: more than the store has.
const STATEMENTS: usize = 160;

/// Memory for the pages that a connection changes, in KiB.
pub(super) const CACHE: u32 = 8192;

/// Bytes of the file that are mapped into memory, so that reads need neither a call nor a copy: all of it, or as much as
/// SQLite was built for (2 GiB by default).
const MAPPED: i64 = 1 << 40;

/// An error of [`Sqlite::open`](super::Sqlite::open). Causes are in `source()`; no variant holds the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no store, and none was to be created.
    #[error("there is no store yet")]
    Missing,
    /// The folder is missing, or the permissions don't allow it. The source is the system's error where the system says one.
    #[error("the store's file can't be opened or created")]
    CannotOpen(#[source] Box<dyn Error + Send + Sync>),
    /// The file is not a database.
    #[error("the store's file is not a database")]
    NotADatabase,
    /// The file is a database of another program.
    #[error("the store's file is a database of another program")]
    NotOurs,
    /// A later version of this program wrote the file.
    #[error("the store's schema is of version {found}, this program knows up to {known}")]
    Newer {
        /// The version of the file.
        found: i64,
        /// The latest version that this program knows.
        known: usize,
    },
    /// The store is a copy that was interrupted.
    #[error("it is an unfinished copy: run `auth-server store copy` again to finish it, or remove it")]
    UnfinishedCopy,
    /// A copy was to be written to a store that has content already.
    #[error("there is a store with content already: name a new file or an empty database")]
    NotEmpty,
    /// Another process has locked the file.
    #[error("the store is locked by another process")]
    Locked,
    /// The file could be opened but not read, or not brought up to date.
    #[error("the store can't be made ready")]
    Failed(#[source] StoreError),
}

impl OpenError {
    pub(super) fn of(error: impl Into<CommandError>) -> Self {
        let failed = error.into();
        let CommandError::Sql(error) = &failed else { return Self::Failed(failed.into()) };
        if is_locked(error) {
            return Self::Locked;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase,
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::CannotOpen(StoreError::from(failed).to_string().into())
            }
            _ => Self::Failed(failed.into()),
        }
    }

    pub(super) fn io(error: io::Error) -> Self {
        Self::CannotOpen(Box::new(error))
    }
}

/// Creates a file that only its owner may read, or opens one that exists. SQLite gives the files beside it the same mode.
///
/// # Errors
/// When it exists although it shall be `new`, or can't be created.
pub(super) fn create(path: &Path, new: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(!new).create_new(new).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Connects to an existing file, with the settings that hold for one connection.
///
/// # Errors
/// Those of SQLite.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans don't depend on bound values: otherwise SQLite would plan some statements anew at every call.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // FULL: a commit is on disk before it returns. secure_delete: what is deleted is overwritten, also in pages that become
    // free.
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    connection.pragma_update(None, "cache_size", -i64::from(CACHE))?;
    connection.pragma_update_and_check(None, "mmap_size", MAPPED, |_| Ok(()))?;
    Ok(connection)
}

/// Has the commits of a connection wait for nothing: what was written is with the system.
///
/// # Errors
/// Those of SQLite.
pub(super) fn never_waiting(connection: Connection) -> rusqlite::Result<Connection> {
    connection.pragma_update(None, "synchronous", "OFF")?;
    Ok(connection)
}

/// Sets the memory for pages of a connection, in KiB, and frees what is above it.
///
/// # Errors
/// Those of SQLite.
pub(super) fn set_cache(connection: &Connection, size: u32) -> Result<(), CommandError> {
    connection.pragma_update(None, "cache_size", -i64::from(size))?;
    Ok(connection.execute_batch("PRAGMA shrink_memory")?)
}

/// Switches the file to write-ahead logging, so that readers go on while one connection writes.
///
/// # Errors
/// Those of SQLite; [`StoreError::Unavailable`] where the file system can't share memory.
pub(super) fn enter_wal(connection: &Connection) -> Result<(), CommandError> {
    let enter = || connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
    let mut mode: rusqlite::Result<String> = enter();
    // Here SQLite doesn't wait by itself for another process that does the same.
    for _ in 0..WAL_ATTEMPTS {
        if !mode.as_ref().is_err_and(is_locked) {
            break;
        }
        thread::sleep(WAL_PAUSE);
        mode = enter();
    }
    let mode = mode?;
    if mode == "wal" {
        Ok(())
    } else {
        Err(StoreError::Unavailable("the file system can't share memory between processes".into()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_wait_for_the_disk_unless_nobody_would_miss_the_data() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        create(&path, true).unwrap();
        // As SQLite numbers them: https://sqlite.org/pragma.html#pragma_synchronous
        for (connection, level) in
            [(connect(&path).unwrap(), 2), (connect(&path).and_then(never_waiting).unwrap(), 0)]
        {
            let found: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
            assert_eq!(found, level);
        }
    }
}

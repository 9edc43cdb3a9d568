//! A store in one SQLite file.

mod account;
mod activity;
mod admin_keys;
mod attempts;
mod audit;
mod backup;
mod bots;
mod connection;
mod copy;
mod copy_statements;
mod credentials;
mod error;
mod explain;
mod external_ids;
mod feed;
mod groups;
mod import;
mod import_marks;
mod integrity;
mod log_pages;
mod mail;
mod merge;
mod meta;
mod names;
mod network_rules;
mod new_user;
mod readers;
mod realms;
mod revocation;
mod row;
mod schema;
mod sealed;
mod shared_attempts;
mod spent;
mod statement;
mod users;
mod workers;
mod writer;

use std::fmt;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;

use auth_core::{StoreError, UserId};
use rusqlite::Connection;

use self::connection::{connect, create, enter_wal, never_waiting};
use self::error::Result;
use self::readers::Readers;
use self::writer::Writer;

use crate::notify::Listeners;
use crate::opening::{Opening, PendingUpgrade};

pub use self::backup::BackupError;
pub use self::connection::OpenError;

/// A store in one SQLite file.
///
/// It has one thread that writes and a few that read. Dropping the store finishes the commands that are queued, and
/// closes the file cleanly.
pub struct Sqlite {
    path: PathBuf,
    readers: Readers,
    /// A reader that is asked for the change counter alone.
    watch: Readers,
    listeners: Listeners,
    is_new: bool,
    pending_upgrade: Option<PendingUpgrade>,
    // Dropped last: the connection that is closed last cleans the file up.
    writer: Writer,
}

impl Sqlite {
    /// Opens the store in the file `path`. A file that is missing is created, with mode 0600, in a folder that must
    /// exist. A schema of an earlier version is brought up to date.
    ///
    /// Other processes of the same machine may have the file open too.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        create(path, false).map_err(OpenError::io)?;
        Self::open_file(path, Opening::Create)
    }

    /// Opens a store whose data nobody would miss, for tests and demos: it never waits until the disk has what was written,
    /// which takes most of the time of a small write. Data outlive the process, but a crash of the system may leave the file
    /// broken.
    ///
    /// # Errors
    /// See [`OpenError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use auth_store::Sqlite;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let store = Sqlite::open_disposable(&folder.path().join("store.db"))?;
    /// assert!(store.is_new());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open_disposable(path: &Path) -> std::result::Result<Self, OpenError> {
        create(path, false).map_err(OpenError::io)?;
        let writer = connect(path).and_then(never_waiting).map_err(OpenError::of)?;
        Self::open_by(writer, path, Opening::Create)
    }

    /// Does the same for a store that must exist: a file that is missing or empty is left so.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_existing(path: &Path) -> std::result::Result<Self, OpenError> {
        is_there(path)?;
        Self::open_file(path, Opening::Upgrade)
    }

    /// Does the same and leaves the store as it is. A schema of an earlier version is not brought up to date
    /// ([`Sqlite::pending_upgrade`]): then only what all versions have in common can be used, realms and the values of
    /// [`MetaStore`](auth_core::MetaStore).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_unchanged(path: &Path) -> std::result::Result<Self, OpenError> {
        is_there(path)?;
        Self::open_file(path, Opening::Unchanged)
    }

    /// Opens the file for a copy that is written to it ([`StoreCopy`](crate::StoreCopy)): a file that is missing is created.
    /// An unfinished copy can be opened in this way alone.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_for_copy(path: &Path) -> std::result::Result<Self, OpenError> {
        create(path, false).map_err(OpenError::io)?;
        Self::open_file(path, Opening::Copy)
    }

    fn open_file(path: &Path, opening: Opening) -> std::result::Result<Self, OpenError> {
        Self::open_by(connect(path).map_err(OpenError::of)?, path, opening)
    }

    fn open_by(writer: Connection, path: &Path, opening: Opening) -> std::result::Result<Self, OpenError> {
        // Before all else: a file of another program is left as it is.
        let found = schema::check(&writer)?;
        if found == 0 && !opening.creates() {
            return Err(OpenError::Missing);
        }
        if found > 0 {
            schema::check_content(&writer, opening, found)?;
        }
        let mut pending_upgrade = None;
        if opening == Opening::Unchanged {
            pending_upgrade = PendingUpgrade::of(found, schema::LATEST);
        } else {
            enter_wal(&writer).map_err(OpenError::of)?;
            schema::migrate(&writer)?;
        }

        let count = thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
        let readers = (0..count).map(|_| reader(path)).collect::<rusqlite::Result<_>>();
        let watch = reader(path).map_err(OpenError::of)?;
        Ok(Self {
            path: path.into(),
            readers: Readers::start("store-reader", readers.map_err(OpenError::of)?)
                .map_err(OpenError::io)?,
            watch: Readers::start("store-watch", vec![watch]).map_err(OpenError::io)?,
            listeners: Listeners::default(),
            is_new: found == 0,
            pending_upgrade,
            writer: Writer::start(writer).map_err(OpenError::io)?,
        })
    }

    /// Whether this opening has created the store.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The upgrade of the schema that this opening has left to the next one.
    #[must_use]
    pub fn pending_upgrade(&self) -> Option<PendingUpgrade> {
        self.pending_upgrade
    }

    /// Whether the schema was left at an earlier version than that.
    fn is_before(&self, version: usize) -> bool {
        self.pending_upgrade.is_some_and(|pending| pending.from < version)
    }

    /// Runs `work`, which only reads, within one snapshot.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.readers.read(work).await
    }

    /// Runs `work` and commits what it has written.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.writer.write(work).await
    }

    /// Runs `work`, which changes a user, and notifies the listeners of the change before it returns.
    async fn change<T: Send + 'static>(
        &self,
        user: UserId,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let done = self.write(work).await;
        self.listeners.notify(user);
        done
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Checks that there is a file that can be read and written.
fn is_there(path: &Path) -> std::result::Result<(), OpenError> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(OpenError::Missing),
        Err(error) => Err(OpenError::io(error)),
    }
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

//! The lock by which one server alone serves a SQLite store: each server counts failed logins in its own memory.
//!
//! Commands take no lock and may run beside a server.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::config::{Config, StoreLocation};
use crate::system_error::file_reason;

/// A store that this process alone serves, until the lock is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct StoreLock {
    _file: File,
}

impl StoreLock {
    /// Takes the lock of the configured store. A PostgreSQL store has none: servers share it.
    ///
    /// # Errors
    /// A sentence for the operator, with the process that holds the lock if it says so.
    pub(crate) fn take(config: &Config) -> anyhow::Result<Option<Self>> {
        match config.store.location()? {
            StoreLocation::Sqlite(store) => Self::take_file(&store).map(Some),
            StoreLocation::Postgres(_) => Ok(None),
        }
    }

    /// Takes the lock of the store in a file.
    ///
    /// A file beside the store is locked: if a process closes the store's own, it loses the locks that SQLite has there.
    ///
    /// # Errors
    /// See [`StoreLock::take`].
    pub(crate) fn take_file(store: &Path) -> anyhow::Result<Self> {
        let path = lock_path(store);
        let shown = path.display();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = match options.open(&path) {
            Ok(file) => file,
            Err(error) => bail!("the lock {shown}: {}", file_reason(&path, &error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let process = holder
                    .trim()
                    .parse()
                    .map_or_else(|_| String::new(), |id: u32| format!(" (process {id})"));
                bail!(
                    "another server{process} serves the store {}: stop it first; several servers can share a PostgreSQL \
                     store",
                    store.display()
                )
            }
            Err(TryLockError::Error(error)) => bail!("the lock {shown}: {}", file_reason(&path, &error)),
        }
        // That the file says who holds the lock is a help and no more: a disk may be full.
        let id = std::process::id();
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{id}"));
        Ok(Self { _file: file })
    }
}

/// The file beside the store, whatever links lead there.
fn lock_path(store: &Path) -> PathBuf {
    let mut path = fs::canonicalize(store).unwrap_or_else(|_| store.to_owned()).into_os_string();
    path.push(".lock");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn store_has_one_lock_by_whatever_path_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (store, link) = (folder.path().join("auth.db"), folder.path().join("link.db"));
        // Before the first start there is no store.
        let held = StoreLock::take_file(&store).unwrap();
        fs::write(&store, "").unwrap();
        std::os::unix::fs::symlink(&store, &link).unwrap();
        for path in [&store, &link] {
            let refused = StoreLock::take_file(path).unwrap_err().to_string();
            let process = format!("another server (process {}) serves the store", std::process::id());
            assert!(refused.starts_with(&process) && !refused.contains('\n'), "{refused}");
        }
        drop(held);
        drop(StoreLock::take_file(&link).unwrap());
    }

    #[test]
    fn holder_that_does_not_say_its_process_is_named_without() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("auth.db");
        let _held = StoreLock::take_file(&store).unwrap();
        fs::write(folder.path().join("auth.db.lock"), "?").unwrap();
        let refused = StoreLock::take_file(&store).unwrap_err().to_string();
        assert!(refused.starts_with("another server serves the store"), "{refused}");
    }
}

//! Checks and copies that an operator makes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use auth_core::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::Sqlite;
use super::connection::{connect, create};
use super::error::{CommandError, Result};

/// An error of [`Sqlite::backup`]. Nothing is left of the copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file of the copy exists already, or can't be created.
    #[error("the copy can't be written")]
    Target(#[source] io::Error),
    /// Copying failed.
    #[error("the store can't be copied")]
    Failed(#[source] StoreError),
}

impl Sqlite {
    /// Reads the whole file and returns what is wrong with it, a line for each finding. Other commands go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the file is too damaged to be checked; see [`StoreError`].
    pub async fn integrity_check(&self) -> std::result::Result<Vec<String>, StoreError> {
        on_own_thread(self.path.clone(), |connection| {
            let mut findings: Vec<String> = list(connection, "PRAGMA integrity_check")?;
            findings.retain(|line| line != "ok");
            let dangling: Vec<String> = list(connection, "PRAGMA foreign_key_check")?;
            findings.extend(dangling.into_iter().map(|table| format!("a row of {table} refers to nothing")));
            Ok(findings)
        })
        .await
    }

    /// Writes a copy of the store as it is now to the new file `to`, with mode 0600, and waits until it is on disk.
    /// Other commands go on meanwhile.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn backup(&self, to: &Path) -> std::result::Result<(), BackupError> {
        create(to, true).map_err(BackupError::Target)?;
        let target = to.to_owned();
        let copied = on_own_thread(self.path.clone(), move |connection| {
            let name = target.to_str().ok_or_else(|| unavailable("the path is not Unicode"))?;
            connection.execute("VACUUM INTO ?1", [name])?;
            sync(&target).map_err(|error| unavailable(&error.kind().to_string()))
        });
        copied.await.map_err(|error| {
            // Half a copy is worse than none. If it can't be removed either, the first error is enough.
            let _ = fs::remove_file(to);
            BackupError::Failed(error)
        })
    }
}

/// Writes a file, and its entry in its folder, to disk.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Runs long work on a thread and a connection of its own, so that no reader is kept busy.
async fn on_own_thread<T: Send + 'static>(
    path: PathBuf,
    work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
) -> std::result::Result<T, StoreError> {
    let (reply, answer) = oneshot::channel();
    let run = move || {
        let result = connect(&path).map_err(CommandError::from).and_then(|connection| work(&connection));
        // A caller that has gone needs no answer.
        let _ = reply.send(result.map_err(StoreError::from));
    };
    let spawned = thread::Builder::new().name("store-check".into()).spawn(run);
    spawned.map_err(|error| StoreError::Unavailable(error.kind().to_string()))?;
    answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the work has stopped".into())))
}

fn list(connection: &Connection, query: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn unavailable(why: &str) -> CommandError {
    StoreError::Unavailable(why.into()).into()
}

//! Copies of the store.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use auth_core::StoreError;

use super::Sqlite;
use super::connection::create;
use super::error::CommandError;
use super::integrity::on_own_thread;

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
    /// Writes a copy of the store as it is now to the new file `to`, with mode 0600, and waits until it is on disk.
    /// Other commands go on meanwhile.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
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

impl Sqlite {
    /// The number of users.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn count_users(&self) -> Result<u64, StoreError> {
        self.read(|connection| {
            let count: i64 = connection.query_row("SELECT count(*) FROM user", [], |row| row.get(0))?;
            Ok(count.cast_unsigned())
        })
        .await
    }
}

/// Writes a file, and its entry in its folder, to disk.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn unavailable(why: &str) -> CommandError {
    StoreError::Unavailable(why.into()).into()
}

//! Checks of the whole store.

use std::path::PathBuf;
use std::thread;

use auth_core::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::Sqlite;
use super::connection::connect;
use super::error::{CommandError, Result};

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
}

/// Runs long work on a thread and a connection of its own, so that no reader is kept busy.
pub(super) async fn on_own_thread<T: Send + 'static>(
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

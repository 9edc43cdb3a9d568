//! Reader threads, each with a connection of its own. Every job reads from one snapshot.

use std::io;

use auth_core::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{CommandError, Result};
use super::workers::{Queue, Workers};

/// Jobs that may wait.
const CAPACITY: usize = 4096;

type Job = Box<dyn FnOnce(&Connection) + Send>;

pub(super) struct Readers(Workers<Job>);

impl Readers {
    /// Starts a thread for each connection.
    ///
    /// # Errors
    /// When a thread can't be started.
    pub(super) fn start(name: &str, connections: Vec<Connection>) -> io::Result<Self> {
        let body = |connection: Connection| {
            move |queue: &Queue<Job>| {
                while let Some(job) = queue.take(1).pop() {
                    job(&connection);
                }
            }
        };
        Workers::start(name, CAPACITY, connections.into_iter().map(body)).map(Self)
    }

    /// Runs `work` on one of the connections, within one snapshot.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError::Unavailable`] when the queue is full.
    pub(super) async fn read<T, W>(&self, work: W) -> std::result::Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.0.queue().push(Box::new(move |connection| {
            if !reply.is_closed() {
                // A caller that has gone needs no answer.
                let _ = reply.send(in_snapshot(connection, work).map_err(StoreError::from));
            }
        }))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("a reader has stopped".into())))
    }
}

fn in_snapshot<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    // Left open by a job that panicked.
    if !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK")?.execute([])?;
    }
    connection.prepare_cached("BEGIN")?.execute([])?;
    let result = work(connection);
    // SQLite may have ended the transaction already, after an error.
    if !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK")?.execute([]).map_err(CommandError::from)?;
    }
    result
}

//! The thread that writes. The jobs that wait run together: in one transaction, each in a savepoint, and they are
//! answered after the commit.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use auth_core::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{CommandError, Result};
use super::workers::{Queue, Workers};

/// Jobs that may wait.
const CAPACITY: usize = 4096;

/// Jobs that share a commit, at most.
const GROUP: usize = 256;

type StoreResult<T> = std::result::Result<T, StoreError>;

/// The writer thread.
pub(super) struct Writer {
    workers: Workers<Command>,
    dropped: AtomicU64,
}

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the thread can't be started.
    pub(super) fn start(connection: Connection) -> io::Result<Self> {
        let body = move |queue: &Queue<Command>| {
            loop {
                let commands = queue.take(GROUP);
                if commands.is_empty() {
                    break;
                }
                run(&connection, commands);
            }
        };
        let workers = Workers::start("store-writer", CAPACITY, [body])?;
        Ok(Self { workers, dropped: AtomicU64::new(0) })
    }

    /// Runs `work` in a transaction. If it fails, it leaves nothing behind; if not, this returns after the commit. Work
    /// that is queued is done, even if the caller stops waiting.
    ///
    /// # Errors
    /// Those of `work`; [`StoreError::Unavailable`] and [`StoreError::OutcomeUnknown`].
    pub(super) async fn write<T, W>(&self, work: W) -> StoreResult<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Pending { work: Some(work), result: None, reply: Some(reply) };
        self.workers.queue().push(Command::Shared(Box::new(job)))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Runs `work` outside of any transaction; it begins its own.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and [`StoreError::OutcomeUnknown`].
    pub(super) async fn alone<T, W>(&self, work: W) -> StoreResult<T>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> T + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.workers.queue().push(Command::Alone(Box::new(move |connection| {
            let _ = reply.send(work(connection));
        })))?;
        answer.await.map_err(|_| stopped())
    }

    /// Runs `work` soon, if there is room; the caller does not wait.
    pub(super) fn write_lazily<W>(&self, work: W)
    where
        W: FnOnce(&Connection) -> Result<()> + Send + 'static,
    {
        let job = Pending { work: Some(work), result: None, reply: None };
        if !self.workers.queue().push_lazily(Command::Shared(Box::new(job))) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lazy jobs were dropped for lack of room.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Starts a transaction that may write.
///
/// # Errors
/// Those of SQLite; nothing was changed.
pub(super) fn begin(connection: &Connection) -> Result<()> {
    if !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK")?.execute([])?;
    }
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    Ok(())
}

/// Commits a transaction.
///
/// # Errors
/// [`StoreError::Unavailable`] when the transaction is known to be rolled back. After an I/O error the write-ahead log
/// may still hold all of it: then [`StoreError::OutcomeUnknown`].
pub(super) fn commit(connection: &Connection) -> StoreResult<()> {
    let run = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    let Err(error) = run("COMMIT") else { return Ok(()) };
    let why = match StoreError::from(CommandError::from(error)) {
        StoreError::Unavailable(why) | StoreError::Corrupt(why) => why,
        other => other.to_string(),
    };
    if !connection.is_autocommit() && run("ROLLBACK").is_ok() {
        Err(StoreError::Unavailable(why))
    } else {
        Err(StoreError::OutcomeUnknown(why))
    }
}

enum Command {
    Shared(Box<dyn Job>),
    Alone(Box<dyn FnOnce(&Connection) + Send>),
}

/// Work that shares its commit with other work.
trait Job: Send {
    fn run(&mut self, connection: &Connection);
    /// Answers the caller, after the commit.
    fn settle(self: Box<Self>, committed: StoreResult<()>);
}

struct Pending<T, W> {
    work: Option<W>,
    result: Option<StoreResult<T>>,
    reply: Option<oneshot::Sender<StoreResult<T>>>,
}

impl<T, W> Job for Pending<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T> + Send,
{
    fn run(&mut self, connection: &Connection) {
        self.result = self.work.take().map(|work| in_savepoint(connection, work).map_err(StoreError::from));
    }

    fn settle(self: Box<Self>, committed: StoreResult<()>) {
        let answer = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Err(_), Some(Err(own))) => Err(own),
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(stopped()),
        };
        if let Some(reply) = self.reply {
            // A caller that has gone needs no answer.
            let _ = reply.send(answer);
        }
    }
}

fn run(connection: &Connection, commands: Vec<Command>) {
    let mut group = Group { connection, jobs: Vec::new(), refused: None };
    for command in commands {
        match command {
            Command::Shared(job) => group.add(job),
            Command::Alone(work) => {
                group.commit();
                work(connection);
            }
        }
    }
    group.commit();
}

/// Jobs of one transaction, which the first one starts.
struct Group<'c> {
    connection: &'c Connection,
    jobs: Vec<Box<dyn Job>>,
    /// Why no transaction could be started: one attempt is enough for all jobs of the group.
    refused: Option<StoreError>,
}

impl Group<'_> {
    fn add(&mut self, mut job: Box<dyn Job>) {
        if self.jobs.is_empty() && self.refused.is_none() {
            self.refused = begin(self.connection).err().map(StoreError::from);
        }
        if let Some(error) = &self.refused {
            return job.settle(Err(error.clone()));
        }
        job.run(self.connection);
        self.jobs.push(job);
        // After some errors, like a full disk, SQLite rolls the whole transaction back by itself.
        if self.connection.is_autocommit() {
            self.settle(&Err(StoreError::Unavailable("a transaction was rolled back".into())));
        }
    }

    fn commit(&mut self) {
        if !self.jobs.is_empty() {
            let outcome = commit(self.connection);
            self.settle(&outcome);
        }
    }

    fn settle(&mut self, outcome: &StoreResult<()>) {
        for job in self.jobs.drain(..) {
            job.settle(outcome.clone());
        }
    }
}

fn in_savepoint<T>(connection: &Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = work(connection);
    if result.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE job")?.execute([])?;
    }
    result
}

fn stopped() -> StoreError {
    StoreError::OutcomeUnknown("the writer has stopped".into())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE t (x INTEGER PRIMARY KEY);
                 CREATE TABLE u (x INTEGER REFERENCES t (x));",
            )
            .unwrap();
        Writer::start(connection).unwrap()
    }

    async fn count(writer: &Writer) -> i64 {
        let read = |c: &Connection| Ok(c.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?);
        writer.write(read).await.unwrap()
    }

    /// Keeps the thread busy until the sender is dropped, so that the jobs queued meanwhile are one group.
    fn hold(writer: &Writer) -> mpsc::Sender<()> {
        let (release, held) = mpsc::channel::<()>();
        let (start, started) = mpsc::channel();
        let work = move |_: &Connection| {
            start.send(()).unwrap();
            let _ = held.recv();
        };
        writer.workers.queue().push(Command::Alone(Box::new(work))).unwrap();
        started.recv().unwrap();
        release
    }

    fn insert(x: i64) -> impl FnOnce(&Connection) -> Result<()> {
        move |connection| {
            connection.execute("INSERT INTO t VALUES (?1)", [x])?;
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_job_that_fails_is_undone_alone() {
        let writer = writer();
        let hold = hold(&writer);
        let failing = writer.write(|connection| -> Result<()> {
            insert(7)(connection)?;
            Err(StoreError::Missing("thing").into())
        });
        let all = async { tokio::join!(writer.write(insert(1)), failing, writer.write(insert(2))) };
        let release = async { drop(hold) };
        let ((first, failed, second), ()) = tokio::join!(all, release);
        assert_eq!((first, second), (Ok(()), Ok(())));
        assert_eq!(failed, Err(StoreError::Missing("thing")));
        assert_eq!(count(&writer).await, 2);
    }

    #[tokio::test]
    async fn a_commit_that_fails_is_acknowledged_to_nobody() {
        let writer = writer();
        let hold = hold(&writer);
        // The commit is the first to find out that the row refers to nothing.
        let spoiling = writer.write(|connection| -> Result<()> {
            connection.execute_batch("PRAGMA defer_foreign_keys = ON; INSERT INTO u VALUES (99);")?;
            Ok(())
        });
        let all = async { tokio::join!(writer.write(insert(1)), spoiling, writer.write(insert(2))) };
        let release = async { drop(hold) };
        let ((first, spoilt, second), ()) = tokio::join!(all, release);
        for answer in [first, spoilt, second] {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}");
        }
        assert_eq!(count(&writer).await, 0);
    }

    #[tokio::test]
    async fn a_transaction_that_is_gone_is_acknowledged_to_nobody() {
        let writer = writer();
        let hold = hold(&writer);
        let undoing = writer.write(|connection| -> Result<()> { Ok(connection.execute_batch("ROLLBACK")?) });
        let all = async { tokio::join!(writer.write(insert(1)), undoing, writer.write(insert(2))) };
        let release = async { drop(hold) };
        let ((first, undone, second), ()) = tokio::join!(all, release);
        assert!(matches!(first, Err(StoreError::Unavailable(_))), "{first:?}");
        assert!(matches!(undone, Err(StoreError::Unavailable(_))), "{undone:?}");
        assert_eq!(second, Ok(()), "the next transaction goes on");
        assert_eq!(count(&writer).await, 1);
    }

    #[tokio::test]
    async fn a_job_that_panics_undoes_its_group_and_the_writer_goes_on() {
        let writer = writer();
        let hold = hold(&writer);
        let panicking = writer.write(|_| -> Result<()> { std::panic::resume_unwind(Box::new("on purpose")) });
        let all = async { tokio::join!(writer.write(insert(1)), panicking, writer.write(insert(2))) };
        let release = async { drop(hold) };
        let ((first, panicked, second), ()) = tokio::join!(all, release);
        for answer in [first, panicked, second] {
            assert!(matches!(answer, Err(StoreError::OutcomeUnknown(_))), "{answer:?}");
        }
        writer.write(insert(3)).await.unwrap();
        assert_eq!(count(&writer).await, 1);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_counts_lazy_jobs() {
        let writer = writer();
        let hold = hold(&writer);
        for x in 0..CAPACITY {
            writer.write_lazily(insert(i64::try_from(x).unwrap()));
        }
        assert_eq!(writer.dropped(), u64::try_from(CAPACITY / 2).unwrap());
        for _ in 0..CAPACITY / 2 {
            writer.workers.queue().push(Command::Alone(Box::new(|_| ()))).unwrap();
        }
        let refused = writer.write(insert(-1)).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        drop(hold);
        while writer.write(insert(-1)).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(usize::try_from(count(&writer).await).unwrap(), CAPACITY / 2 + 1);
    }
}

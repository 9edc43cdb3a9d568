//! A store in one SQLite file.

mod attempts;
mod connection;
mod credentials;
mod failure;
mod import;
mod mail;
mod meta;
mod readers;
mod realms;
mod row;
mod schema;
mod sealed;
mod upkeep;
mod users;
mod workers;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;

use auth_core::StoreError;
use rusqlite::Connection;

use self::connection::{connect, create, enter_wal};
use self::failure::Result;
use self::readers::Readers;
use self::writer::Writer;

pub use self::connection::OpenError;
pub use self::upkeep::BackupError;

/// The store: one thread that writes and a few that read. Dropping it finishes what is queued, and closes the
/// file cleanly.
pub struct Sqlite {
    path: PathBuf,
    readers: Readers,
    /// A reader that is asked for nothing but whether the file has changed.
    watch: Readers,
    // The last to go: the last connection to be closed tidies the file up.
    writer: Writer,
}

impl Sqlite {
    /// Opens the store in the file `path`, which is created, with mode 0600, where it is missing; its folder
    /// must exist. A schema of an earlier version is brought up to date.
    ///
    /// Another process may have the same file open; on one machine, since they share memory.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        create(path, false).map_err(OpenError::io)?;
        let writer = connect(path).map_err(OpenError::of)?;
        // First of all, since it writes nothing when the file is not for us.
        schema::check(&writer)?;
        enter_wal(&writer).map_err(OpenError::of)?;
        schema::migrate(&writer)?;

        let count = thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 4));
        let readers = (0..count).map(|_| reader(path)).collect::<rusqlite::Result<_>>();
        let watch = reader(path).map_err(OpenError::of)?;
        Ok(Self {
            path: path.into(),
            readers: Readers::start("store-reader", readers.map_err(OpenError::of)?)
                .map_err(OpenError::io)?,
            watch: Readers::start("store-watch", vec![watch]).map_err(OpenError::io)?,
            writer: Writer::start(writer).map_err(OpenError::io)?,
        })
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.readers.read(work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.writer.write(work).await
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statement_reads_a_whole_table() {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        let plan = |statement: &str| {
            let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            for index in 1..=explained.parameter_count() {
                explained.raw_bind_parameter(index, 1).unwrap();
            }
            let mut rows = explained.raw_query();
            let mut lines = String::new();
            while let Some(row) = rows.next().unwrap() {
                lines += &row.get::<_, String>(3).unwrap();
                lines += "; ";
            }
            lines
        };
        for statement in [
            attempts::OLD,
            credentials::BY_DIGEST,
            credentials::ENDED,
            credentials::OF_USER,
            credentials::RAISE,
            credentials::REMOVE,
            credentials::REMOVE_KIND,
            credentials::TRIM,
            import::HAS_ZETTELSTORE,
            import::LAST_ZETTELSTORE,
            import::LAST_ZULIP,
            import::REALM,
            import::UPDATE_REALM,
            mail::DUE,
            mail::PUT_OFF,
            mail::SETTLE,
            meta::BEGINNING,
            meta::GET,
            meta::REMOVE,
            meta::REPLACE,
            row::NAMES,
            sealed::CREDENTIALS,
            sealed::MAILS,
            sealed::RESEAL_CREDENTIAL,
            sealed::RESEAL_MAIL,
            users::BY_ID,
            users::BY_NAME,
            users::BY_ROCKETCHAT,
            users::BY_ZETTELSTORE,
            users::BY_ZULIP,
            users::DELETE,
            users::MOVE_VALID_FROM,
            users::PAGE,
            users::REALMS,
            users::REHASH,
            users::SET_ACTIVE,
            users::SET_EMAIL_SECOND_FACTOR,
            users::SET_PASSWORD,
            users::TOUCH,
        ] {
            let plan = plan(statement);
            let is_narrow = plan.contains("SEARCH") && !plan.contains("TEMP B-TREE");
            assert!(
                is_narrow && !plan.replace("SCAN CONSTANT ROW", "").contains("SCAN"),
                "{statement}\n{plan}"
            );
        }
        // All of them, but in the order of an index, and no further than the limit.
        for statement in [attempts::NEWEST, realms::ALL] {
            let plan = plan(statement);
            assert!(plan.contains("USING INDEX") && !plan.contains("TEMP B-TREE"), "{statement}\n{plan}");
        }
    }
}

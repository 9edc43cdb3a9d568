//! The schema and its versions: `PRAGMA user_version` holds the number of the last file that was applied.

use hmac_sha256::Hash as Sha256;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, Error};

use super::connection::OpenError;
use super::error::CommandError;
use crate::opening::Opening;

/// Marks the file as ours: "AUTH".
const APPLICATION: i32 = 0x4155_5448;

/// The numbered files: each brings a store from the version that is its index to the next.
const STEPS: [&str; 8] = [
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
    include_str!("schema/v4.sql"),
    include_str!("schema/v5.sql"),
    include_str!("schema/v6.sql"),
    include_str!("schema/v7.sql"),
    include_str!("schema/v8.sql"),
];

const IS_COPY: &str = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'copy')";
const HAS_CONTENT: &str = "SELECT EXISTS (SELECT 1 FROM meta) OR EXISTS (SELECT 1 FROM realm)";

/// The version that a store is brought to.
pub(super) const LATEST: usize = STEPS.len();

/// Brings a store up to date, each step in a transaction of its own.
///
/// # Errors
/// [`OpenError::NotOurs`] and [`OpenError::Newer`] before anything is written; else the errors of SQLite.
pub(super) fn migrate(connection: &Connection) -> Result<(), OpenError> {
    add_sha256(connection).map_err(OpenError::of)?;
    loop {
        let found = check(connection)?;
        let Some(step) = STEPS.get(found) else { return Ok(()) };
        sort_in(connection, "FILE").map_err(OpenError::of)?;
        let done = advance(connection, found, step);
        sort_in(connection, "MEMORY").map_err(OpenError::of)?;
        done.map_err(OpenError::of)?;
    }
}

/// Gives the steps a function `sha256`, over the bytes of all its arguments: SQLite has none.
fn add_sha256(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("sha256", -1, flags, |arguments| {
        let mut hash = Sha256::new();
        for index in 0..arguments.len() {
            let bytes = arguments.get_raw(index).as_bytes();
            hash.update(bytes.map_err(|error| Error::UserFunctionError(Box::new(error)))?);
        }
        Ok(hash.finalize().to_vec())
    })
}

/// Sets where SQLite sorts: the indexes of a large store would not fit into memory. A file for it has no name.
fn sort_in(connection: &Connection, place: &str) -> Result<(), CommandError> {
    Ok(connection.pragma_update(None, "temp_store", place)?)
}

/// The version of the store, if it is one that this program can use or bring up to date.
pub(super) fn check(connection: &Connection) -> Result<usize, OpenError> {
    let (application, version, tables) = at_one_time(connection).map_err(OpenError::of)?;
    if application == 0 && version == 0 {
        return if tables == 0 { Ok(0) } else { Err(OpenError::NotOurs) };
    }
    if application != APPLICATION {
        return Err(OpenError::NotOurs);
    }
    match usize::try_from(version) {
        Ok(version) if version <= LATEST => Ok(version),
        _ => Err(OpenError::Newer { found: i64::from(version), known: LATEST }),
    }
}

/// Checks that a store is no unfinished copy, unless it is opened for a copy; then, that no content of an earlier version
/// would be brought up to date.
pub(super) fn check_content(
    connection: &Connection,
    opening: Opening,
    found: usize,
) -> Result<(), OpenError> {
    let exists = |query| connection.query_row(query, [], |row| row.get::<_, bool>(0)).map_err(OpenError::of);
    match opening {
        Opening::Copy if found < LATEST && exists(HAS_CONTENT)? => Err(OpenError::NotEmpty),
        Opening::Copy => Ok(()),
        _ if exists(IS_COPY)? => Err(OpenError::UnfinishedCopy),
        _ => Ok(()),
    }
}

/// The program that made the store, its version, and the number of its tables and indexes, all from one snapshot, since
/// another process may be making it.
fn at_one_time(connection: &Connection) -> rusqlite::Result<(i32, i32, i64)> {
    let snapshot = connection.unchecked_transaction()?;
    let (application, version) = identity(&snapshot)?;
    let tables = snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok((application, version, tables))
}

fn identity(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
    Ok((read("application_id")?, read("user_version")?))
}

fn advance(connection: &Connection, from: usize, step: &str) -> Result<(), CommandError> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = (|| {
        // Another process may have been faster.
        if usize::try_from(identity(connection)?.1) == Ok(from) {
            connection.execute_batch(step)?;
            connection.pragma_update(None, "application_id", APPLICATION)?;
            connection.pragma_update(None, "user_version", i64::try_from(from + 1).unwrap_or(i64::MAX))?;
        }
        connection.execute_batch("COMMIT")
    })();
    if done.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    Ok(done?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(version: i32, application: i32, table: bool) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        connection.pragma_update(None, "application_id", application).unwrap();
        if table {
            connection.execute_batch("CREATE TABLE t (x)").unwrap();
        }
        connection
    }

    #[test]
    fn a_new_store_is_brought_to_the_latest_version_and_stays_there() {
        let connection = at(0, 0, false);
        for _ in 0..2 {
            migrate(&connection).unwrap();
            let (application, version) = identity(&connection).unwrap();
            assert_eq!((application, usize::try_from(version).unwrap()), (APPLICATION, STEPS.len()));
        }
    }

    #[test]
    fn what_is_not_ours_is_refused_untouched() {
        for (version, application, table) in [(0, 0, true), (1, 0, false), (0, 7, false), (1, 7, true)] {
            let connection = at(version, application, table);
            assert!(matches!(migrate(&connection), Err(OpenError::NotOurs)), "{version} {application}");
            assert_eq!(identity(&connection).unwrap(), (application, version));
        }
        let next = i32::try_from(STEPS.len() + 1).unwrap();
        for version in [next, i32::MAX, -1] {
            let newer = at(version, APPLICATION, false);
            let refused = migrate(&newer).unwrap_err();
            assert!(matches!(refused, OpenError::Newer { known, .. } if known == STEPS.len()), "{refused}");
        }
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let connection = at(0, 0, false);
        assert!(advance(&connection, 0, "CREATE TABLE t (x); CREATE TABLE t (x);").is_err());
        assert!(connection.is_autocommit());
        assert_eq!(check(&connection).unwrap(), 0);
    }
}

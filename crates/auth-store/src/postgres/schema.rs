//! The schema and its versions: a table of one row holds the number of the last file that was applied.

use deadpool_postgres::{Object, Pool, Transaction};

use super::connection::PostgresOpenError;
use super::error::{CommandError, Result};
use super::row::Columns;
use super::statement::{execute, row};
use crate::opening::Opening;

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

/// How often a step is attempted: of several servers that start at once, one applies it.
const ATTEMPTS: u32 = 20;

const ENCODING: &str = "SELECT current_setting('server_encoding')";
const VERSION_TABLE: &str = "CREATE TABLE IF NOT EXISTS auth_server_schema \
    (one smallint PRIMARY KEY, version bigint NOT NULL)";
const HAS_VERSION: &str = "SELECT to_regclass('auth_server_schema') IS NOT NULL";
const VERSION: &str = "SELECT version FROM auth_server_schema WHERE one = 1";
const FIRST: &str =
    "INSERT INTO auth_server_schema (one, version) VALUES (1, 0) ON CONFLICT (one) DO NOTHING";
const LOCK: &str = "SELECT version FROM auth_server_schema WHERE one = 1 FOR UPDATE";
const SET: &str = "UPDATE auth_server_schema SET version = $1 WHERE one = 1";

const IS_COPY: &str = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'copy')";
const HAS_CONTENT: &str = "SELECT EXISTS (SELECT 1 FROM meta) OR EXISTS (SELECT 1 FROM realm)";

/// The version that a store is brought to.
pub(super) const LATEST: usize = STEPS.len();

/// Does what an opening may do, each step of an upgrade in a transaction of its own; returns the version that was found,
/// 0 where there was no store. Several servers may do so at once. A store that is up to date is only read.
///
/// # Errors
/// See [`PostgresOpenError`].
pub(super) async fn prepare(pool: &Pool, opening: Opening) -> std::result::Result<usize, PostgresOpenError> {
    let mut attempts = 0;
    let mut first = None;
    loop {
        match step(pool, opening).await {
            Ok(found) => {
                let first = *first.get_or_insert(found);
                if found >= LATEST || opening == Opening::Unchanged {
                    return Ok(first);
                }
            }
            Err(Stop::Open(error)) => return Err(error),
            Err(Stop::Failed(error)) => {
                let retry = error.is_transient() || exists_already(&error);
                attempts += 1;
                if attempts >= ATTEMPTS || !retry {
                    return Err(open_error(error));
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
    }
}

enum Stop {
    Open(PostgresOpenError),
    Failed(CommandError),
}

impl<T: Into<CommandError>> From<T> for Stop {
    fn from(error: T) -> Self {
        Self::Failed(error.into())
    }
}

/// Applies the next step, if there is one and it may be applied; returns the version before it.
async fn step(pool: &Pool, opening: Opening) -> std::result::Result<usize, Stop> {
    let mut client: Object = pool.get().await?;
    let encoding: String = Columns::of(&client.query_one(ENCODING, &[]).await?).take()?;
    if encoding != "UTF8" {
        return Err(Stop::Open(PostgresOpenError::Encoding(encoding)));
    }
    let found = version(&client).await?.map(known).transpose()?;
    if !opening.creates() && found.is_none_or(|version| version == 0) {
        return Err(Stop::Open(PostgresOpenError::Missing));
    }
    if let Some(version) = found.filter(|version| *version > 0) {
        check_content(&client, opening, version).await?;
    }
    match found {
        Some(version) if version >= LATEST || opening == Opening::Unchanged => return Ok(version),
        Some(_) => {}
        None => {
            client.batch_execute(VERSION_TABLE).await?;
            execute(&client, FIRST, &[]).await?;
        }
    }
    let transaction = client.transaction().await?;
    let done = advance(&transaction).await;
    match done {
        Ok(found) => {
            transaction.commit().await?;
            Ok(found)
        }
        Err(stop) => {
            // Where even that fails, the end of the connection rolls back.
            let _ = transaction.rollback().await;
            Err(stop)
        }
    }
}

/// Checks that a store is no unfinished copy, unless it is opened for a copy; then, that no content of an earlier version
/// would be brought up to date.
async fn check_content(client: &Object, opening: Opening, found: usize) -> std::result::Result<(), Stop> {
    let query = match opening {
        Opening::Copy if found >= LATEST => return Ok(()),
        Opening::Copy => HAS_CONTENT,
        _ => IS_COPY,
    };
    let exists: bool = Columns::of(&client.query_one(query, &[]).await?).take()?;
    match opening {
        _ if !exists => Ok(()),
        Opening::Copy => Err(Stop::Open(PostgresOpenError::NotEmpty)),
        _ => Err(Stop::Open(PostgresOpenError::UnfinishedCopy)),
    }
}

async fn advance(transaction: &Transaction<'_>) -> std::result::Result<usize, Stop> {
    // Other servers wait here.
    let row = transaction.query_one(LOCK, &[]).await?;
    let found = known(Columns::of(&row).take()?)?;
    if let Some(step) = STEPS.get(found) {
        transaction.batch_execute(step).await?;
        let next = i64::try_from(found + 1).unwrap_or(i64::MAX);
        transaction.execute(SET, &[&next]).await?;
    }
    Ok(found)
}

async fn version(client: &Object) -> Result<Option<i64>> {
    let has: bool = Columns::of(&client.query_one(HAS_VERSION, &[]).await?).take()?;
    if !has {
        return Ok(None);
    }
    row(client, VERSION, &[]).await?.map(|row| Columns::of(&row).take()).transpose()
}

/// The version as an index into [`STEPS`].
fn known(version: i64) -> std::result::Result<usize, Stop> {
    match usize::try_from(version) {
        Ok(known) if known <= LATEST => Ok(known),
        _ => Err(Stop::Open(PostgresOpenError::Newer { found: version, known: LATEST })),
    }
}

/// Whether a table of that name exists: another server was faster, or another program was here before.
fn exists_already(error: &CommandError) -> bool {
    use tokio_postgres::error::SqlState;
    matches!(error, CommandError::Sql(error) if error.code().is_some_and(|code| {
        [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT].contains(code)
    }))
}

fn open_error(error: CommandError) -> PostgresOpenError {
    if exists_already(&error) { PostgresOpenError::NotOurs } else { PostgresOpenError::Failed(error.into()) }
}

//! Errors of PostgreSQL as [`StoreError`]s, without the text of any record.

use auth_core::StoreError;
use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

/// Why a command failed.
#[derive(Debug)]
pub(super) enum CommandError {
    /// PostgreSQL refused a statement, or the connection broke.
    Sql(Error),
    /// The pool has no connection.
    Pool(PoolError),
    /// The time limit of the command has passed.
    TimedOut,
    /// The commit may or may not have happened.
    OutcomeUnknown(String),
    /// An error above SQL.
    Store(StoreError),
}

pub(super) type Result<T> = std::result::Result<T, CommandError>;

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<PoolError> for CommandError {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl CommandError {
    /// The error as that of a statement that commits: if the connection broke, the outcome is unknown.
    pub(super) fn during_commit(self) -> Self {
        let unknown = match &self {
            Self::TimedOut => true,
            Self::Sql(error) => match error.code() {
                None => true,
                Some(&SqlState::QUERY_CANCELED) => false,
                Some(code) => {
                    ["08", "57", "58", "XX"].iter().any(|class| code.code().starts_with(class))
                        || *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
                }
            },
            _ => false,
        };
        if unknown { Self::OutcomeUnknown(self.describe()) } else { self }
    }

    /// Whether nothing was done and a repetition may succeed: after a conflict between transactions, or while a server
    /// stops, starts or is replaced.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Pool(_) => true,
            Self::Sql(error) => error.code().is_none_or(|code| is_conflict(code) || is_of_connection(code)),
            _ => false,
        }
    }

    /// Whether two transactions conflicted.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Sql(error) if error.code().is_some_and(is_conflict))
    }

    /// Whether the command's connection is of no more use.
    pub(super) fn breaks_connection(&self) -> bool {
        match self {
            Self::TimedOut | Self::OutcomeUnknown(_) => true,
            Self::Sql(error) => error.code().is_none_or(is_of_connection),
            _ => false,
        }
    }

    /// The name of the unique constraint that the command violated.
    pub(super) fn taken(&self) -> Option<&str> {
        self.violated(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether a row refers to a row that does not exist.
    pub(super) fn is_dangling(&self) -> bool {
        self.violated(&SqlState::FOREIGN_KEY_VIOLATION).is_some()
    }

    fn violated(&self, kind: &SqlState) -> Option<&str> {
        let Self::Sql(error) = self else { return None };
        let details = error.as_db_error().filter(|details| details.code() == kind)?;
        Some(details.constraint().unwrap_or_default())
    }

    /// The error in a few words, without the content of any record.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Sql(error) => match error.as_db_error() {
                Some(details) => describe_refusal(details),
                None if error.is_closed() => "the connection was closed".into(),
                None => "the connection broke".into(),
            },
            Self::Pool(PoolError::Backend(error)) => match error.as_db_error() {
                // A server that refuses a connection has shown no record in its message.
                Some(details) => match advice(details.code()) {
                    Some(advice) => format!("no connection: {}: {advice}", details.message()),
                    None => format!("no connection: {}", details.message()),
                },
                None => format!("no connection: {}", innermost(error)),
            },
            Self::Pool(_) => "no connection in time".into(),
            Self::TimedOut => "PostgreSQL took too long".into(),
            Self::OutcomeUnknown(why) => why.clone(),
            Self::Store(error) => error.to_string(),
        }
    }
}

impl From<CommandError> for StoreError {
    fn from(error: CommandError) -> Self {
        let description = error.describe();
        match error {
            CommandError::Store(error) => error,
            CommandError::OutcomeUnknown(why) => Self::OutcomeUnknown(why),
            CommandError::Pool(_) | CommandError::TimedOut => Self::Unavailable(description),
            CommandError::Sql(error) => match error.code().map(SqlState::code) {
                // Rights and poolers are the operator's to change: no record is at fault.
                Some("42501" | "42P05") => Self::Unavailable(description),
                // Our statements fit our schema: a row that violates a constraint means a schema that is not ours.
                Some(code) if ["22", "23", "42", "54"].iter().any(|class| code.starts_with(class)) => {
                    Self::Corrupt(description)
                }
                Some(_) => Self::Unavailable(description),
                None if is_of_value(&error) => Self::Corrupt("a column of an unexpected type".into()),
                None => Self::Unavailable(description),
            },
        }
    }
}

/// Whether reading or writing a value failed, and not the connection.
fn is_of_value(error: &Error) -> bool {
    use std::error::Error as _;
    !error.is_closed()
        && error.source().is_some_and(|source| source.downcast_ref::<std::io::Error>().is_none())
}

fn is_conflict(code: &SqlState) -> bool {
    *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
}

/// Whether the code says that this connection, or the server behind it, can't be used for now.
fn is_of_connection(code: &SqlState) -> bool {
    ["08", "57P", "53"].iter().any(|class| code.code().starts_with(class))
        // A primary that has become a standby; statements prepared before a change of the schema.
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::FEATURE_NOT_SUPPORTED
}

/// What PostgreSQL says, in words.
fn describe_refusal(details: &DbError) -> String {
    let code = details.code();
    let condition = match code.code() {
        // The names of a table or a schema, and no content.
        "42501" | "3F000" | "08P01" => details.message(),
        _ => condition(code),
    };
    match advice(code) {
        Some(advice) => format!("PostgreSQL says {} ({condition}): {advice}", code.code()),
        None => format!("PostgreSQL says {} ({condition})", code.code()),
    }
}

/// Some of the codes in words.
fn condition(code: &SqlState) -> &'static str {
    match code.code() {
        "40001" => "a conflict between transactions",
        "40P01" => "a deadlock",
        "25006" => "the server is read-only",
        "26000" => "a prepared statement is gone",
        "42P05" => "a prepared statement is there already",
        "53100" => "its disk is full",
        "53300" => "too many connections",
        "57014" => "the statement was cancelled",
        "57P01" | "57P02" => "the server is going down",
        "57P03" => "the server is starting",
        "42P01" | "42703" => "the schema is another one",
        _ => "see the list of error codes in its manual",
    }
}

/// What an operator does about a code that says how the server, or a pooler before it, is set up.
fn advice(code: &SqlState) -> Option<&'static str> {
    Some(match code.code() {
        "42501" => {
            "this role may not use the store: make it the owner of the database or of the tables, or GRANT it USAGE and \
             CREATE on the schema and all rights on the tables"
        }
        "3F000" => "the role's search_path names no schema that exists: create one, or set the search_path",
        "26000" | "42P05" => {
            "a pooler in transaction mode mixes up prepared statements: use session mode, or PgBouncer 1.21 or later with \
             max_prepared_statements"
        }
        "08P01" => {
            "if a pooler such as PgBouncer stands in between, use its session mode; statement mode allows no transactions"
        }
        "3D000" => "create the database first",
        "28P01" | "28000" => "check user and password, and the server's pg_hba.conf",
        "53300" => "raise the server's max_connections, or lower the number of connections that are opened",
        _ => return None,
    })
}

/// The message of the cause at the end of the chain.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = cause.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(message, _)| message.to_owned())
}

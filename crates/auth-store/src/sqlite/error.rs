//! Errors of SQLite as [`StoreError`]s, without the text of any record.

use auth_core::StoreError;
use rusqlite::ErrorCode;
use rusqlite::ffi;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum CommandError {
    /// SQLite refused a statement, or a row could not be read.
    Sql(rusqlite::Error),
    /// An error above SQL.
    Store(StoreError),
}

pub(super) type Result<T> = std::result::Result<T, CommandError>;

impl From<rusqlite::Error> for CommandError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CommandError> for StoreError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Store(error) => error,
            CommandError::Sql(error) => of_sql(&error),
        }
    }
}

/// A stored value that is not what it should be.
pub(super) fn corrupt(what: &'static str) -> CommandError {
    CommandError::Store(StoreError::Corrupt(what.into()))
}

/// The columns of the unique constraint that a statement violated, as `table.column, …`. `None` for any other error.
pub(super) fn taken(error: &rusqlite::Error) -> Option<&str> {
    match error {
        rusqlite::Error::SqliteFailure(code, Some(message))
            if matches!(
                code.extended_code,
                ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            ) =>
        {
            Some(message)
        }
        _ => None,
    }
}

/// Whether a row refers to a row that does not exist.
pub(super) fn is_dangling(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Whether another connection has locked the file.
pub(super) fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed)
    )
}

fn of_sql(error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error;
    match error {
        Error::SqliteFailure(code, _) => match code.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                StoreError::Corrupt("the file is damaged".into())
            }
            // Our statements fit our schema: a row that violates a constraint means a schema that is not ours.
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::Unknown => {
                StoreError::Corrupt(code.to_string())
            }
            _ => StoreError::Unavailable(code.to_string()),
        },
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => StoreError::Corrupt("a column of an unexpected type".into()),
        _ => StoreError::Corrupt("a statement does not fit the schema".into()),
    }
}

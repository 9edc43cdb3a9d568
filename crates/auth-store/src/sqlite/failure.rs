//! What SQLite says, as [`StoreError`]s. No text of a record gets into them.

use auth_core::StoreError;
use rusqlite::ErrorCode;
use rusqlite::ffi;

/// Why a piece of work on a connection failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite refused a statement, or a row could not be read.
    Sql(rusqlite::Error),
    /// Found out above SQL.
    Store(StoreError),
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Sql(error) => of_sql(&error),
        }
    }
}

/// A stored value that is not what it should be.
pub(super) fn corrupt(what: &'static str) -> Failure {
    Failure::Store(StoreError::Corrupt(what.into()))
}

/// What a uniqueness rule names as taken: its columns, as `table.column, …`. `None` for any other failure.
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

/// Whether a row refers to one that is not there.
pub(super) fn is_dangling(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _)
        if code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Whether somebody else holds the store.
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
            // Our statements fit our schema: a row that breaks a rule means a schema that is not ours.
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

//! What PostgreSQL says, as [`StoreError`]s. No text of a record gets into them.

use auth_core::StoreError;
use deadpool_postgres::PoolError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// PostgreSQL refused a statement, or the connection broke.
    Sql(Error),
    /// There is no connection.
    Pool(PoolError),
    /// It took too long.
    Late,
    /// The commit may or may not have happened.
    Unsure(String),
    /// Found out above SQL.
    Store(StoreError),
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failure {
    /// The same of a statement that commits: where the connection broke, nobody knows whether it has.
    pub(super) fn of_commit(self) -> Self {
        let unsure = match &self {
            Self::Late => true,
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
        if unsure { Self::Unsure(self.told()) } else { self }
    }

    /// Whether nothing was done and another try may succeed: a conflict between transactions, or a server that
    /// goes, or comes, or has been replaced.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Pool(_) => true,
            Self::Sql(error) => error.code().is_none_or(|code| {
                *code == SqlState::T_R_SERIALIZATION_FAILURE
                    || *code == SqlState::T_R_DEADLOCK_DETECTED
                    || is_of_connection(code)
            }),
            _ => false,
        }
    }

    /// Whether two transactions were in each other's way.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Sql(error) if matches!(error.code(), Some(code)
            if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED))
    }

    /// Whether its connection is of no more use.
    pub(super) fn spoils(&self) -> bool {
        match self {
            Self::Late | Self::Unsure(_) => true,
            Self::Sql(error) => error.code().is_none_or(is_of_connection),
            _ => false,
        }
    }

    /// What a rule of uniqueness, by its name, finds taken.
    pub(super) fn taken(&self) -> Option<&str> {
        self.breaks(&SqlState::UNIQUE_VIOLATION)
    }

    /// Whether a row refers to one that is not there.
    pub(super) fn is_dangling(&self) -> bool {
        self.breaks(&SqlState::FOREIGN_KEY_VIOLATION).is_some()
    }

    fn breaks(&self, rule: &SqlState) -> Option<&str> {
        let Self::Sql(error) = self else { return None };
        let told = error.as_db_error().filter(|told| told.code() == rule)?;
        Some(told.constraint().unwrap_or_default())
    }

    /// The failure in a few words, without what a record holds.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Sql(error) => match error.as_db_error() {
                Some(told) => format!("PostgreSQL says {} ({})", told.code().code(), condition(told.code())),
                None if error.is_closed() => "the connection was closed".into(),
                None => "the connection broke".into(),
            },
            Self::Pool(PoolError::Backend(error)) => match error.as_db_error() {
                // What a server says to somebody who isn't let in holds no record.
                Some(told) => format!("no connection: {}", told.message()),
                None => format!("no connection: {}", innermost(error)),
            },
            Self::Pool(_) => "no connection in time".into(),
            Self::Late => "PostgreSQL took too long".into(),
            Self::Unsure(why) => why.clone(),
            Self::Store(error) => error.to_string(),
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        let told = failure.told();
        match failure {
            Failure::Store(error) => error,
            Failure::Unsure(why) => Self::OutcomeUnknown(why),
            Failure::Pool(_) | Failure::Late => Self::Unavailable(told),
            Failure::Sql(error) => match error.code().map(SqlState::code) {
                // Our statements fit our schema: a row that breaks a rule means a schema that is not ours.
                Some(code) if ["22", "23", "42", "54"].iter().any(|class| code.starts_with(class)) => {
                    Self::Corrupt(told)
                }
                Some(_) => Self::Unavailable(told),
                None if failure_is_ours(&error) => Self::Corrupt("a column of an unexpected type".into()),
                None => Self::Unavailable(told),
            },
        }
    }
}

/// Whether the failure is in reading or writing a value, and not the connection's.
fn failure_is_ours(error: &Error) -> bool {
    use std::error::Error as _;
    !error.is_closed()
        && error.source().is_some_and(|source| source.downcast_ref::<std::io::Error>().is_none())
}

/// Whether it says that this connection, or the server behind it, can't be used for now.
fn is_of_connection(code: &SqlState) -> bool {
    ["08", "57P", "53"].iter().any(|class| code.code().starts_with(class))
        // A primary that has become a standby; statements prepared before a change of the schema.
        || *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::FEATURE_NOT_SUPPORTED
}

/// Some of the codes in words.
fn condition(code: &SqlState) -> &'static str {
    match code.code() {
        "40001" => "transactions in each other's way",
        "40P01" => "a deadlock",
        "25006" => "the server is read-only",
        "53100" => "its disk is full",
        "53300" => "too many connections",
        "57014" => "the statement was cancelled",
        "57P01" | "57P02" => "the server is going down",
        "57P03" => "the server is starting",
        "42501" => "no permission",
        "42P01" | "42703" => "the schema is another one",
        _ => "see the list of error codes in its manual",
    }
}

/// The cause at the end of the chain, in its own words.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = cause.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(kept, _)| kept.to_owned())
}

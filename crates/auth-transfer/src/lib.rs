//! Import and export of realms and users as JSON lines, and conversions from other systems.
//!
//! ```text
//! {"kind":"realm","realm":"main","name":"Main"}
//! {"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"abcd1234"}
//! ```
//!
//! [`import`](import()) reads such lines, checks them, hashes passwords and seals secrets; the store writes finished
//! records, all or none. [`export`](export()) writes the same lines. What other systems keep is made into lines first: by
//! [`convert_zulip`], [`convert_rocketchat`], [`convert_zettel`], [`convert_htpasswd`] and [`convert_csv`], which are pure functions.
//!
//! This crate is no part of a login server's hot path: a program that logs users in builds `auth-engine` without it. It
//! opens no file but the nameless one of a [`Spool`], so that memory doesn't hold all lines.
//!
//! # An import
//!
//! The user comes from Django, with the hash as Django stored it, and logs in with the same password.
//!
//! ```
//! use std::error::Error;
//! use std::sync::Arc;
//!
//! use auth_core::{ImportMode, Peer};
//! use auth_engine::{Engine, LoginOutcome};
//! use auth_store::Sqlite;
//! use auth_transfer::{ImportError, import, unwatched};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     let folder = tempfile::tempdir()?;
//!     let store = Arc::new(Sqlite::open(&folder.path().join("accounts.db"))?);
//!     let engine = Engine::builder(store).open().await?;
//!     let lines = [
//!         r#"{"kind":"realm","realm":"main"}"#,
//!         concat!(
//!             r#"{"kind":"user","realm":"main","username":"ada","email":"ada@example.org","role":"admin","#,
//!             r#""joined":"2024-05-17T08:30:00Z","password_hash":"pbkdf2_sha256$1000$pplFsR0dpRdfCqEAE2kN0c"#,
//!             r#"$SefdUoySPbIBpwBHctSitJzL8J1pCNdihBAjQu9t9I0="}"#,
//!         ),
//!     ]
//!     .join("\n");
//!
//!     // A dry run tells the same, and writes nothing.
//!     let report = import(&engine, lines.as_bytes(), ImportMode::DryRun, &mut unwatched).await?;
//!     assert_eq!(report.imported.users, 1);
//!     let mut report = import(&engine, lines.as_bytes(), ImportMode::Write, &mut unwatched).await?;
//!     for (line, note) in report.notes.all()? {
//!         println!("line {line}: {note}");
//!     }
//!
//!     let client = Peer::new([192, 0, 2, 1].into());
//!     let password = "correct horse battery staple";
//!     let answer = engine.log_in_with_password("main", "ada", password, &client).await?;
//!     assert!(matches!(answer.released().await, LoginOutcome::SignedIn(_)));
//!
//!     // A hash of an algorithm that is not read: nothing is imported, and the line is named.
//!     let line = r#"{"kind":"user","realm":"main","username":"bob","password_hash":"scrypt$16384$salt$8$1$dGFn"}"#;
//!     let refused = import(&engine, line.as_bytes(), ImportMode::Write, &mut unwatched).await;
//!     let Err(ImportError::Lines { named, .. }) = refused else { return Err("a bad line".into()) };
//!     assert_eq!(named, [(1, "`password_hash`: the password hash has no known scheme".to_owned())]);
//!     Ok(())
//! }
//! ```
//!
//! # From Django
//!
//! Write a line for each row of `auth_user`, with the column `password` as `password_hash`:
//!
//! | password | what becomes of it |
//! | --- | --- |
//! | `pbkdf2_sha256$…`, `argon2$…`, `bcrypt_sha256$…`, `bcrypt$…` | is taken as it stands; the owner's next login replaces it by a current hash |
//! | `!…`, no password | the account has none |
//! | any other (`scrypt$…`, `pbkdf2_sha1$…`, `md5$…`, …), or an empty one | the line is refused, and with it the import, unless [`skip_bad`](ImportOptions::skip_bad) leaves the account out |
//!
//! So leave `password_hash` out where the algorithm is another: the account comes without a password, and a mailed link or an
//! operator sets a new one. `auth_crypto::password::check_import` tells beforehand whether a string is taken. The other keys:
//! `username`, `email` (with `"email_verified":true` if the application had verified it), `full_name`, `role` (`owner`, `admin`,
//! `moderator`, `member` or `guest`), `active`, `joined` as RFC 3339 writes a time, and
//! `id`, the number under which Zulip's API shows the user.
//!
//! # From a file of passwords
//!
//! ```
//! use auth_transfer::convert_htpasswd;
//!
//! let file = b"ada:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n";
//! let mut converted = convert_htpasswd(&file[..], "main")?;
//! assert!(converted.lines.text()?.contains(r#""username":"ada""#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod converted;
mod csv;
mod export;
mod htpasswd;
mod import;
mod language;
mod line;
mod missing_realms;
mod remarks;
mod rocketchat;
mod spool;
mod text;
mod zettelstore;
mod zulip;

use std::fmt;
use std::ops::ControlFlow;

use auth_core::{ImportMode, Imported, InternalError};

pub use converted::{ConvertError, Converted};
pub use csv::{CsvMapping, convert_csv};
pub use export::export;
pub use htpasswd::convert_htpasswd;
pub use import::{Joining, Outcomes, RecordOutcome, Unheard, import, import_source, update};
pub use line::{BadLine, parse_line, rfc3339};
pub use remarks::Remarks;
pub use rocketchat::convert_rocketchat;
pub use spool::Spool;
pub use text::without_mark;
pub use zettelstore::convert_zettel;
pub use zulip::{UserNames, convert_zulip};

/// The options of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "commands build it")]
pub struct ImportOptions {
    /// Whether it is for good.
    pub mode: ImportMode,
    /// Puts hashes of other systems, and those weaker than new ones, under Argon2id, so that the store never holds
    /// them as they were.
    pub wrap: bool,
    /// Leaves out what can't be taken; otherwise nothing is written then.
    pub skip_bad: bool,
}

impl From<ImportMode> for ImportOptions {
    /// Hashes as they are, all lines or none.
    fn from(mode: ImportMode) -> Self {
        Self { mode, wrap: false, skip_bad: false }
    }
}

/// The progress of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever shows progress shows each step")]
pub enum Progress {
    /// Lines are read and checked.
    Checked {
        /// How many.
        lines: u64,
        /// The bytes of them.
        bytes: u64,
    },
    /// Passwords that came in clear are hashed, and old hashes wrapped.
    Hashed {
        /// How many.
        passwords: u64,
        /// How many there are.
        of: u64,
    },
    /// Records are written, for good when all are.
    Written {
        /// How many.
        records: u64,
        /// How many there are.
        of: u64,
    },
}

/// Lets an import go on to its end: the progress callback of an import that is not watched.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// The result of an import.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ImportReport {
    /// What was written, or would have been.
    pub imported: Imported,
    /// What has changed of realms that were there before, or would have: the line's number and what.
    pub changes: Remarks<u64>,
    /// What was noticed on good lines: the line's number and a sentence.
    pub notes: Remarks<u64>,
    /// What was left out, where that was allowed: the line's number and the reason. Users of a realm that is not there
    /// are one entry with their number, at the line of the first.
    pub left_out: Remarks<u64>,
}

/// The result of an update.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct UpdateReport {
    /// What is new.
    pub imported: Imported,
    /// Accounts that were changed, or would have been.
    pub changed: u64,
    /// Records that no earlier import had read, and whose accounts were there.
    pub adopted: u64,
    /// Records that were joined with accounts of other sources.
    pub joined: u64,
    /// Records that are as they were, or whose changes concern nothing of their accounts.
    pub unchanged: u64,
    /// Records whose accounts were deleted here: they are not brought back.
    pub deleted: u64,
    /// Records that were left out.
    pub refused: u64,
    /// What has changed of users, or would have: the line's number and a sentence for each user.
    pub updates: Remarks<u64>,
    /// What has changed of realms, or would have: the line's number and what.
    pub changes: Remarks<u64>,
    /// What was noticed: the line's number and a sentence.
    pub notes: Remarks<u64>,
    /// What was left out: the line's number and the reason. Users of a realm that is not there are one entry with their number, at
    /// the line of the first.
    pub left_out: Remarks<u64>,
    /// Accounts whose records are not at the source any more: their names, and a sentence.
    pub missing: Remarks<String>,
}

/// Why an import wrote nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// Lines are bad.
    Lines {
        /// The first of them: each line's number and the reason. Users of a realm that is not there are one entry with
        /// their number, at the line of the first.
        named: Vec<(u64, String)>,
        /// How many more there are.
        more: u64,
    },
    /// Reading the lines failed, or keeping them until all are checked.
    Read(std::io::Error),
    /// The progress callback ended it.
    Stopped,
    /// What became of a record could not be written down.
    Report(std::io::Error),
    /// The store or the hashing pool failed.
    Internal(InternalError),
}

impl fmt::Display for ImportError {
    /// One line for each bad line that is named, and one for the others.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines { named, more } => {
                for (index, (line, reason)) in named.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}line {line}: {reason}")?;
                }
                if *more > 0 { write!(f, "\nand {more} more") } else { Ok(()) }
            }
            Self::Read(_) => f.write_str("the lines can't be read"),
            Self::Stopped => f.write_str("stopped: nothing was imported"),
            Self::Report(_) => f.write_str("the report can't be written"),
            Self::Internal(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lines { .. } | Self::Stopped => None,
            Self::Read(error) | Self::Report(error) => Some(error),
            Self::Internal(error) => error.source(),
        }
    }
}

impl<E: Into<InternalError>> From<E> for ImportError {
    fn from(error: E) -> Self {
        Self::Internal(error.into())
    }
}

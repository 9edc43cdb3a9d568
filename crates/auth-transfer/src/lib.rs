//! Users moving in and out: JSON lines, one realm or user a line.
//!
//! ```text
//! {"kind":"realm","realm":"main","name":"Main"}
//! {"kind":"user","realm":"main","username":"iago","email":"iago@zulip.com","password":"abcd1234"}
//! ```
//!
//! What other systems keep is made into such lines first: by [`convert_zulip`], [`convert_rocketchat`],
//! [`convert_zettel`], [`convert_htpasswd`].
//!
//! Lines are read and checked here, passwords hashed and secrets sealed here; the store writes finished
//! records, all or none. However many lines there are, memory stays the same: between the steps they are in a
//! [`Spool`].

mod converted;
mod export;
mod htpasswd;
mod import;
mod line;
mod rocketchat;
mod spool;
mod zettelstore;
mod zulip;

use std::fmt;
use std::ops::ControlFlow;

use auth_core::{ImportMode, Imported, InternalError};

pub use converted::{ConvertError, Converted};
pub use htpasswd::convert_htpasswd;
pub(crate) use import::is_login_name;
pub(crate) use line::zettel_id;
pub use line::{BadLine, parse_line};
pub use rocketchat::convert_rocketchat;
pub use spool::Spool;
pub use zettelstore::convert_zettel;
pub use zulip::convert_zulip;

/// How an import is done.
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

/// How far an import is.
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

/// Lets an import go on to its end: for imports that nobody watches.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// What an import did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImportReport {
    /// What was written, or would have been.
    pub imported: Imported,
    /// What was noticed on good lines: the line's number and a sentence.
    pub notes: Vec<(u64, String)>,
    /// What was left out, where that was allowed: the line's number and the reason.
    pub left_out: Vec<(u64, String)>,
}

/// Why an import wrote nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportFailure {
    /// These lines are bad: each line's number and the reason.
    Lines(Vec<(u64, String)>),
    /// Reading the lines failed, or keeping them until all are checked.
    Read(std::io::Error),
    /// Whoever watched its progress ended it.
    Stopped,
    /// The server's parts failed.
    InternalError(InternalError),
}

impl fmt::Display for ImportFailure {
    /// One line for each bad line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(lines) => {
                for (index, (line, reason)) in lines.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "\n" };
                    write!(f, "{separator}line {line}: {reason}")?;
                }
                Ok(())
            }
            Self::Read(_) => f.write_str("the lines can't be read"),
            Self::Stopped => f.write_str("stopped: nothing was imported"),
            Self::InternalError(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for ImportFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lines(_) | Self::Stopped => None,
            Self::Read(error) => Some(error),
            Self::InternalError(fault) => fault.source(),
        }
    }
}

impl<E: Into<InternalError>> From<E> for ImportFailure {
    fn from(error: E) -> Self {
        Self::InternalError(error.into())
    }
}

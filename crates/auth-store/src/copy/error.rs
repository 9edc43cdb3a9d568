//! Why a store can't be copied.

use auth_core::StoreError;

/// An error of a [`StoreCopy`](super::StoreCopy). What was written until then stays, and the copy can be carried on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The source can't be read.
    #[error("the store that is copied can't be read")]
    Source(#[source] StoreError),
    /// The target can't be read or written.
    #[error("the copy can't be written")]
    Target(#[source] StoreError),
    /// The target holds something that is no copy on its way.
    #[error("there is a store with content already: name a new file or an empty database")]
    NotEmpty,
    /// The target is the unfinished copy of another source, or of this one before it changed.
    #[error(
        "there is an unfinished copy of another store, or this one has changed since: remove it, or name a new file or \
         an empty database"
    )]
    Changed,
    /// The unfinished copy was begun by another version of this program.
    #[error("there is an unfinished copy of another version of this program: remove it and begin again")]
    OtherVersion,
    /// Another process writes to the same target.
    #[error("another process writes to the same copy: wait until it ends")]
    Busy,
    /// Rows of this kind refer to rows that are not there, and can't be copied.
    #[error("the store that is copied is damaged ({0}): `auth-server store check` says how")]
    Damaged(&'static str),
    /// Both stores have different rows of this kind, although every row was copied.
    #[error(
        "the copy differs from the store ({0}), which has changed between two runs: remove the copy and begin again \
         while no server and no command uses the store"
    )]
    Differs(&'static str),
}

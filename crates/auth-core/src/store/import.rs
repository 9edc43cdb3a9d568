//! The records of imports, and of single new users.

use std::fmt;

use super::StoreError;
use crate::{AuditRecord, Credential, PasswordString, ProtocolName, Realm, User};

/// The records of an import, in order. `None` ends it with nothing written.
pub type Records = Box<dyn Iterator<Item = Option<NewRecord>> + Send>;

/// A finished record: checked, with its passwords hashed and its secrets sealed.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "every store must know every record")]
pub enum NewRecord {
    /// A realm.
    Realm(Realm),
    /// A user.
    User(Box<NewUser>),
}

/// A user to be written, with everything that belongs to it.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it, stores take it apart")]
pub struct NewUser {
    /// The user.
    pub user: User,
    /// The protocols whose id the store chooses: the number in `user.external_ids` where there is one and no other user
    /// has it, else the next number after the realm's highest.
    pub assign_ids: Vec<ProtocolName>,
    /// The stored password.
    pub password: Option<PasswordString>,
    /// The user's other credentials.
    pub credentials: Vec<Credential>,
}

/// Whether an import keeps what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum ImportMode {
    /// Keep it.
    Write,
    /// Keep nothing: a rehearsal.
    DryRun,
}

/// The numbers of records that an import has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Imported {
    /// Realms written.
    pub realms: u64,
    /// Users written.
    pub users: u64,
}

impl Imported {
    /// The row of the audit log for what was written: with the numbers as its detail; `None` where nothing was.
    #[must_use]
    pub fn audit_record(&self, audit: &AuditRecord) -> Option<AuditRecord> {
        (*self != Self::default()).then(|| AuditRecord { detail: self.to_string(), ..audit.clone() })
    }
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |number| if number == 1 { "" } else { "s" };
        let Self { realms, users } = *self;
        write!(f, "{realms} realm{}, {users} user{}", plural(realms), plural(users))
    }
}

/// Why an import wrote nothing.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct ImportError {
    /// The record that failed, counted from 0; `None` when no single record did.
    pub record: Option<u64>,
    /// The error; `None` when the records ended early.
    pub error: Option<StoreError>,
}

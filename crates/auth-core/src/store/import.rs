//! The records of imports, and of single new users.

use std::fmt;

use super::{ImportMark, ImportedChange, StoreError};
use crate::{
    Act, AuditRecord, Credential, NameKind, PasswordString, ProtocolName, Realm, RealmChange, RealmId, User,
};

/// The records of an import, in order. `None` ends it with nothing written.
pub type Records = Box<dyn Iterator<Item = Option<NewRecord>> + Send>;

/// A finished record: checked, with its passwords hashed and its secrets sealed.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "every store must know every record")]
pub enum NewRecord {
    /// A realm, of which what is named is written.
    Realm(RealmChange),
    /// A user.
    User(Box<NewUser>),
    /// A user of whose record is remembered what was read.
    Marked(Box<MarkedUser>),
    /// A change of a user who is there.
    Change(Box<ImportedChange>),
}

impl NewRecord {
    /// The id of the realm that the record is, or that its user belongs to.
    #[must_use]
    pub fn realm(&self) -> RealmId {
        match self {
            Self::Realm(realm) => realm.id,
            Self::User(new) => new.user.realm,
            Self::Marked(marked) => marked.new.user.realm,
            Self::Change(change) => change.user.realm,
        }
    }
}

impl From<Realm> for NewRecord {
    /// A realm that is written as a whole.
    fn from(realm: Realm) -> Self {
        Self::Realm(realm.into())
    }
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

/// A user to be written, with what an import remembers of its record.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "imports build it, stores take it apart")]
pub struct MarkedUser {
    /// The user.
    pub new: NewUser,
    /// What is remembered. It takes the place of what was remembered of the same record.
    pub mark: ImportMark,
    /// A row of the audit log for this user alone.
    pub audit: Option<AuditRecord>,
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

/// What becomes of records that conflict with others, refer to a realm that is not there, or change a user whom somebody else has
/// changed meanwhile.
#[expect(clippy::exhaustive_enums, reason = "every store must do both")]
pub enum OnConflict {
    /// The import ends with the first, and nothing is written.
    Refuse,
    /// Each is left out and told to the function, and the others are written.
    LeaveOut(Box<dyn FnMut(LeftOut) + Send>),
}

/// A record that an import leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct LeftOut {
    /// The record, counted from 0.
    pub record: u64,
    /// The id of the realm that it is, or that its user belongs to.
    pub realm: RealmId,
    /// [`StoreError::Conflict`], [`StoreError::Missing`] or [`StoreError::Changed`].
    pub error: StoreError,
}

impl OnConflict {
    /// Whether records are left out.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        matches!(self, Self::LeaveOut(_))
    }

    /// Leaves a record out that can't be written.
    ///
    /// # Errors
    /// [`ImportError`], with which the import ends: no record is left out, or the error is not the record's.
    pub fn leave_out(&mut self, record: u64, realm: RealmId, error: StoreError) -> Result<(), ImportError> {
        match (self, error) {
            (
                Self::LeaveOut(tell),
                error @ (StoreError::Conflict(_) | StoreError::Missing(_) | StoreError::Changed),
            ) => {
                tell(LeftOut { record, realm, error });
                Ok(())
            }
            // No record is to blame for a full disk.
            (_, error @ (StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_))) => {
                Err(ImportError { record: None, error: Some(error) })
            }
            (_, error) => Err(ImportError { record: Some(record), error: Some(error) }),
        }
    }
}

impl fmt::Debug for OnConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.leaves_out() { "LeaveOut(…)" } else { "Refuse" })
    }
}

/// Takes what a store notes of the records of an import, each with the record's number, counted from 0.
pub type ImportNotes = Box<dyn FnMut(u64, ImportNote) + Send>;

/// What a store notes of a record that it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever tells an operator tells each")]
pub enum ImportNote {
    /// The realm was made or changed.
    Realm(Box<RealmWritten>),
    /// Another user of the realm, written before, has a name of this kind that folds alike ([`fold`](crate::fold)): each of
    /// them is found by its exact form alone.
    FoldsAlike(NameKind),
}

/// A realm before and after it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct RealmWritten {
    /// The realm as it was; `None` where it is new.
    pub before: Option<Realm>,
    /// The realm as it is now.
    pub after: Realm,
}

impl RealmWritten {
    /// Whether anything was written.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.before.as_ref() != Some(&self.after)
    }

    /// The row of the audit log, beside that of the import: it names the realm and what was written of it.
    #[must_use]
    pub fn audit_record(&self, import: &AuditRecord) -> AuditRecord {
        let detail = match &self.before {
            None => "new".to_owned(),
            Some(before) => self.after.differences(before).join(", "),
        };
        AuditRecord {
            act: Act::RealmWritten,
            realm: Some(self.after.id),
            user: None,
            detail,
            ..import.clone()
        }
    }
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
    /// The row of the audit log for what was written, with the numbers as its detail; `None` where the act is that a realm is
    /// written, which has a row of its own ([`RealmWritten::audit_record`]).
    #[must_use]
    pub fn audit_record(&self, audit: &AuditRecord) -> Option<AuditRecord> {
        let row = || AuditRecord { detail: self.to_string(), ..audit.clone() };
        (audit.act != Act::RealmWritten).then(row)
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

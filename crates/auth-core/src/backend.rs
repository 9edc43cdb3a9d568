//! Password backends: the local store, or a directory.

use async_trait::async_trait;

use crate::{
    Account, FailureReason, Identifier, InternalError, Peer, Realm, Role, SecretInput, StrengthRule,
};

/// Verifies passwords.
#[async_trait]
pub trait PasswordBackend: Send + Sync {
    /// The name by which realms list the backend.
    fn name(&self) -> &str;

    /// Whether the backend keeps people of its own and says with [`Accepted::entry`] whose a password is. The engine demands that
    /// the rights of such a backend over accounts are configured.
    fn is_directory(&self) -> bool {
        false
    }

    /// Verifies a password.
    async fn verify(&self, request: &VerifyRequest<'_>) -> BackendAnswer;

    /// Finds the entry of a directory that a typed name means, and that may log in to the realm; no password is tried. The
    /// answer is that of a login with the right password; [`BackendAnswer::NotMine`] also of a backend that can't look a name
    /// up.
    async fn find_entry(&self, _realm: &Realm, _typed: &str) -> BackendAnswer {
        BackendAnswer::NotMine
    }

    /// Whether a directory has an entry with this [`id`](Entry::id), whatever else holds of the entry. A backend that can't
    /// look one up says that it has: then no account is taken from an entry.
    ///
    /// # Errors
    /// [`InternalError`] when the directory can't be asked.
    async fn has_entry(&self, _id: &str) -> Result<bool, InternalError> {
        Ok(true)
    }
}

/// A password to verify.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the backends' tests build it")]
pub struct VerifyRequest<'a> {
    /// The realm of the attempt.
    pub realm: &'a Realm,
    /// The name as typed.
    pub who: &'a Identifier,
    /// The account that the store knows under that name.
    pub account: Option<&'a Account>,
    /// The password, or its digest.
    pub secret: &'a SecretInput,
    /// The strength that the password needs if its stored hash is obsolete; `None` accepts any.
    pub demand: Option<StrengthRule>,
    /// Where the attempt comes from: queues give each client key its share.
    pub peer: &'a Peer,
}

/// A backend's answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackendAnswer {
    /// The password is right for this account.
    Accept(Accepted),
    /// The password is wrong for the account that this backend knows under the name. Another backend is asked only
    /// where the account has more than one authority.
    Reject(FailureReason),
    /// The backend doesn't know the name; the next one is asked.
    NotMine,
    /// The backend is unavailable; the attempt fails without counting as a wrong password.
    Unavailable(InternalError),
}

/// A right password.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// Set when the stored password is out of date and was too weak to be hashed anew.
    pub reset_required: bool,
    /// The entry whose password it is, from a directory: the account is found by it, made from it, or updated.
    pub entry: Option<Box<Entry>>,
}

/// A person as a directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "directory backends build it, the engine takes it apart")]
pub struct Entry {
    /// The id that the directory gives to no other entry and doesn't change: the account's
    /// [`Directory`](crate::NameKind::Directory) name.
    pub id: String,
    /// The user name.
    pub user_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// What the person may do; `None` where the directory has no say in it.
    pub role: Option<Role>,
    /// The groups that the person is in, of those that the directory carries over; `None` where it carries none over, or can't
    /// tell all.
    pub groups: Option<Vec<EntryGroup>>,
}

/// A group as a directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "directory backends build it, the engine takes it apart")]
pub struct EntryGroup {
    /// The id that the directory gives to no other entry and doesn't change, or the distinguished name where the configuration
    /// names the group by it.
    pub entry: String,
    /// The name.
    pub name: String,
}

impl Accepted {
    /// Creates the answer for a right password that needs no reset.
    #[must_use]
    pub fn new() -> Self {
        Self { reset_required: false, entry: None }
    }

    /// Creates the answer for a right password that its owner must replace.
    #[must_use]
    pub fn reset_required() -> Self {
        Self { reset_required: true, entry: None }
    }

    /// Creates the answer for the right password of a directory's entry.
    #[must_use]
    pub fn entry(entry: Entry) -> Self {
        Self { reset_required: false, entry: Some(Box::new(entry)) }
    }
}

impl Default for Accepted {
    fn default() -> Self {
        Self::new()
    }
}

//! Password backends: who knows whether a password is right.

use async_trait::async_trait;

use crate::{
    Account, FailureReason, Identifier, InternalError, Password, PasswordDigest, Peer, Realm, Role,
    StrengthRule,
};

/// Knows whether a password is right: the local store, a directory.
#[async_trait]
pub trait PasswordBackend: Send + Sync {
    /// Its name in the realms' order of backends.
    fn name(&self) -> &str;

    /// Judges a password.
    async fn verify(&self, question: &VerifyRequest<'_>) -> BackendAnswer;
}

/// What a backend is asked.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the backends' tests build it")]
pub struct VerifyRequest<'a> {
    /// The realm of the attempt.
    pub realm: &'a Realm,
    /// The name as typed.
    pub who: &'a Identifier,
    /// Whom the store knows under that name.
    pub account: Option<&'a Account>,
    /// What was sent.
    pub secret: SecretInput<'a>,
    /// What the password must fulfil if its stored form is out of date; `None` asks nothing of it.
    pub demand: Option<StrengthRule>,
    /// Where it comes from: queues give each network its share.
    pub peer: &'a Peer,
}

/// A password or what stands in its place.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new form of password is a breaking change for every backend")]
pub enum SecretInput<'a> {
    /// The password itself.
    Password(&'a Password),
    /// SHA-256 of it.
    Digest(&'a PasswordDigest),
}

/// What a backend says.
#[derive(Debug)]
#[non_exhaustive]
pub enum BackendAnswer {
    /// The password is right for this account.
    Accept(Accepted),
    /// It is wrong for whoever this backend knows under the name. Another one has a say only where the account
    /// has more than one authority.
    Reject(FailureReason),
    /// This backend doesn't know the name; the next one is asked.
    NotMine,
    /// It can't tell now: never a wrong password, and nobody is let in.
    Unavailable(InternalError),
}

/// A right password.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// Set when the stored password is out of date and was too weak to be hashed anew.
    pub reset_required: bool,
    /// Whose it is, where a directory says so: the account is found by it, made from it, or brought up to date.
    pub entry: Option<Box<Entry>>,
}

/// A person as a directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "directory backends build it, the engine takes it apart")]
pub struct Entry {
    /// What the directory gives to nobody else, and doesn't change: the account's
    /// [`Directory`](crate::NameKind::Directory) name.
    pub id: String,
    /// The user name.
    pub user_name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// What people call it.
    pub full_name: Option<String>,
    /// What it may do; `None` where the directory has no say in it.
    pub role: Option<Role>,
}

impl Accepted {
    /// A right password on a stored password that is up to date, or was brought there.
    #[must_use]
    pub fn new() -> Self {
        Self { reset_required: false, entry: None }
    }

    /// A right password that must be set anew by its owner.
    #[must_use]
    pub fn reset_required() -> Self {
        Self { reset_required: true, entry: None }
    }

    /// A right password of a person that a directory knows.
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

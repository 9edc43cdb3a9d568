//! A stored password that was parsed.

use std::fmt;
use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory};
use auth_core::{PasswordString, SecretInput};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::argon2::Argon2Hash;
use super::error::StoredPasswordError;
use super::hashing_rule::HashingRule;
use super::input::{HashInput, NameContext};
use super::made_for;
use super::schemes::{UnwrappedHash, is_unusable};
use super::verdict::Upgrade;
use super::wrapped::{self, WrappedHash};

/// The longest stored string that is parsed, in bytes.
const MAX_STORED: usize = 1024;

/// A stored password, parsed and ready to be verified against.
///
/// # Examples
///
/// ```
/// use auth_core::PasswordString;
/// use auth_crypto::password::{StoredPassword, StoredPasswordError};
///
/// let text = "pbkdf2_sha256$10000$salt$EuPnsR3Slr6ah8FV/vKoW9r7jQSUpAAfFAQDVwu6Nls=";
/// let stored = StoredPassword::parse(&PasswordString::new(text))?;
/// assert_eq!(stored.scheme(), "pbkdf2_sha256");
/// assert!(!stored.verifies_digest());
///
/// let unknown = StoredPassword::parse(&PasswordString::new("md5$salt$0123456789abcdef"));
/// assert_eq!(unknown.err(), Some(StoredPasswordError::UnknownScheme));
/// # Ok::<(), StoredPasswordError>(())
/// ```
#[derive(Clone)]
pub struct StoredPassword(Form);

#[derive(Clone)]
enum Form {
    Unwrapped(UnwrappedHash),
    Wrapped(WrappedHash),
}

impl StoredPassword {
    /// Parses a stored string by its prefix. Nothing is hashed.
    ///
    /// # Errors
    /// [`StoredPasswordError`] if no password can be verified against the string.
    pub fn parse(stored: &PasswordString) -> Result<Self, StoredPasswordError> {
        let text = stored.expose();
        if is_unusable(text) {
            return Err(StoredPasswordError::Unusable);
        }
        if text.len() > MAX_STORED {
            return Err(StoredPasswordError::Malformed);
        }
        Ok(Self(match text.strip_prefix(wrapped::PREFIX) {
            Some(wrapped) => Form::Wrapped(WrappedHash::parse(wrapped)?),
            None => Form::Unwrapped(UnwrappedHash::parse(text)?),
        }))
    }

    /// Returns the name of the scheme, for logs and statistics.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match &self.0 {
            Form::Unwrapped(hash) => hash.scheme(),
            Form::Wrapped(hash) => hash.inner().wrapped_scheme(),
        }
    }

    /// Returns whether a new hash of the same password would have the same scheme and parameters.
    #[must_use]
    pub fn is_current(&self, rule: &HashingRule) -> bool {
        self.is_strong(rule) && self.verifies_digest() == rule.digest_ready
    }

    /// Returns the estimated time of a verification on one core.
    ///
    /// The estimate weighs verifications against one another; it is not a measurement of this machine.
    #[must_use]
    pub fn estimated_time(&self) -> Duration {
        match &self.0 {
            Form::Unwrapped(hash) => hash.estimated_time(),
            Form::Wrapped(hash) => hash.estimated_time(),
        }
    }

    /// Returns the memory of a verification in KiB; 0 for schemes that take next to none.
    #[must_use]
    pub fn memory_kib(&self) -> usize {
        match &self.0 {
            Form::Unwrapped(hash) => hash.memory_kib(),
            Form::Wrapped(hash) => hash.memory_kib(),
        }
    }

    /// Returns whether SHA-256 of the password can be verified as well as the password itself.
    #[must_use]
    pub fn verifies_digest(&self) -> bool {
        self.input() == HashInput::Digest
    }

    /// Returns whether SHA-256 of the password is accepted in its place: where the realm takes digests, and for a
    /// hash that a Rocket.Chat made, since its clients send nothing else.
    #[must_use]
    pub fn accepts_digest(&self, realm_takes: bool) -> bool {
        self.verifies_digest() && (realm_takes || self.innermost().is_of_rocketchat())
    }

    /// Returns whether a Zettelstore made the hash: no other system's covers the user's name beside the password.
    #[must_use]
    pub fn is_of_zettelstore(&self) -> bool {
        self.input() == HashInput::NamedPassword
    }

    /// The string that a user's password is to be stored as before the user gets another name, where that would have no
    /// password match any more: it names whom the hash was made for. `None` where it can stay as it is.
    #[must_use]
    pub fn before_renaming(stored: &PasswordString, context: &NameContext) -> Option<PasswordString> {
        let parsed = Self::parse(stored).ok()?;
        if !parsed.is_of_zettelstore() {
            return None;
        }
        let named = PasswordString::new(made_for::named(stored.expose(), context)?);
        // A string that would be too long to be read is left as it is.
        Self::parse(&named).is_ok().then_some(named)
    }

    /// Whom a Zettelstore hash was made for, where the string says so.
    pub(super) fn made_for(&self) -> Option<&NameContext> {
        self.innermost().made_for()
    }

    /// The bytes that a secret is hashed as, for a user with these names; `None` for a secret that can't match.
    pub(super) fn bytes(&self, secret: &SecretInput, context: &NameContext) -> Option<Zeroizing<Vec<u8>>> {
        self.input().bytes(secret, self.made_for().unwrap_or(context))
    }

    /// What is hashed.
    pub(super) fn input(&self) -> HashInput {
        self.innermost().input()
    }

    /// The hash, if it is not wrapped.
    pub(super) fn as_unwrapped(&self) -> Option<&UnwrappedHash> {
        match &self.0 {
            Form::Unwrapped(hash) => Some(hash),
            Form::Wrapped(_) => None,
        }
    }

    /// The Argon2 hash, if it is one and not wrapped.
    pub(super) fn as_argon2(&self) -> Option<&Argon2Hash> {
        self.as_unwrapped()?.as_argon2()
    }

    /// Whether the hash is of this input.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub(super) fn matches(&self, input: &[u8], memory: &mut Memory) -> Result<bool, OutOfMemory> {
        match &self.0 {
            Form::Unwrapped(hash) => Ok(hash.compute(input, memory)?.ct_eq(hash.tag()).into()),
            Form::Wrapped(hash) => hash.matches(input, memory),
        }
    }

    /// Whether the scheme ignores a part of this input.
    pub(super) fn truncates(&self, input: &[u8]) -> bool {
        self.innermost().truncates(input)
    }

    /// The upgrade that is due after a match.
    pub(super) fn upgrade(&self, secret: &SecretInput, rule: &HashingRule) -> Upgrade {
        let can_be_made = matches!(secret, SecretInput::Password(_)) || rule.digest_ready;
        if self.is_current(rule) || !can_be_made {
            Upgrade::None
        } else if self.is_strong(rule) {
            Upgrade::Rewrap
        } else {
            Upgrade::Obsolete
        }
    }

    fn is_strong(&self, rule: &HashingRule) -> bool {
        self.as_unwrapped().is_some_and(|hash| hash.is_strong(rule.params))
    }

    fn innermost(&self) -> &UnwrappedHash {
        match &self.0 {
            Form::Unwrapped(hash) => hash,
            Form::Wrapped(hash) => hash.inner(),
        }
    }
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredPassword({}, …)", self.scheme())
    }
}

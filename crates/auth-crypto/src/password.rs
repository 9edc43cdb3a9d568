//! Stored passwords: tagged strings, each with its own scheme.
//!
//! | tag | what was hashed, and how |
//! | --- | --- |
//! | `$argon2id$…` | the password, Argon2 (PHC string): what new hashes look like |
//! | `sha256-hex:$argon2id$…` | SHA-256 of the password in hexadecimal, Argon2: both the password and what Rocket.Chat clients send in its place verify |
//! | `argon2$argon2id$…` | the password, Argon2 as Django writes it (zulip.md 6.1) |
//! | `pbkdf2_sha256$…` | the password, PBKDF2 as Django writes it (zulip.md 6.1) |
//! | `rocketchat$$2b$…` | SHA-256 of the password in hexadecimal, bcrypt (rocketchat.md 5) |
//! | `zettelstore$$2a$…` | user zettel's id, user name and password, bcrypt (zettelstore.md 7) |
//! | `$2a$…`, `$2b$…`, `$2y$…` | the password, bcrypt |
//! | `wrapped:OLD:$argon2id$…` | the tag of an older hash, Argon2id; OLD is that hash with its tag blanked |
//! | `!…`, nothing | no password |
//!
//! The tag decides how a string is read, never a trial. Only the two forms over SHA-256 verify a digest: an
//! unsalted SHA-256 that leaked elsewhere must not open every other account.

mod argon2id;
mod bcrypt;
mod cost;
mod import;
mod input;
mod pbkdf2;
mod phc;
mod wrapped;

pub(crate) use argon2id::{
    Computation, begin_hash, begin_verify, begin_wrap, compute, end_hash, end_verify, end_wrap, shared_params,
};
pub use cost::{
    MAX_BCRYPT_COST, MAX_ITERATIONS, MAX_KIB_PASSES, MAX_LANES, MAX_MEMORY_KIB, MAX_PBKDF2_ITERATIONS,
    is_affordable,
};
pub use import::{ImportRefusal, check_import};
pub use input::MAX_ZETTELSTORE_NAME;
pub use wrapped::OldHash;

use std::fmt;
use std::slice;
use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory, Params};
use auth_core::{Password, PasswordDigest, PasswordString, Rng, SecretInput};
use zeroize::Zeroizing;

use bcrypt::BcryptHash;
use input::Subject;
use pbkdf2::Pbkdf2Hash;
use phc::Argon2Hash;
use wrapped::WrappedHash;

/// The longest stored string that is read, in bytes.
const MAX_STORED: usize = 1024;

/// The tag of hashes over SHA-256 of the password.
const DIGEST_TAG: &str = "sha256-hex:";

/// What new hashes look like in a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it of its configuration and the realm")]
pub struct HashingRule {
    /// Argon2id parameters; see [`is_affordable`] for those that can be read back.
    pub params: Params,
    /// Whether hashes are made so that SHA-256 of the password verifies too.
    pub digest_ready: bool,
}

impl HashingRule {
    /// About how long a new hash takes on one core: to weigh it against others, not to measure by.
    #[must_use]
    pub fn estimated_time(&self) -> Duration {
        cost::argon2_time(self.params)
    }
}

/// What was sent as a password.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the two forms that auth-core knows")]
pub enum Secret {
    /// The password.
    Password(Password),
    /// SHA-256 of it in hexadecimal.
    Digest(PasswordDigest),
}

impl From<SecretInput<'_>> for Secret {
    fn from(presented: SecretInput<'_>) -> Self {
        match presented {
            SecretInput::Password(password) => Self::Password(password.clone()),
            SecretInput::Digest(digest) => Self::Digest(digest.clone()),
        }
    }
}

/// What Zettelstore's hashes mix in beside the password (zettelstore.md 7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and importers build it")]
pub struct NameContext {
    /// The id of the user zettel.
    pub zettelstore_id: u64,
    /// The user name.
    pub user_name: String,
}

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Verdict {
    /// The secret is the stored one.
    Match {
        /// Whether the stored string should be made anew of it.
        upgrade: Upgrade,
    },
    /// It is not, or it can't be told from what was sent.
    NoMatch,
}

/// Whether a stored string should be made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the engine answers each in its own way")]
pub enum Upgrade {
    /// It is as the rule wants it, or can't be brought there with the secret in hand.
    None,
    /// Scheme, parameters or lengths are out of date.
    Obsolete,
    /// Only whether it is over SHA-256 differs from what the realm wants.
    Rewrap,
}

/// Why a stored string can't be verified against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It says that there is no password: Django's `!…`, or nothing at all.
    #[error("there is no password")]
    Unusable,
    /// Nobody here knows its tag.
    #[error("the password's scheme is not known")]
    UnknownScheme,
    /// It is not what its tag promises.
    #[error("the stored password is malformed")]
    Malformed,
    /// Verifying it would cost more than this server spends on one log-in.
    #[error("the stored password's parameters are too costly")]
    TooCostly,
}

/// A stored password that was read.
#[derive(Clone)]
pub struct StoredPassword {
    scheme: &'static str,
    subject: Subject,
    hash: Hash,
}

#[derive(Clone)]
enum Hash {
    Argon2(Argon2Hash),
    Pbkdf2(Pbkdf2Hash),
    Bcrypt(BcryptHash),
    Wrapped(WrappedHash),
}

impl StoredPassword {
    /// Reads a stored string. Nothing is hashed.
    ///
    /// # Errors
    /// Why it can't be verified against.
    pub fn parse(stored: &PasswordString) -> Result<Self, Unreadable> {
        let text = stored.expose();
        if text.is_empty() || text.starts_with('!') {
            return Err(Unreadable::Unusable);
        }
        if text.len() > MAX_STORED {
            return Err(Unreadable::Malformed);
        }
        let (scheme, subject, hash) = if text.starts_with("$argon2") {
            ("argon2", Subject::Password, Hash::Argon2(Argon2Hash::parse(text)?))
        } else if let Some(phc) = text.strip_prefix(DIGEST_TAG) {
            ("sha256-hex", Subject::Digest, Hash::Argon2(Argon2Hash::parse(phc)?))
        } else if let Some(phc) = text.strip_prefix("argon2").filter(|phc| phc.starts_with('$')) {
            ("django-argon2", Subject::Password, Hash::Argon2(Argon2Hash::parse(phc)?))
        } else if let Some(fields) = text.strip_prefix("pbkdf2_sha256$") {
            ("pbkdf2_sha256", Subject::Password, Hash::Pbkdf2(Pbkdf2Hash::parse(fields)?))
        } else if let Some(hash) = text.strip_prefix("rocketchat$") {
            ("rocketchat", Subject::Digest, Hash::Bcrypt(BcryptHash::parse(hash)?))
        } else if let Some(hash) = text.strip_prefix("zettelstore$") {
            ("zettelstore", Subject::NamedPassword, Hash::Bcrypt(BcryptHash::parse(hash)?))
        } else if ["$2a$", "$2b$", "$2y$"].iter().any(|tag| text.starts_with(tag)) {
            ("bcrypt", Subject::Password, Hash::Bcrypt(BcryptHash::parse(text)?))
        } else if let Some(wrapped) = text.strip_prefix(wrapped::TAG) {
            let hash = WrappedHash::parse(wrapped)?;
            (hash.scheme(), hash.old().subject, Hash::Wrapped(hash))
        } else {
            return Err(Unreadable::UnknownScheme);
        };
        Ok(Self { scheme, subject, hash })
    }

    /// The scheme in a word, for logs and statistics.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Whether a new hash of the same password would look like this one.
    #[must_use]
    pub fn is_current(&self, rule: &HashingRule) -> bool {
        self.is_strong_as(rule) && self.is_over_digest() == rule.digest_ready
    }

    /// About how long a verification takes on one core: to weigh it against others, not to measure by.
    #[must_use]
    pub fn estimated_time(&self) -> Duration {
        match &self.hash {
            Hash::Argon2(hash) => cost::argon2_time(hash.params()),
            Hash::Pbkdf2(hash) => cost::pbkdf2_time(hash.iterations()),
            Hash::Bcrypt(hash) => cost::bcrypt_time(hash.cost()),
            Hash::Wrapped(hash) => hash.estimated_time(),
        }
    }

    /// Whether what was sent is cut off at [`bcrypt::MAX_INPUT`].
    fn truncates(&self) -> bool {
        match &self.hash {
            Hash::Bcrypt(_) => true,
            Hash::Wrapped(hash) => hash.old().truncates(),
            Hash::Argon2(_) | Hash::Pbkdf2(_) => false,
        }
    }

    fn is_strong_as(&self, rule: &HashingRule) -> bool {
        matches!(&self.hash, Hash::Argon2(hash) if hash.is_current(rule.params))
    }

    /// Whether SHA-256 of the password can be verified against it as well.
    #[must_use]
    pub fn verifies_digest(&self) -> bool {
        self.is_over_digest()
    }

    fn is_over_digest(&self) -> bool {
        self.subject == Subject::Digest
    }

    fn upgrade(&self, secret: &Secret, rule: &HashingRule) -> Upgrade {
        let can_be_made = matches!(secret, Secret::Password(_)) || rule.digest_ready;
        if self.is_current(rule) || !can_be_made {
            Upgrade::None
        } else if self.is_strong_as(rule) {
            Upgrade::Rewrap
        } else {
            Upgrade::Obsolete
        }
    }
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredPassword({}, …)", self.scheme)
    }
}

/// Judges a secret by a stored password. Without one (nobody has that name, or the string can't be read) it does
/// the work of a wrong password on a current record; so it does for a secret that this record can't verify.
///
/// # Errors
/// [`OutOfMemory`]: nothing is known about the secret.
pub fn verify(
    stored: Option<&StoredPassword>,
    secret: &Secret,
    rule: &HashingRule,
    context: &NameContext,
    memory: &mut Memory,
) -> Result<Verdict, OutOfMemory> {
    if let Some(mut computation) = begin_verify(stored, secret, rule, context) {
        compute(slice::from_mut(&mut computation), memory)?;
        return Ok(end_verify(stored, secret, rule, &computation));
    }
    let Some(stored) = stored else { return Ok(Verdict::NoMatch) };
    let input = stored.subject.input(secret, context);
    let bytes = input.as_deref().map_or(&[][..], |bytes| bytes);
    let matched = match &stored.hash {
        Hash::Pbkdf2(hash) => hash.matches(bytes),
        Hash::Bcrypt(hash) => hash.matches(bytes),
        Hash::Wrapped(hash) => hash.matches(bytes, memory)?,
        Hash::Argon2(_) => false,
    };
    if !matched || input.is_none() {
        return Ok(Verdict::NoMatch);
    }
    // What bcrypt cut off is not known to be right, so nothing new is made of it.
    let truncated = stored.truncates() && bytes.len() > bcrypt::MAX_INPUT;
    let upgrade = if truncated { Upgrade::None } else { stored.upgrade(secret, rule) };
    Ok(Verdict::Match { upgrade })
}

/// Makes a stored string by the rule. A digest can only become one over SHA-256, whatever the rule says of it.
///
/// What can't match (a password longer than [`Password::MAX_BYTES`], a text that is no digest) gives a string that
/// nothing verifies against: check it first.
///
/// # Errors
/// [`OutOfMemory`].
pub fn hash(
    secret: &Secret,
    rule: &HashingRule,
    rng: &dyn Rng,
    memory: &mut Memory,
) -> Result<PasswordString, OutOfMemory> {
    let mut computation = begin_hash(secret, rule, rng);
    compute(slice::from_mut(&mut computation), memory)?;
    Ok(end_hash(secret, rule, computation))
}

/// Puts an older hash under Argon2id by the rule: what was stored need never be kept as it was.
///
/// # Errors
/// [`OutOfMemory`].
pub fn wrap(
    old: &OldHash,
    rule: &HashingRule,
    rng: &dyn Rng,
    memory: &mut Memory,
) -> Result<PasswordString, OutOfMemory> {
    let mut computation = begin_wrap(old, rule, rng);
    compute(slice::from_mut(&mut computation), memory)?;
    Ok(end_wrap(old, computation))
}

fn nobodys_input(rng: &dyn Rng) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; 32]);
    rng.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests;

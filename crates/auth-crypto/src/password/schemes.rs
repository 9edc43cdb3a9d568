//! Hashes of a single scheme, and the table of schemes.

use std::time::Duration;

use auth_argon2::{Memory, OutOfMemory, Params};
use zeroize::Zeroizing;

use super::argon2::Argon2Hash;
use super::bcrypt::{self, BcryptHash};
use super::computation::tag_of;
use super::cost;
use super::error::StoredPasswordError;
use super::input::{HashInput, NameContext};
use super::made_for;
use super::pbkdf2::Pbkdf2Hash;

/// The prefix of Argon2 hashes over SHA-256 of the password.
pub(super) const DIGEST_PREFIX: &str = "sha256-hex:";

/// The name of the scheme of new hashes.
#[cfg(feature = "pool")]
pub(crate) const NEW_SCHEME: &str = ARGON2.name;

/// A scheme: its names in logs and statistics, and what it hashes.
struct Scheme {
    name: &'static str,
    wrapped_name: &'static str,
    input: HashInput,
}

const ARGON2: Scheme = Scheme { name: "argon2", wrapped_name: "wrapped-argon2", input: HashInput::Password };

const SHA256_HEX: Scheme =
    Scheme { name: "sha256-hex", wrapped_name: "wrapped-sha256-hex", input: HashInput::Digest };

const DJANGO_ARGON2: Scheme =
    Scheme { name: "django-argon2", wrapped_name: "wrapped-django-argon2", input: HashInput::Password };

const PBKDF2_SHA256: Scheme =
    Scheme { name: "pbkdf2_sha256", wrapped_name: "wrapped-pbkdf2_sha256", input: HashInput::Password };

const DJANGO_BCRYPT: Scheme =
    Scheme { name: "django-bcrypt", wrapped_name: "wrapped-django-bcrypt", input: HashInput::Password };

const DJANGO_BCRYPT_SHA256: Scheme = Scheme {
    name: "django-bcrypt_sha256",
    wrapped_name: "wrapped-django-bcrypt_sha256",
    input: HashInput::DigestedPassword,
};

const ROCKETCHAT: Scheme =
    Scheme { name: "rocketchat", wrapped_name: "wrapped-rocketchat", input: HashInput::Digest };

const ZETTELSTORE: Scheme =
    Scheme { name: "zettelstore", wrapped_name: "wrapped-zettelstore", input: HashInput::NamedPassword };

const BCRYPT: Scheme = Scheme { name: "bcrypt", wrapped_name: "wrapped-bcrypt", input: HashInput::Password };

/// A hash of a single scheme.
#[derive(Clone)]
pub(super) struct UnwrappedHash {
    scheme: &'static Scheme,
    hash: Hash,
    /// Whom a Zettelstore hash was made for, where the string says so.
    made_for: Option<Box<NameContext>>,
}

#[derive(Clone)]
enum Hash {
    Argon2(Argon2Hash),
    Pbkdf2(Pbkdf2Hash),
    Bcrypt(BcryptHash),
}

/// Whether a stored string says that there is no password.
pub(super) fn is_unusable(text: &str) -> bool {
    text.is_empty() || text.starts_with('!')
}

impl UnwrappedHash {
    /// Parses a string by its prefix.
    pub(super) fn parse(text: &str) -> Result<Self, StoredPasswordError> {
        let mut made_for = None;
        let (scheme, hash) = if text.starts_with("$argon2") {
            (&ARGON2, Hash::Argon2(Argon2Hash::parse(text)?))
        } else if let Some(phc) = text.strip_prefix(DIGEST_PREFIX) {
            (&SHA256_HEX, Hash::Argon2(Argon2Hash::parse(phc)?))
        } else if let Some(phc) = text.strip_prefix("argon2").filter(|phc| phc.starts_with('$')) {
            (&DJANGO_ARGON2, Hash::Argon2(Argon2Hash::parse(phc)?))
        } else if let Some(fields) = text.strip_prefix("pbkdf2_sha256$") {
            (&PBKDF2_SHA256, Hash::Pbkdf2(Pbkdf2Hash::parse(fields)?))
        } else if let Some(hash) = text.strip_prefix("bcrypt$") {
            (&DJANGO_BCRYPT, Hash::Bcrypt(BcryptHash::parse(hash)?))
        } else if let Some(hash) = text.strip_prefix("bcrypt_sha256$") {
            (&DJANGO_BCRYPT_SHA256, Hash::Bcrypt(BcryptHash::parse(hash)?))
        } else if let Some(hash) = text.strip_prefix("rocketchat$") {
            (&ROCKETCHAT, Hash::Bcrypt(BcryptHash::parse(hash)?))
        } else if let Some(rest) = text.strip_prefix(made_for::PREFIX) {
            let (names, hash) = made_for::split(rest)?;
            made_for = names;
            (&ZETTELSTORE, Hash::Bcrypt(BcryptHash::parse(hash)?))
        } else if bcrypt::PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            (&BCRYPT, Hash::Bcrypt(BcryptHash::parse(text)?))
        } else {
            return Err(StoredPasswordError::UnknownScheme);
        };
        Ok(Self { scheme, hash, made_for })
    }

    pub(super) fn scheme(&self) -> &'static str {
        self.scheme.name
    }

    /// The name of the scheme when this hash is wrapped.
    pub(super) fn wrapped_scheme(&self) -> &'static str {
        self.scheme.wrapped_name
    }

    pub(super) fn input(&self) -> HashInput {
        self.scheme.input
    }

    /// Whom a Zettelstore hash was made for, where the string says so.
    pub(super) fn made_for(&self) -> Option<&NameContext> {
        self.made_for.as_deref()
    }

    /// Whether a Rocket.Chat made the hash.
    pub(super) fn is_of_rocketchat(&self) -> bool {
        self.scheme.name == ROCKETCHAT.name
    }

    /// The Argon2 hash, if it is one.
    pub(super) fn as_argon2(&self) -> Option<&Argon2Hash> {
        match &self.hash {
            Hash::Argon2(hash) => Some(hash),
            Hash::Pbkdf2(_) | Hash::Bcrypt(_) => None,
        }
    }

    /// Whether a new hash with these parameters would be no stronger.
    pub(super) fn is_strong(&self, params: Params) -> bool {
        self.as_argon2().is_some_and(|hash| hash.is_strong(params))
    }

    pub(super) fn estimated_time(&self) -> Duration {
        match &self.hash {
            Hash::Argon2(hash) => cost::argon2_time(hash.params()),
            Hash::Pbkdf2(hash) => cost::pbkdf2_time(hash.iterations()),
            Hash::Bcrypt(hash) => cost::bcrypt_time(hash.cost()),
        }
    }

    /// The memory of a verification in KiB, as far as it counts: the other schemes take less than a page or two.
    pub(super) fn memory_kib(&self) -> usize {
        self.as_argon2().map_or(0, |hash| cost::argon2_kib(hash.params()))
    }

    /// Whether the scheme ignores a part of this input.
    pub(super) fn truncates(&self, input: &[u8]) -> bool {
        matches!(self.hash, Hash::Bcrypt(_)) && input.len() > bcrypt::MAX_INPUT
    }

    /// Computes the tag of `input` with the salt and the parameters of this hash.
    ///
    /// # Errors
    /// [`OutOfMemory`].
    pub(super) fn compute(
        &self,
        input: &[u8],
        memory: &mut Memory,
    ) -> Result<Zeroizing<Vec<u8>>, OutOfMemory> {
        match &self.hash {
            Hash::Argon2(hash) => tag_of(hash, input, memory),
            Hash::Pbkdf2(hash) => Ok(hash.compute(input)),
            Hash::Bcrypt(hash) => Ok(hash.compute(input)),
        }
    }

    pub(super) fn tag(&self) -> &[u8] {
        match &self.hash {
            Hash::Argon2(hash) => hash.tag(),
            Hash::Pbkdf2(hash) => hash.tag(),
            Hash::Bcrypt(hash) => hash.tag(),
        }
    }

    /// The string `text`, from which this hash was parsed, with the tag overwritten by zero bits.
    pub(super) fn blank(&self, text: &str) -> Option<String> {
        let blank_tag = match &self.hash {
            Hash::Argon2(hash) => hash.blank_tag(),
            Hash::Pbkdf2(_) => Pbkdf2Hash::blank_tag(),
            Hash::Bcrypt(hash) => hash.blank_tag(),
        };
        let before_tag = text.get(..text.len().checked_sub(blank_tag.len())?)?;
        Some(format!("{before_tag}{blank_tag}"))
    }
}

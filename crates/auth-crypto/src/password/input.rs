//! The bytes that a scheme hashes, made from the secret that a client sent.

use auth_core::{Password, PasswordDigest, SecretInput};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::bcrypt;

/// The longest user name, in bytes, for which a Zettelstore hash is verified.
///
/// Zettelstore hashes the zettel id, the user name and the password with bcrypt, which ignores everything after 72
/// bytes. This bound leaves more than eight bytes to the password; after a name of 56 bytes any password would match.
pub const MAX_ZETTELSTORE_NAME: usize = bcrypt::MAX_INPUT - 8 - ZETTEL_ID_AND_BLANKS - 1;

const ZETTEL_ID_AND_BLANKS: usize = 14 + 2;

/// The data of a user that Zettelstore's hashes cover beside the password. Other schemes ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and importers build it")]
pub struct NameContext {
    /// The id of the user's zettel.
    pub zettelstore_id: u64,
    /// The user name.
    pub user_name: String,
}

/// What a scheme hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HashInput {
    /// The password.
    Password,
    /// SHA-256 of the password, in lower-case hexadecimal.
    Digest,
    /// The same, but only where the password itself was sent.
    DigestedPassword,
    /// The id of the user's zettel, the user name and the password, separated by blanks.
    NamedPassword,
}

impl HashInput {
    /// The bytes to hash; `None` for a secret that can't match any record of this kind.
    pub(super) fn bytes(self, secret: &SecretInput, context: &NameContext) -> Option<Zeroizing<Vec<u8>>> {
        match (self, secret) {
            (_, SecretInput::Password(password)) if password.is_too_long() => None,
            (Self::Password, SecretInput::Password(password)) => Some(bytes_of(password)),
            (Self::Digest | Self::DigestedPassword, SecretInput::Password(password)) => {
                Some(hex_digest(password))
            }
            (Self::Digest, SecretInput::Digest(digest)) if is_hex_digest(digest) => {
                Some(Zeroizing::new(digest.expose().as_bytes().to_vec()))
            }
            (Self::NamedPassword, SecretInput::Password(password)) => named_password(password, context),
            (_, SecretInput::Digest(_)) => None,
        }
    }
}

fn bytes_of(password: &Password) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(password.expose().as_bytes().to_vec())
}

fn hex_digest(password: &Password) -> Zeroizing<Vec<u8>> {
    let digest = digest(&SHA256, password.expose().as_bytes());
    Zeroizing::new(HEXLOWER.encode(digest.as_ref()).into_bytes())
}

/// Rocket.Chat hashes the digest as text, so that upper-case digits never match.
fn is_hex_digest(digest: &PasswordDigest) -> bool {
    let text = digest.expose().as_bytes();
    text.len() == 64 && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn named_password(password: &Password, context: &NameContext) -> Option<Zeroizing<Vec<u8>>> {
    let NameContext { zettelstore_id, user_name } = context;
    if user_name.len() > MAX_ZETTELSTORE_NAME {
        return None;
    }
    let mut input = Zeroizing::new(Vec::with_capacity(80 + password.expose().len()));
    input.extend_from_slice(format!("{zettelstore_id:014} {user_name} ").as_bytes());
    input.extend_from_slice(password.expose().as_bytes());
    Some(input)
}

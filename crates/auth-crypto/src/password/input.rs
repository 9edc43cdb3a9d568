//! What a scheme hashes: the bytes made of what was sent.

use auth_core::{Password, PasswordDigest};
use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::{NameContext, Secret, bcrypt};

/// The longest user name with which a Zettelstore hash verifies, in bytes. bcrypt reads 72 bytes, and this leaves
/// more than eight of them to the password; with 56 bytes of name any password would do (zettelstore.md 7).
pub const MAX_ZETTELSTORE_NAME: usize = bcrypt::MAX_INPUT - 8 - ZETTEL_ID_AND_BLANKS - 1;

const ZETTEL_ID_AND_BLANKS: usize = 14 + 2;

/// What a stored hash is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The password.
    Password,
    /// SHA-256 of the password, in lower-case hexadecimal.
    Digest,
    /// The user zettel's id, the user name and the password, with blanks between.
    NamedPassword,
}

impl Subject {
    /// The bytes to hash; `None` when what was sent can't match, whatever is stored.
    pub(super) fn input(self, secret: &Secret, context: &NameContext) -> Option<Zeroizing<Vec<u8>>> {
        match (self, secret) {
            (_, Secret::Password(password)) if password.is_too_long() => None,
            (Self::Password, Secret::Password(password)) => Some(bytes_of(password)),
            (Self::Digest, Secret::Password(password)) => Some(hex_digest(password)),
            (Self::Digest, Secret::Digest(digest)) if is_hex_digest(digest) => {
                Some(Zeroizing::new(digest.expose().as_bytes().to_vec()))
            }
            (Self::NamedPassword, Secret::Password(password)) => named(password, context),
            (_, Secret::Digest(_)) => None,
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

/// Upper-case digits are another text to bcrypt, and so never match (rocketchat.md 1.4).
fn is_hex_digest(digest: &PasswordDigest) -> bool {
    let text = digest.expose().as_bytes();
    text.len() == 64 && text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn named(password: &Password, context: &NameContext) -> Option<Zeroizing<Vec<u8>>> {
    let NameContext { zettelstore_id, user_name } = context;
    if user_name.len() > MAX_ZETTELSTORE_NAME {
        return None;
    }
    let mut input = Zeroizing::new(Vec::with_capacity(80 + password.expose().len()));
    input.extend_from_slice(format!("{zettelstore_id:014} {user_name} ").as_bytes());
    input.extend_from_slice(password.expose().as_bytes());
    Some(input)
}

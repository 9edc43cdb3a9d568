//! Credentials beside the password.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;

use crate::{ClientKey, CredentialId, CredentialKind, Peer, ProtocolName, Timestamp, UserId};

/// A secret beside the password that a user can present, or prove to hold.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Credential {
    /// The credential's identifier.
    pub id: CredentialId,
    /// The user that it belongs to.
    pub user: UserId,
    /// The kind of credential.
    pub kind: CredentialKind,
    /// The credential of the same user that this one came from, and with which it ends.
    pub parent: Option<CredentialId>,
    /// The digest by which the credential is looked up; unique within the kind.
    pub digest: Option<Digest>,
    /// The secret itself, sealed under the key ring, bound to user and kind.
    pub sealed: Option<Vec<u8>>,
    /// Whether the secret is taken in the clear alone, and never by a digest of it: others may know the digest.
    pub clear_only: bool,
    /// Where the credential is good.
    pub scope: Scope,
    /// The name that its owner gave it; unique per user and kind where it is set.
    pub label: Option<String>,
    /// Where the credential was made, where that is known.
    pub origin: Option<Origin>,
    /// When the credential was made.
    pub created: Timestamp,
    /// From this moment on the credential is refused.
    pub expires: Option<Timestamp>,
    /// When the credential was last accepted, to the minute.
    pub last_used: Option<Timestamp>,
    /// A number that only grows: the last TOTP step accepted, the wrong attempts at a mailed code.
    pub counter: i64,
}

/// Where a credential was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Origin {
    /// The client that it was made for.
    pub client: ClientKey,
    /// The name that the client's program gave itself.
    pub agent: Option<Arc<str>>,
}

impl From<&Peer> for Origin {
    fn from(peer: &Peer) -> Self {
        Self { client: peer.client_key(), agent: peer.agent.clone() }
    }
}

/// Where a credential is good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Scope {
    /// The protocols that take the credential; empty means every protocol that takes its kind.
    pub protocols: Vec<ProtocolName>,
    /// Whether the credential satisfies routes that ask for a second factor.
    pub bypass_second_factor: bool,
}

/// A SHA-256 or keyed MAC under which a credential is looked up. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Makes a digest from its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes, as a store keeps them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

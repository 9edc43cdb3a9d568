//! Keyed digests of records that are read again and again, by which it is known whether one has changed.

use std::fmt;

use ring::hmac;

use crate::keyring::{KeyRing, Purpose};

/// A key for digests of records.
///
/// A record can hold a password in clear. Without the key nobody can try passwords against such a digest.
///
/// # Examples
///
/// ```
/// # use auth_core::SeededRng;
/// # use auth_crypto::keyring::KeyRing;
/// use auth_crypto::record_key::RecordKey;
///
/// let ring = KeyRing::generate(&SeededRng::new(1));
/// let keys = RecordKey::of_ring(&ring);
/// assert_eq!(keys[0].id(), 1);
/// assert_eq!(keys[0].digest(b"name", b"iago"), keys[0].digest(b"name", b"iago"));
/// assert_ne!(keys[0].digest(b"name", b"iago"), keys[0].digest(b"full name", b"iago"));
/// ```
pub struct RecordKey {
    id: u32,
    key: hmac::Key,
}

impl RecordKey {
    /// Returns the keys of a ring, that of its active key first.
    #[must_use]
    pub fn of_ring(ring: &KeyRing) -> Vec<Self> {
        let (active, inactive) = ring.signing_keys(Purpose::ImportRecord, b"");
        let keys = std::iter::once(active).chain(inactive);
        let of_key = |(id, bytes): (u32, zeroize::Zeroizing<[u8; 32]>)| Self {
            id,
            key: hmac::Key::new(hmac::HMAC_SHA256, &*bytes),
        };
        ring.ids().into_iter().zip(keys).map(of_key).collect()
    }

    /// Returns the id of the ring's key.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the digest of a part of a record. `part` says which: the same data has another digest in another part.
    #[must_use]
    pub fn digest(&self, part: &[u8], data: &[u8]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.key);
        // With the length, no two pairs of part and data are the same bytes.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
        context.update(data);
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        digest
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordKey({}, …)", self.id)
    }
}

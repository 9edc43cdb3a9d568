//! The key ring of a server: a few random keys, from which a sub-key is derived for every purpose (HKDF, RFC 5869).
//!
//! The first key is the active one: it seals, signs and makes keyed digests. The other keys are inactive, because they
//! are older or not yet promoted, and only open and check. A ring is rotated in four steps: add a key, promote it once
//! every server has it, seal again what was sealed under older keys, and remove those.
//!
//! # Examples
//!
//! Rotate a ring:
//!
//! ```
//! use auth_core::SeededRng;
//! use auth_crypto::keyring::{KeyRing, Purpose, RingKey};
//!
//! let rng = SeededRng::new(1); // a server passes the system's random numbers
//! let ring = KeyRing::generate(&rng);
//! let sealed = ring.seal(Purpose::Totp, b"user 7", b"secret", &rng);
//!
//! let ring = ring.with(RingKey::generate(2, &rng))?.promoted(2).expect("the ring has a key 2");
//! assert_eq!(ring.ids(), [2, 1]);
//! let secret = ring.open(Purpose::Totp, b"user 7", &sealed)?; // key 1 still opens
//! let resealed = ring.seal(Purpose::Totp, b"user 7", &secret, &rng);
//!
//! let ring = ring.without(1).expect("key 1 is not the active one");
//! assert!(ring.open(Purpose::Totp, b"user 7", &resealed).is_ok());
//! assert!(ring.open(Purpose::Totp, b"user 7", &sealed).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use auth_core::{Digest, Rng};
use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

/// The keys of a server: an active one, and any number of inactive ones.
pub struct KeyRing {
    active: Entry,
    inactive: Vec<Entry>,
}

/// A key as it is written to the key file.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "key files are read and written by it")]
pub struct RingKey {
    /// The id of the key, unique in the ring. Sealed bytes begin with the id of their key.
    pub id: u32,
    /// The key itself: 32 random bytes.
    pub secret: Zeroizing<[u8; 32]>,
}

impl RingKey {
    /// Generates a random key.
    #[must_use]
    pub fn generate(id: u32, rng: &dyn Rng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill(&mut *secret);
        Self { id, secret }
    }
}

/// The purpose of a sub-key. Data that was sealed, signed or digested for one purpose is invalid for every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Seals Zulip API keys.
    ZulipKey,
    /// Seals the secrets of TOTP devices.
    Totp,
    /// Seals the visible part of personal tokens.
    PersonalToken,
    /// Seals the SHA-256 of backup codes, from which their keyed digests are made again under a new key.
    BackupCode,
    /// Seals outgoing mail.
    Mail,
    /// Makes keyed digests of codes that are too short for a plain digest.
    ShortCode,
    /// Signs Zettelstore tokens.
    TokenSigning,
    /// Seals what forms and tickets carry.
    SealedText,
    /// Makes keyed digests of records that imports read.
    ImportRecord,
    /// Makes keyed digests of passwords that were right of late. They are kept in memory alone.
    RememberedPassword,
}

impl Purpose {
    /// The label of the sub-key. It must never change: what was sealed under a label is opened under it.
    fn label(self) -> &'static str {
        match self {
            Self::ZulipKey => "zulip-key",
            Self::Totp => "totp",
            Self::PersonalToken => "personal-token",
            Self::BackupCode => "backup-code",
            Self::Mail => "mail",
            Self::ShortCode => "short-code",
            Self::TokenSigning => "token-signing",
            Self::SealedText => "sealed-text",
            Self::ImportRecord => "import-record",
            Self::RememberedPassword => "remembered-password",
        }
    }
}

/// Why a list of keys is not a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The list is empty.
    #[error("a key ring needs a key")]
    Empty,
    /// Two keys have the same id.
    #[error("two keys of the ring have the id {0}")]
    SameId(u32),
}

impl KeyRing {
    /// Generates a ring of one random key, with the id 1.
    #[must_use]
    pub fn generate(rng: &dyn Rng) -> Self {
        Self { active: Entry::new(RingKey::generate(1, rng)), inactive: Vec::new() }
    }

    /// Creates a ring from the keys of a key file. The first is the active one.
    ///
    /// # Errors
    /// [`KeyRingError`] if there are no keys, or two with the same id.
    pub fn from_keys(keys: Vec<RingKey>) -> Result<Self, KeyRingError> {
        let mut seen = std::collections::BTreeSet::new();
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.id)) {
            return Err(KeyRingError::SameId(twice.id));
        }
        let mut entries = keys.into_iter().map(Entry::new);
        let active = entries.next().ok_or(KeyRingError::Empty)?;
        Ok(Self { active, inactive: entries.collect() })
    }

    /// Returns the keys to be written to a key file, the active one first.
    pub fn keys(&self) -> impl Iterator<Item = &RingKey> {
        self.entries().map(|entry| &entry.key)
    }

    /// Returns the check value of the key with the lowest id, which is the oldest.
    ///
    /// A check value identifies a key and discloses nothing about it. A store keeps the check value of one key, and
    /// accepts only rings that [have it](Self::has_check_value).
    ///
    /// # Examples
    ///
    /// ```
    /// # use auth_core::SeededRng;
    /// # use auth_crypto::keyring::KeyRing;
    /// let ring = KeyRing::generate(&SeededRng::new(1));
    /// assert!(ring.has_check_value(&ring.check_value()));
    /// assert!(!KeyRing::generate(&SeededRng::new(2)).has_check_value(&ring.check_value()));
    /// ```
    #[must_use]
    pub fn check_value(&self) -> [u8; 32] {
        self.entries().min_by_key(|entry| entry.key.id).unwrap_or(&self.active).check_value()
    }

    /// Returns whether a check value is that of a key of this ring.
    #[must_use]
    pub fn has_check_value(&self, check: &[u8]) -> bool {
        self.entries().any(|entry| entry.check_value() == check)
    }

    /// Returns the ids of the keys, the active one first.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.entries().map(Entry::id).collect()
    }

    /// Returns the ring with another inactive key at the end.
    ///
    /// # Errors
    /// [`KeyRingError::SameId`] if the ring has a key of this id.
    pub fn with(&self, key: RingKey) -> Result<Self, KeyRingError> {
        Self::from_keys(self.keys().cloned().chain([key]).collect())
    }

    /// Returns the ring with the key of this id as the active one; `None` if it has no such key.
    #[must_use]
    pub fn promoted(&self, id: u32) -> Option<Self> {
        let promoted = self.keys().find(|key| key.id == id)?.clone();
        let inactive = self.keys().filter(|key| key.id != id).cloned();
        Self::from_keys([promoted].into_iter().chain(inactive).collect()).ok()
    }

    /// Returns the ring without the key of this id; `None` if that is the active one.
    #[must_use]
    pub fn without(&self, id: u32) -> Option<Self> {
        let kept = self.keys().filter(|key| key.id != id).cloned();
        if id == self.active.id() { None } else { Self::from_keys(kept.collect()).ok() }
    }

    /// Returns the keyed digest (HMAC-SHA256) of `data` under the active key.
    ///
    /// `context` names what the data belongs to, for example the user: the same data has another digest in another
    /// context.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, context: &[u8], data: &[u8]) -> Digest {
        self.active.mac(purpose, context, data)
    }

    /// Returns the keyed digests of `data` under all keys, the active one first, to search for data that may have been
    /// stored under an older key.
    pub fn macs(&self, purpose: Purpose, context: &[u8], data: &[u8]) -> impl Iterator<Item = Digest> {
        self.entries().map(move |entry| entry.mac(purpose, context, data))
    }

    /// Returns keys for signatures: that of the active key, which signs, and those of the inactive keys, which only
    /// check.
    ///
    /// `context` separates signatures within the purpose: keys of one context are invalid in another.
    #[must_use]
    pub fn signing_keys(
        &self,
        purpose: Purpose,
        context: &[u8],
    ) -> (Zeroizing<[u8; 32]>, Vec<Zeroizing<[u8; 32]>>) {
        let inactive = self.inactive.iter().map(|entry| entry.bytes(purpose.label(), context));
        (self.active.bytes(purpose.label(), context), inactive.collect())
    }

    pub(crate) fn active(&self) -> &Entry {
        &self.active
    }

    pub(crate) fn entry(&self, id: u32) -> Option<&Entry> {
        self.entries().find(|entry| entry.key.id == id)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.active).chain(&self.inactive)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingKey({}, …)", self.id)
    }
}

/// A key of the ring with its pseudorandom key (RFC 5869, section 2.2), from which sub-keys are expanded.
pub(crate) struct Entry {
    key: RingKey,
    prk: hkdf::Prk,
    /// The sub-key that seals texts, which is kept because every page seals one.
    texts: LessSafeKey,
}

impl Entry {
    fn new(key: RingKey) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"auth-server key ring 1");
        let prk = salt.extract(key.secret.as_slice());
        let texts = sealing_key(&prk, Purpose::SealedText);
        Self { key, prk, texts }
    }

    pub(crate) fn id(&self) -> u32 {
        self.key.id
    }

    fn check_value(&self) -> [u8; 32] {
        *self.bytes("check-value", b"")
    }

    /// The sub-key that seals for this purpose.
    pub(crate) fn sealing_key(&self, purpose: Purpose) -> LessSafeKey {
        if purpose == Purpose::SealedText { self.texts.clone() } else { sealing_key(&self.prk, purpose) }
    }

    fn mac(&self, purpose: Purpose, context: &[u8], data: &[u8]) -> Digest {
        let mut mac = hmac::Context::with_key(&self.mac_key(purpose.label()));
        // With the length, no two pairs of context and data are the same bytes.
        mac.update(&u64::try_from(context.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(context);
        mac.update(data);
        Digest::new(*bytes_of(&mac.sign()))
    }

    fn bytes(&self, label: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut mac = hmac::Context::with_key(&self.mac_key(label));
        mac.update(b"bytes");
        mac.update(context);
        bytes_of(&mac.sign())
    }

    fn mac_key(&self, label: &str) -> hmac::Key {
        sub_key(&self.prk, label, hmac::HMAC_SHA256, |okm| hmac::Key::from(okm))
    }
}

fn sealing_key(prk: &hkdf::Prk, purpose: Purpose) -> LessSafeKey {
    LessSafeKey::new(sub_key(prk, purpose.label(), &AES_256_GCM, |okm| UnboundKey::from(okm)))
}

fn sub_key<L: hkdf::KeyType, K>(
    prk: &hkdf::Prk,
    label: &str,
    kind: L,
    make: impl FnOnce(hkdf::Okm<'_, L>) -> K,
) -> K {
    let info = [label.as_bytes()];
    #[expect(clippy::expect_used, reason = "HKDF refuses keys of more than 8160 bytes, and these have 32")]
    let expanded = prk.expand(&info, kind).expect("a key of 32 bytes");
    make(expanded)
}

fn bytes_of(tag: &hmac::Tag) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
pub(crate) mod tests {
    use auth_core::SeededRng;

    use super::*;

    fn key(id: u32) -> RingKey {
        RingKey { id, secret: Zeroizing::new([u8::try_from(id).unwrap(); 32]) }
    }

    /// A ring of keys with these ids, the same in each test.
    pub(crate) fn ring(ids: &[u32]) -> KeyRing {
        KeyRing::from_keys(ids.iter().map(|id| key(*id)).collect()).unwrap()
    }

    #[test]
    fn a_ring_is_restored_from_its_keys() {
        let ring = KeyRing::generate(&SeededRng::new(1));
        let read = KeyRing::from_keys(ring.keys().cloned().collect()).unwrap();
        assert_eq!(ring.check_value(), read.check_value());
        assert_ne!(ring.check_value(), KeyRing::generate(&SeededRng::new(2)).check_value());
    }

    #[test]
    fn rings_without_keys_or_with_duplicate_ids_are_refused() {
        assert_eq!(KeyRing::from_keys(vec![]).err(), Some(KeyRingError::Empty));
        assert_eq!(KeyRing::from_keys(vec![key(1), key(2), key(1)]).err(), Some(KeyRingError::SameId(1)));
    }

    #[test]
    fn the_check_value_outlives_additions_and_promotions() {
        let check = ring(&[1]).check_value();
        for grown in [ring(&[1, 2]), ring(&[2, 1]), ring(&[3, 2, 1])] {
            assert_eq!(grown.check_value(), check);
            assert!(grown.has_check_value(&check) && grown.has_check_value(&ring(&[2]).check_value()));
        }
        assert!(!ring(&[2]).has_check_value(&check) && !ring(&[2]).has_check_value(b""));
    }

    #[test]
    fn keys_are_added_promoted_and_removed() {
        let grown = ring(&[1]).with(key(2)).unwrap();
        assert_eq!(grown.ids(), [1, 2]);
        assert_eq!(grown.with(key(2)).err(), Some(KeyRingError::SameId(2)));
        let promoted = grown.promoted(2).unwrap();
        assert_eq!(promoted.ids(), [2, 1]);
        assert!(promoted.promoted(3).is_none());
        assert_eq!(promoted.without(1).unwrap().ids(), [2]);
        assert!(promoted.without(2).is_none(), "the active one stays");
    }

    #[test]
    fn keyed_digests_differ_by_key_purpose_context_and_data() {
        let digest =
            |ids, purpose, context: &[u8], data: &[u8]| *ring(ids).mac(purpose, context, data).as_bytes();
        let one = digest(&[1], Purpose::ShortCode, b"user", b"123456");
        assert_eq!(one, digest(&[1], Purpose::ShortCode, b"user", b"123456"));
        for other in [
            digest(&[2], Purpose::ShortCode, b"user", b"123456"),
            digest(&[1], Purpose::Mail, b"user", b"123456"),
            digest(&[1], Purpose::ShortCode, b"User", b"123456"),
            digest(&[1], Purpose::ShortCode, b"user1", b"23456"),
            digest(&[1], Purpose::ShortCode, b"user", b"123457"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn digests_under_older_keys_are_found_again() {
        let stored = ring(&[1]).mac(Purpose::ShortCode, b"user", b"123456");
        let grown = ring(&[2, 1]);
        assert_ne!(grown.mac(Purpose::ShortCode, b"user", b"123456"), stored);
        assert!(grown.macs(Purpose::ShortCode, b"user", b"123456").any(|digest| digest == stored));
    }

    #[test]
    fn signing_keys_begin_with_the_active_one() {
        let (active, inactive) = ring(&[2, 1]).signing_keys(Purpose::TokenSigning, b"");
        let (first, none) = ring(&[1]).signing_keys(Purpose::TokenSigning, b"");
        assert_eq!(inactive.first(), Some(&first));
        assert!(none.is_empty());
        assert_ne!(active, first);
        assert_ne!(first, ring(&[1]).signing_keys(Purpose::ShortCode, b"").0);
    }

    #[test]
    fn debug_shows_only_ids() {
        assert_eq!(format!("{:?}", ring(&[2, 1])), "[RingKey(2, …), RingKey(1, …)]");
    }
}

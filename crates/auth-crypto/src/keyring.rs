//! The key ring: a few random keys, and a sub-key of each for every purpose (HKDF, RFC 5869).
//!
//! The first key is the active one: it seals, signs and makes keyed digests. The others are older or to come, and
//! only open and check. So a ring is rotated by adding a key, promoting it once every server has it, sealing
//! again what was sealed under older ones, and taking those out.

use std::fmt;

use auth_core::{Digest, Rng};
use ring::{hkdf, hmac};
use zeroize::Zeroizing;

/// The keys of a server, and what is derived from them.
pub struct KeyRing {
    active: Entry,
    others: Vec<Entry>,
}

/// A key as it is written to the key file.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "key files are read and written by it")]
pub struct RingKey {
    /// Names the key in everything that it sealed; unique in the ring.
    pub id: u32,
    /// The key: 32 random bytes.
    pub secret: Zeroizing<[u8; 32]>,
}

impl RingKey {
    /// A new key.
    #[must_use]
    pub fn generate(id: u32, rng: &dyn Rng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill(&mut *secret);
        Self { id, secret }
    }
}

/// What a sub-key is for: what was made for one purpose is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Seals Zulip API keys.
    ZulipKey,
    /// Seals the secrets of TOTP devices.
    Totp,
    /// Seals what is shown of personal tokens.
    PersonalToken,
    /// Seals what backup codes' digests are made of, so that they can be made anew under another key.
    BackupCode,
    /// Seals outgoing mail.
    Mail,
    /// Digests of codes that are too short for a plain one.
    ShortCode,
    /// Signs Zettelstore tokens.
    TokenSigning,
}

impl Purpose {
    /// Never to be changed: what was sealed under a label is opened under it.
    fn label(self) -> &'static str {
        match self {
            Self::ZulipKey => "zulip-key",
            Self::Totp => "totp",
            Self::PersonalToken => "personal-token",
            Self::BackupCode => "backup-code",
            Self::Mail => "mail",
            Self::ShortCode => "short-code",
            Self::TokenSigning => "token-signing",
        }
    }
}

/// Why keys make no ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRing {
    /// There is no key.
    #[error("a key ring needs a key")]
    Empty,
    /// Two keys have this id.
    #[error("two keys of the ring have the id {0}")]
    SameId(u32),
}

impl KeyRing {
    /// A ring of one new key, with the id 1.
    #[must_use]
    pub fn generate(rng: &dyn Rng) -> Self {
        Self { active: Entry::new(RingKey::generate(1, rng)), others: Vec::new() }
    }

    /// A ring of keys that were read; the first is the active one.
    ///
    /// # Errors
    /// [`BadRing`].
    pub fn from_keys(keys: Vec<RingKey>) -> Result<Self, BadRing> {
        let mut seen = std::collections::BTreeSet::new();
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.id)) {
            return Err(BadRing::SameId(twice.id));
        }
        let mut entries = keys.into_iter().map(Entry::new);
        let active = entries.next().ok_or(BadRing::Empty)?;
        Ok(Self { active, others: entries.collect() })
    }

    /// The keys, to be written down; the active one first.
    pub fn keys(&self) -> impl Iterator<Item = &RingKey> {
        self.entries().map(|entry| &entry.key)
    }

    /// By which a store knows its ring: a value for each key that says nothing about it. A store keeps that of one
    /// key, first the oldest's, and takes a ring that has it.
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

    /// Whether a check value is that of a key of this ring.
    #[must_use]
    pub fn has_check_value(&self, check: &[u8]) -> bool {
        self.entries().any(|entry| entry.check_value() == check)
    }

    /// The ids of the keys, the active one first.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.entries().map(Entry::id).collect()
    }

    /// The ring with another key, to come: it only opens and checks.
    ///
    /// # Errors
    /// [`BadRing::SameId`].
    pub fn with(&self, key: RingKey) -> Result<Self, BadRing> {
        Self::from_keys(self.keys().cloned().chain([key]).collect())
    }

    /// The ring with the key of that id as the active one; `None` when it has no such key.
    #[must_use]
    pub fn promoted(&self, id: u32) -> Option<Self> {
        let promoted = self.keys().find(|key| key.id == id)?.clone();
        let others = self.keys().filter(|key| key.id != id).cloned();
        Self::from_keys([promoted].into_iter().chain(others).collect()).ok()
    }

    /// The ring without the key of that id; `None` when it is the active one.
    #[must_use]
    pub fn without(&self, id: u32) -> Option<Self> {
        let kept = self.keys().filter(|key| key.id != id).cloned();
        if id == self.active.id() { None } else { Self::from_keys(kept.collect()).ok() }
    }

    /// The keyed digest of `data` under the active key. `context` says what the data belongs to.
    #[must_use]
    pub fn mac(&self, purpose: Purpose, context: &[u8], data: &[u8]) -> Digest {
        self.active.mac(purpose, context, data)
    }

    /// The keyed digests of `data` under every key, the active one first: to look for what may have been stored
    /// under an older one.
    pub fn macs(&self, purpose: Purpose, context: &[u8], data: &[u8]) -> impl Iterator<Item = Digest> {
        self.entries().map(move |entry| entry.mac(purpose, context, data))
    }

    /// Keys to sign with: the active one, and those that only check. `context` says what the signatures are for
    /// within the purpose: keys of one context are worth nothing in another.
    #[must_use]
    pub fn signing_keys(
        &self,
        purpose: Purpose,
        context: &[u8],
    ) -> (Zeroizing<[u8; 32]>, Vec<Zeroizing<[u8; 32]>>) {
        let others = self.others.iter().map(|entry| entry.bytes(purpose.label(), context));
        (self.active.bytes(purpose.label(), context), others.collect())
    }

    pub(crate) fn active(&self) -> &Entry {
        &self.active
    }

    pub(crate) fn entry(&self, id: u32) -> Option<&Entry> {
        self.entries().find(|entry| entry.key.id == id)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.active).chain(&self.others)
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

/// A key with what is derived from it once.
pub(crate) struct Entry {
    key: RingKey,
    derived: hkdf::Prk,
}

impl Entry {
    fn new(key: RingKey) -> Self {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"auth-server key ring 1");
        let derived = salt.extract(key.secret.as_slice());
        Self { key, derived }
    }

    pub(crate) fn id(&self) -> u32 {
        self.key.id
    }

    fn check_value(&self) -> [u8; 32] {
        *self.bytes("check-value", b"")
    }

    /// The sub-key for sealing.
    pub(crate) fn sealing_key(&self, purpose: Purpose) -> ring::aead::LessSafeKey {
        let key =
            self.sub_key(purpose.label(), &ring::aead::AES_256_GCM, |okm| ring::aead::UnboundKey::from(okm));
        ring::aead::LessSafeKey::new(key)
    }

    fn mac(&self, purpose: Purpose, context: &[u8], data: &[u8]) -> Digest {
        let mut mac = hmac::Context::with_key(&self.mac_key(purpose.label()));
        // The length keeps one pair of context and data from being read as another.
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
        self.sub_key(label, hmac::HMAC_SHA256, |okm| hmac::Key::from(okm))
    }

    fn sub_key<L: hkdf::KeyType, K>(
        &self,
        label: &str,
        kind: L,
        make: impl FnOnce(hkdf::Okm<'_, L>) -> K,
    ) -> K {
        let info = [label.as_bytes()];
        #[expect(
            clippy::expect_used,
            reason = "HKDF refuses keys of more than 8160 bytes, and these have 32"
        )]
        let expanded = self.derived.expand(&info, kind).expect("a key of 32 bytes");
        make(expanded)
    }
}

fn bytes_of(tag: &hmac::Tag) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(tag.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use auth_core::SeededRng;

    use super::*;

    fn key(id: u32) -> RingKey {
        RingKey { id, secret: Zeroizing::new([u8::try_from(id).unwrap(); 32]) }
    }

    fn ring(ids: &[u32]) -> KeyRing {
        KeyRing::from_keys(ids.iter().map(|id| key(*id)).collect()).unwrap()
    }

    #[test]
    fn a_ring_that_was_written_down_reads_back() {
        let ring = KeyRing::generate(&SeededRng::new(1));
        let read = KeyRing::from_keys(ring.keys().cloned().collect()).unwrap();
        assert_eq!(ring.check_value(), read.check_value());
        assert_ne!(ring.check_value(), KeyRing::generate(&SeededRng::new(2)).check_value());
    }

    #[test]
    fn rings_without_keys_or_with_an_id_twice_are_refused() {
        assert_eq!(KeyRing::from_keys(vec![]).err(), Some(BadRing::Empty));
        assert_eq!(KeyRing::from_keys(vec![key(1), key(2), key(1)]).err(), Some(BadRing::SameId(1)));
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
    fn keys_are_added_promoted_and_taken_out() {
        let grown = ring(&[1]).with(key(2)).unwrap();
        assert_eq!(grown.ids(), [1, 2]);
        assert_eq!(grown.with(key(2)).err(), Some(BadRing::SameId(2)));
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
    fn signing_keys_name_the_active_one_first() {
        let (active, others) = ring(&[2, 1]).signing_keys(Purpose::TokenSigning, b"");
        let (first, none) = ring(&[1]).signing_keys(Purpose::TokenSigning, b"");
        assert_eq!(others.first(), Some(&first));
        assert!(none.is_empty());
        assert_ne!(active, first);
        assert_ne!(first, ring(&[1]).signing_keys(Purpose::ShortCode, b"").0);
    }

    #[test]
    fn debug_shows_ids_alone() {
        assert_eq!(format!("{:?}", ring(&[2, 1])), "[RingKey(2, …), RingKey(1, …)]");
    }
}

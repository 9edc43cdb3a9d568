//! Sealing: AES-256-GCM under a sub-key of the ring, bound to what the secret belongs to.
//!
//! ```text
//! 1 byte: version 1 | 4: id of the key | 12: nonce | the ciphertext | 16: tag
//! ```
//!
//! Random nonces are safe for 2^32 secrets of a purpose under one key.

use auth_core::Rng;
use ring::aead::{Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, Tag};
use zeroize::Zeroizing;

use crate::keyring::{KeyRing, Purpose};

const VERSION: u8 = 1;

/// Version and key id.
const HEADER: usize = 1 + 4;

/// The sealed bytes can't be opened: they were changed, belong to something else, or to another ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret can't be opened")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to tell")]
pub struct CannotOpen;

impl KeyRing {
    /// Seals a secret under the active key. `context` names what it belongs to (its user and kind): it can't be
    /// opened as anything else's.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, context: &[u8], plaintext: &[u8], rng: &dyn Rng) -> Vec<u8> {
        let key = self.active();
        let header = header_of(key.id());
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);

        let mut sealed = Vec::with_capacity(HEADER + NONCE_LEN + plaintext.len() + MAX_TAG_LEN);
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let (_, body) = sealed.split_at_mut(HEADER + NONCE_LEN);
        let tag = encrypt(&key.sealing_key(purpose), nonce, &bound_to(header, context), body);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens what was sealed for this purpose and context, under any key of the ring.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (header, rest) = sealed.split_first_chunk::<HEADER>().ok_or(CannotOpen)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CannotOpen)?;
        let [_, id @ ..] = *header;
        let id = u32::from_be_bytes(id);
        if *header != header_of(id) {
            return Err(CannotOpen);
        }
        let key = self.entry(id).ok_or(CannotOpen)?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        let aad = Aad::from(bound_to(*header, context));
        let length = key
            .sealing_key(purpose)
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut plaintext)
            .map_err(|_| CannotOpen)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// Whether sealed bytes are under the active key; others should be sealed again before theirs is retired.
    #[must_use]
    pub fn is_sealed_by_active(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&header_of(self.active().id()))
    }
}

/// The id of the key that sealed something; `None` for bytes that nothing here sealed.
#[must_use]
pub fn sealed_by(sealed: &[u8]) -> Option<u32> {
    let [_, id @ ..] = *sealed.first_chunk::<HEADER>()?;
    let id = u32::from_be_bytes(id);
    sealed.starts_with(&header_of(id)).then_some(id)
}

fn encrypt(key: &LessSafeKey, nonce: [u8; NONCE_LEN], aad: &[u8], body: &mut [u8]) -> Tag {
    let tag = key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), body);
    #[expect(clippy::expect_used, reason = "AES-GCM refuses only what is longer than 64 GiB")]
    tag.expect("a secret of less than 64 GiB")
}

fn header_of(id: u32) -> [u8; HEADER] {
    let [a, b, c, d] = id.to_be_bytes();
    [VERSION, a, b, c, d]
}

fn bound_to(header: [u8; HEADER], context: &[u8]) -> Vec<u8> {
    [&header[..], context].concat()
}

#[cfg(test)]
mod tests {
    use auth_core::SeededRng;
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::RingKey;

    fn ring(ids: &[u32]) -> KeyRing {
        let key = |id: &u32| RingKey { id: *id, secret: Zeroizing::new([u8::try_from(*id).unwrap(); 32]) };
        KeyRing::from_keys(ids.iter().map(key).collect()).unwrap()
    }

    fn sealed() -> Vec<u8> {
        ring(&[1]).seal(Purpose::Totp, b"user 1", b"secret", &SeededRng::new(1))
    }

    #[test]
    fn only_its_own_purpose_and_context_open_a_secret() {
        let ring = ring(&[1]);
        assert_eq!(ring.open(Purpose::Totp, b"user 1", &sealed()).unwrap().as_slice(), b"secret");
        assert_eq!(ring.open(Purpose::Totp, b"user 2", &sealed()), Err(CannotOpen));
        assert_eq!(ring.open(Purpose::ZulipKey, b"user 1", &sealed()), Err(CannotOpen));
    }

    #[test]
    fn a_rotated_ring_opens_what_its_older_key_sealed() {
        let rotated = ring(&[2, 1]);
        assert!(rotated.open(Purpose::Totp, b"user 1", &sealed()).is_ok());
        assert!(!rotated.is_sealed_by_active(&sealed()));
        let anew = rotated.seal(Purpose::Totp, b"user 1", b"secret", &SeededRng::new(2));
        assert!(rotated.is_sealed_by_active(&anew));
        assert_eq!((sealed_by(&sealed()), sealed_by(&anew), sealed_by(b"")), (Some(1), Some(2), None));
        assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &anew), Err(CannotOpen));
    }

    #[test]
    fn another_ring_with_the_same_id_opens_nothing() {
        let other = KeyRing::generate(&SeededRng::new(9));
        assert_eq!(other.open(Purpose::Totp, b"user 1", &sealed()), Err(CannotOpen));
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        let rng = SeededRng::new(3);
        let seal = || ring(&[1]).seal(Purpose::Totp, b"user 1", b"secret", &rng);
        assert_ne!(seal(), seal());
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens(context: Vec<u8>, plaintext: Vec<u8>, seed: u64) {
            let ring = KeyRing::generate(&SeededRng::new(seed));
            let sealed = ring.seal(Purpose::Mail, &context, &plaintext, &SeededRng::new(seed ^ 1));
            prop_assert_eq!(ring.open(Purpose::Mail, &context, &sealed).unwrap().to_vec(), plaintext);
        }

        #[test]
        fn any_change_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut changed = sealed();
            let at = at.index(changed.len());
            changed[at] ^= 1_u8 << bit;
            prop_assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &changed), Err(CannotOpen));
            prop_assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &sealed()[..at]), Err(CannotOpen));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            prop_assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &bytes), Err(CannotOpen));
        }
    }
}

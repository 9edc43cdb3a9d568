//! Sealing: authenticated encryption of secrets in the store, by AES-256-GCM under a sub-key of the key ring.
//!
//! ```text
//! 1 byte: version 1 | 4: id of the key | 12: nonce | the ciphertext | 16: tag
//! ```
//!
//! The associated data are the version, the id of the key, and the caller's context, which names the owner of the
//! secret. Nonces are random, which is safe for 2^32 secrets of one purpose under one key.
//!
//! # Examples
//!
//! ```
//! use auth_core::SeededRng;
//! use auth_crypto::keyring::{KeyRing, Purpose};
//! use auth_crypto::seal::{OpenError, sealed_by};
//!
//! let rng = SeededRng::new(1); // a server passes the system's random numbers
//! let ring = KeyRing::generate(&rng);
//!
//! let sealed = ring.seal(Purpose::ZulipKey, b"user 7", b"an API key", &rng);
//! assert_eq!(sealed_by(&sealed), Some(1));
//! assert_eq!(ring.open(Purpose::ZulipKey, b"user 7", &sealed)?.as_slice(), b"an API key");
//! assert_eq!(ring.open(Purpose::ZulipKey, b"user 8", &sealed), Err(OpenError));
//! # Ok::<(), OpenError>(())
//! ```

use auth_core::Rng;
use ring::aead::{Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, Tag};
use zeroize::Zeroizing;

use crate::keyring::{KeyRing, Purpose};

const VERSION: u8 = 1;

/// Bytes of the header: the version and the id of the key.
const HEADER: usize = 1 + 4;

/// Sealed bytes can't be opened: they were changed, they were sealed for another purpose or context, or the ring has
/// not got their key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret can't be opened")]
#[expect(clippy::exhaustive_structs, reason = "decryption fails without a reason")]
pub struct OpenError;

impl KeyRing {
    /// Seals a secret under the active key.
    ///
    /// `context` names what the secret belongs to, such as its user and kind. The secret can be opened only with the
    /// same purpose and context.
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
        let tag = encrypt(&key.sealing_key(purpose), nonce, &associated_data(header, context), body);
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens bytes that were sealed for this purpose and context under any key of the ring.
    ///
    /// # Errors
    /// [`OpenError`] if the bytes, the purpose or the context differ, or the ring has not got the key.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (header, rest) = sealed.split_first_chunk::<HEADER>().ok_or(OpenError)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        let [_, id @ ..] = *header;
        let id = u32::from_be_bytes(id);
        if *header != header_of(id) {
            return Err(OpenError);
        }
        let key = self.entry(id).ok_or(OpenError)?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        let aad = Aad::from(associated_data(*header, context));
        let length = key
            .sealing_key(purpose)
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut plaintext)
            .map_err(|_| OpenError)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    /// Returns whether bytes were sealed under the active key. Others must be sealed again before their key is removed.
    #[must_use]
    pub fn is_sealed_by_active(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&header_of(self.active().id()))
    }
}

/// Returns the id of the key that sealed these bytes; `None` if they don't begin like sealed bytes.
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

fn associated_data(header: [u8; HEADER], context: &[u8]) -> Vec<u8> {
    [&header[..], context].concat()
}

#[cfg(test)]
mod tests {
    use auth_core::SeededRng;
    use proptest::prelude::*;

    use super::*;
    use crate::keyring::tests::ring;

    fn sealed() -> Vec<u8> {
        ring(&[1]).seal(Purpose::Totp, b"user 1", b"secret", &SeededRng::new(1))
    }

    #[test]
    fn a_secret_is_opened_only_with_its_purpose_and_context() {
        let ring = ring(&[1]);
        assert_eq!(ring.open(Purpose::Totp, b"user 1", &sealed()).unwrap().as_slice(), b"secret");
        assert_eq!(ring.open(Purpose::Totp, b"user 2", &sealed()), Err(OpenError));
        assert_eq!(ring.open(Purpose::ZulipKey, b"user 1", &sealed()), Err(OpenError));
    }

    #[test]
    fn a_rotated_ring_opens_secrets_of_its_older_key() {
        let rotated = ring(&[2, 1]);
        assert!(rotated.open(Purpose::Totp, b"user 1", &sealed()).is_ok());
        assert!(!rotated.is_sealed_by_active(&sealed()));
        let resealed = rotated.seal(Purpose::Totp, b"user 1", b"secret", &SeededRng::new(2));
        assert!(rotated.is_sealed_by_active(&resealed));
        assert_eq!((sealed_by(&sealed()), sealed_by(&resealed), sealed_by(b"")), (Some(1), Some(2), None));
        assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &resealed), Err(OpenError));
    }

    #[test]
    fn another_ring_with_the_same_id_opens_nothing() {
        let other = KeyRing::generate(&SeededRng::new(9));
        assert_eq!(other.open(Purpose::Totp, b"user 1", &sealed()), Err(OpenError));
    }

    #[test]
    fn sealing_the_same_secret_twice_gives_different_bytes() {
        let rng = SeededRng::new(3);
        let seal = || ring(&[1]).seal(Purpose::Totp, b"user 1", b"secret", &rng);
        assert_ne!(seal(), seal());
    }

    proptest! {
        #[test]
        fn sealed_secrets_open(context: Vec<u8>, plaintext: Vec<u8>, seed: u64) {
            let ring = KeyRing::generate(&SeededRng::new(seed));
            let sealed = ring.seal(Purpose::Mail, &context, &plaintext, &SeededRng::new(seed ^ 1));
            prop_assert_eq!(ring.open(Purpose::Mail, &context, &sealed).unwrap().to_vec(), plaintext);
        }

        #[test]
        fn any_change_is_refused(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let mut changed = sealed();
            let at = at.index(changed.len());
            changed[at] ^= 1_u8 << bit;
            prop_assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &changed), Err(OpenError));
            prop_assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &sealed()[..at]), Err(OpenError));
        }

        #[test]
        fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
            prop_assert_eq!(ring(&[1]).open(Purpose::Totp, b"user 1", &bytes), Err(OpenError));
        }
    }
}

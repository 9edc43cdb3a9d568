//! The keys under which the token of a login travels back to the desktop program, by way of the clipboard.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::one_time_pad::InvalidPad;

/// The length of a key, in bytes.
const LENGTH: usize = 32;

/// The length of a nonce, in bytes.
pub(crate) const NONCE: usize = NONCE_LEN;

/// A key that the desktop program chose: 32 random bytes, 64 hexadecimal digits on the wire (`desktop_flow_otp`).
pub struct DesktopKey(Zeroizing<[u8; LENGTH]>);

impl DesktopKey {
    /// Reads 64 hexadecimal digits of either case.
    ///
    /// # Errors
    /// [`InvalidPad`] for any other text, which Zulip answers with 400 and `Invalid OTP`.
    pub fn parse(text: &str) -> Result<Self, InvalidPad> {
        let bytes = Zeroizing::new(HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| InvalidPad)?);
        let key = <[u8; LENGTH]>::try_from(bytes.as_slice()).map_err(|_| InvalidPad)?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// Seals a token with AES-256-GCM, without further data: nonce, ciphertext and tag as lower-case hexadecimal digits.
    /// `None` when the token is longer than AES-GCM takes. No key may be used with one nonce twice.
    ///
    /// ```
    /// use auth_proto_zulip::DesktopKey;
    /// let key = DesktopKey::parse(&"1234abcd".repeat(8)).unwrap();
    /// let sealed = key.seal([7; 12], "0123456789abcdef0123456789abcdef").unwrap();
    /// assert_eq!(sealed.len(), 120);
    /// assert_eq!(key.open(&sealed).as_deref(), Some("0123456789abcdef0123456789abcdef"));
    /// ```
    #[must_use]
    pub fn seal(&self, nonce: [u8; NONCE], token: &str) -> Option<String> {
        let mut data = token.as_bytes().to_vec();
        let key = self.key()?;
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut data).ok()?;
        Some(HEXLOWER.encode(&[&nonce, data.as_slice()].concat()))
    }

    /// Opens a sealed token; `None` when it was not sealed with this key.
    #[must_use]
    pub fn open(&self, sealed: &str) -> Option<String> {
        let bytes = HEXLOWER_PERMISSIVE.decode(sealed.as_bytes()).ok()?;
        let (nonce, data) = bytes.split_at_checked(NONCE)?;
        let (nonce, mut data) = (Nonce::try_assume_unique_for_key(nonce).ok()?, data.to_vec());
        let opened = self.key()?.open_in_place(nonce, Aad::empty(), &mut data).ok()?;
        String::from_utf8(opened.to_vec()).ok()
    }

    fn key(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&AES_256_GCM, &*self.0).ok().map(LessSafeKey::new)
    }
}

impl fmt::Debug for DesktopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DesktopKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Data that a real server made under the key `1234abcd…`; each holds a token of 32 lower-case hexadecimal digits.
    #[test]
    fn opens_what_a_real_server_sealed() {
        let key = DesktopKey::parse(&"1234abcd".repeat(8)).unwrap();
        for sealed in [
            "c44b8f43bab67a3e6c5ead6fdce6328786d9b8789584939d6af81ff439e37978f470c8d4dea9cfb68f246f2775e7d33d5479f64a321b11ff0fd56261",
            "8d8eb0dd72eb91fe60212c8b99bd7324a834a44f1685cdf3b1f79e9ad20a30b5006c708376a62628f4e3885ea803048b392e71ee83a3d41cf76579d6",
        ] {
            let token = key.open(sealed).unwrap();
            assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
            let nonce = HEXLOWER.decode(&sealed.as_bytes()[..24]).unwrap().try_into().unwrap();
            assert_eq!(key.seal(nonce, &token).as_deref(), Some(sealed));
            assert_eq!(DesktopKey::parse(&"00".repeat(32)).unwrap().open(sealed), None);
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        for bad in ["", "1234", &"g".repeat(64), &"0".repeat(63), &"0".repeat(66)] {
            assert_eq!(DesktopKey::parse(bad).err(), Some(InvalidPad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_opened_and_nothing_else(
            key in "[0-9a-fA-F]{64}",
            nonce: [u8; NONCE],
            token in "[0-9a-f]{32}",
            at in 0..60_usize,
        ) {
            let key = DesktopKey::parse(&key).unwrap();
            let sealed = key.seal(nonce, &token).unwrap();
            let opened = key.open(&sealed);
            prop_assert_eq!(opened.as_deref(), Some(token.as_str()));
            let mut bytes = HEXLOWER.decode(sealed.as_bytes()).unwrap();
            bytes[at] ^= 1;
            prop_assert_eq!(key.open(&HEXLOWER.encode(&bytes)), None);
        }

        #[test]
        fn any_text_is_opened_or_not(text: String) {
            prop_assert_eq!(DesktopKey::parse(&"0".repeat(64)).unwrap().open(&text), None);
        }
    }
}

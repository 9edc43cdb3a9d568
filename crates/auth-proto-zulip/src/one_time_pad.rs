//! One-time pads, by which an API key travels back to a mobile app.

use std::fmt;

use auth_core::ApiKey;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// The length of a key and of a pad, in bytes.
const LENGTH: usize = 32;

/// A pad that an app chose: 32 random bytes, 64 hexadecimal digits on the wire. It may be used only once.
#[derive(Clone)]
pub struct OneTimePad([u8; LENGTH]);

impl OneTimePad {
    /// Reads 64 hexadecimal digits of either case. Full-width digits count as their ASCII ones, as in the real server.
    ///
    /// # Errors
    /// [`InvalidPad`] for any other text, which Zulip answers with 400 and `Invalid OTP`.
    pub fn parse(text: &str) -> Result<Self, InvalidPad> {
        let text: String = text.chars().take(2 * LENGTH + 1).map(half_width).collect();
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| InvalidPad)?;
        bytes.try_into().map(Self).map_err(|_| InvalidPad)
    }

    /// Encrypts a key, as 64 lower-case hexadecimal digits; `None` when the key has not 32 bytes.
    ///
    /// ```
    /// use auth_core::ApiKey;
    /// use auth_proto_zulip::OneTimePad;
    /// let pad = OneTimePad::parse(&"7be38894".repeat(8)).unwrap();
    /// let encrypted = pad.encrypt(&ApiKey::new("12ac".repeat(8))).unwrap();
    /// assert_eq!(encrypted, "4ad1e9f7".repeat(8));
    /// assert_eq!(pad.decrypt(&encrypted), Some(ApiKey::new("12ac".repeat(8))));
    /// ```
    #[must_use]
    pub fn encrypt(&self, key: &ApiKey) -> Option<String> {
        Some(HEXLOWER.encode(&self.xor(key.expose().as_bytes())?))
    }

    /// Decrypts a key; `None` when the result is not 32 bytes of UTF-8.
    #[must_use]
    pub fn decrypt(&self, encrypted: &str) -> Option<ApiKey> {
        let bytes = HEXLOWER_PERMISSIVE.decode(encrypted.as_bytes()).ok()?;
        String::from_utf8(self.xor(&bytes)?).ok().map(ApiKey::new)
    }

    fn xor(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        (bytes.len() == LENGTH).then(|| bytes.iter().zip(self.0).map(|(byte, pad)| byte ^ pad).collect())
    }
}

/// The ASCII digit of a full-width one; any other character as it is.
fn half_width(c: char) -> char {
    let digit = u32::from(c).checked_sub(u32::from('０')).and_then(|digit| char::from_digit(digit, 10));
    digit.unwrap_or(c)
}

impl fmt::Debug for OneTimePad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimePad(…)")
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "apps are told no more than this")]
pub struct InvalidPad;

impl fmt::Display for InvalidPad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a one-time pad has 64 hexadecimal digits")
    }
}

impl std::error::Error for InvalidPad {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encrypts_the_recorded_vectors() {
        let iago = "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv";
        for (key, pad, encrypted) in [
            ("12ac".repeat(8).as_str(), "7be38894".repeat(8), "4ad1e9f7".repeat(8).as_str()),
            (iago, "1234abcd".repeat(8), "755eeafd266ef2ae636ce0ac7e42f280530ce4a84a67cdb7477be7bf6656f1bb"),
            (
                iago,
                "１２34ABCD".repeat(8),
                "755eeafd266ef2ae636ce0ac7e42f280530ce4a84a67cdb7477be7bf6656f1bb",
            ),
            (iago, "1234ABCD".repeat(8), "755eeafd266ef2ae636ce0ac7e42f280530ce4a84a67cdb7477be7bf6656f1bb"),
            (
                iago,
                "00112233445566778899aabbccddeeff".repeat(2),
                "677b6303700f3f14f9c1e1daa0abb7b241296d561c06000dddd6e6c9b8bfb489",
            ),
        ] {
            let pad = OneTimePad::parse(&pad).unwrap();
            assert_eq!(pad.encrypt(&ApiKey::new(key)).as_deref(), Some(encrypted));
        }
    }

    #[test]
    fn refuses_malformed_pads_and_keys_of_other_lengths() {
        for bad in ["", "1234", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"0".repeat(66)] {
            assert_eq!(OneTimePad::parse(bad).err(), Some(InvalidPad), "{bad}");
        }
        let pad = OneTimePad::parse(&"0".repeat(64)).unwrap();
        assert_eq!(pad.encrypt(&ApiKey::new("short")), None);
        assert_eq!(pad.decrypt("00"), None);
    }

    proptest! {
        #[test]
        fn decryption_gives_the_key_back(key in "[A-Za-z0-9]{32}", pad in "[0-9a-f]{64}") {
            let (key, pad) = (ApiKey::new(key), OneTimePad::parse(&pad).unwrap());
            prop_assert_eq!(pad.decrypt(&pad.encrypt(&key).unwrap()), Some(key));
        }
    }
}

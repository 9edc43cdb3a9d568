//! One-time codes of RFC 6238, as a user's device shows them.

use anyhow::Result;
use data_encoding::BASE32_NOPAD;
use ring::hmac;

use crate::clock::unix_seconds;

/// The length of a time step in seconds.
const STEP: i64 = 30;

/// The code of six digits (SHA-1) for the current time step plus `offset` steps.
///
/// # Errors
/// When the secret is not base32.
pub fn totp(secret: &str, offset: i64) -> Result<String> {
    hotp(secret, unix_seconds().div_euclid(STEP) + offset)
}

fn hotp(secret: &str, counter: i64) -> Result<String> {
    let secret = BASE32_NOPAD.decode(secret.trim_end_matches('=').as_bytes())?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let mac = hmac::sign(&key, &counter.to_be_bytes());
    let offset = usize::from(mac.as_ref().last().copied().unwrap_or(0) & 15);
    let word = mac.as_ref().get(offset..offset + 4).and_then(|word| word.try_into().ok()).unwrap_or([0; 4]);
    Ok(format!("{:06}", (u32::from_be_bytes(word) & 0x7FFF_FFFF) % 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, SHA-1, the last six of its eight digits.
        let secret = BASE32_NOPAD.encode(b"12345678901234567890");
        for (time, digits) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000_i64, "353130")] {
            assert_eq!(hotp(&secret, time / STEP).unwrap(), digits);
        }
    }
}

//! The one-time pads of Zulip's apps: 64 hexadecimal digits, with which a key of 32 ASCII characters is combined by XOR.

use anyhow::{Context, Result, ensure};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// Encrypts an API key with a pad, to lower-case hexadecimal digits.
///
/// # Errors
/// When the pad is not hexadecimal, or not as long as the key.
pub fn encrypt(key: &str, pad: &str) -> Result<String> {
    let pad = HEXLOWER_PERMISSIVE.decode(pad.as_bytes()).context("the pad is not hexadecimal")?;
    ensure!(pad.len() == key.len(), "the pad is not as long as the key");
    let bytes: Vec<u8> = key.bytes().zip(pad).map(|(key, pad)| key ^ pad).collect();
    Ok(HEXLOWER.encode(&bytes))
}

/// Whether Zulip takes the text for a pad: 64 hexadecimal digits.
#[must_use]
pub fn is_pad(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pad_of_zeros_shows_the_key_itself() {
        let key = "X1WT4LyLFTp8ybKRbTVXs3UPzvG0CkCZ";
        assert_eq!(encrypt(key, &"0".repeat(64)).unwrap(), HEXLOWER.encode(key.as_bytes()));
        assert!(encrypt(key, "00").is_err());
        assert!(is_pad(&"aF".repeat(32)) && !is_pad(&"aF".repeat(31)) && !is_pad(&"xx".repeat(32)));
    }
}

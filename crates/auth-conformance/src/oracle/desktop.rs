//! The sealed token that a person carries from the browser to Zulip's desktop program: 120 hexadecimal digits of 12 bytes of
//! nonce, 32 of AES-256-GCM's text and 16 of its tag.

use data_encoding::HEXLOWER_PERMISSIVE;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Opens what the page shows with the key of the desktop program, its pad. `None` when the program would refuse it.
#[must_use]
pub fn open(data: &str, pad: &str) -> Option<String> {
    let data = HEXLOWER_PERMISSIVE.decode(data.as_bytes()).ok()?;
    let pad = HEXLOWER_PERMISSIVE.decode(pad.as_bytes()).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &pad).ok()?);
    let (nonce, sealed) = data.split_at_checked(NONCE_LEN)?;
    let mut sealed = sealed.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let opened = key.open_in_place(nonce, Aad::empty(), &mut sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from a real Zulip (`sso-desktop` of data/zulip-web-live.jsonl).
    const DATA: &str = "c44b8f43bab67a3e6c5ead6fdce6328786d9b8789584939d6af81ff439e37978f470c8d4dea9cfb68f246f2775e7d33d5479f64a321b11ff0fd56261";

    #[test]
    fn recorded_token_opens_with_its_pad_alone() {
        let token = open(DATA, &"1234abcd".repeat(8)).unwrap();
        assert_eq!(token.len(), 32);
        assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
        assert_eq!(open(DATA, &"1234abce".repeat(8)), None);
        assert_eq!(open(&DATA.replacen('c', "d", 1), &"1234abcd".repeat(8)), None);
        assert_eq!(open("c4", &"1234abcd".repeat(8)), None);
    }
}

//! Opaque secrets: random text without a meaning, which a store maps to its owner.
//!
//! Symbols are drawn without bias. A secret of at least 128 random bits may be stored under its plain [`digest`], unless
//! clients may present the digest itself, as with app passwords: see [`app_password_digest`]. Shorter codes need a keyed
//! digest: [`KeyRing::mac`](crate::keyring::KeyRing::mac).

use auth_core::{ApiKey, Digest, OneTimeCode, Password, Rng, Token};
use ring::digest::{Context, SHA256, digest as sha256};
use zeroize::Zeroizing;

const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SMALL_LETTERS_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const DIGITS: &[u8] = b"0123456789";
const HEX: &[u8] = b"0123456789abcdef";

/// The 55 symbols of Rocket.Chat's ids, none of which looks like another.
const UNAMBIGUOUS: &[u8] = b"23456789ABCDEFGHJKLMNPQRSTWXYZabcdefghijkmnopqrstuvwxyz";

/// The beginning of every key for administration.
const ADMIN_KEY: &str = "asadm_";

/// Generates a Zulip API key: 32 letters and digits, 190 bits.
#[must_use]
pub fn zulip_api_key(rng: &dyn Rng) -> ApiKey {
    ApiKey::new(random_text(rng, LETTERS_AND_DIGITS, 32))
}

/// Generates a Rocket.Chat login token: 43 URL-safe characters, 258 bits.
#[must_use]
pub fn rocketchat_token(rng: &dyn Rng) -> Token {
    Token::new(random_text(rng, URL_SAFE, 43))
}

/// Generates a token of Zulip, for a login that goes on elsewhere: 32 hexadecimal digits, 128 bits.
#[must_use]
pub fn zulip_token(rng: &dyn Rng) -> Token {
    Token::new(random_text(rng, HEX, 32))
}

/// Generates the token of a web session: 32 small letters and digits, 165 bits. The cookies of a Zulip server look so.
#[must_use]
pub fn web_session_token(rng: &dyn Rng) -> Token {
    Token::new(random_text(rng, SMALL_LETTERS_AND_DIGITS, 32))
}

/// Generates a Rocket.Chat `_id`: 17 symbols, 98 bits. It is not a secret.
#[must_use]
pub fn rocketchat_id(rng: &dyn Rng) -> String {
    random_text(rng, UNAMBIGUOUS, 17)
}

/// Generates a backup code of a TOTP device: 8 symbols, 46 bits. Store it under a keyed digest.
#[must_use]
pub fn backup_code(rng: &dyn Rng) -> OneTimeCode {
    OneTimeCode::new(random_text(rng, UNAMBIGUOUS, 8))
}

/// Generates a code to be sent by mail: 6 digits. Store it under a keyed digest, and limit the attempts.
#[must_use]
pub fn mail_code(rng: &dyn Rng) -> OneTimeCode {
    OneTimeCode::new(random_text(rng, DIGITS, 6))
}

/// Generates an app password: 24 symbols, 138 bits.
#[must_use]
pub fn app_password(rng: &dyn Rng) -> Password {
    Password::new(random_text(rng, UNAMBIGUOUS, 24))
}

/// Generates a key for administration: `asadm_` and 43 letters and digits, 256 bits. Scanners for leaked secrets know it by
/// its beginning.
#[must_use]
pub fn admin_key(rng: &dyn Rng) -> Token {
    Token::new(format!("{ADMIN_KEY}{}", random_text(rng, LETTERS_AND_DIGITS, 43)))
}

/// Returns SHA-256 of the text, under which a store keeps an opaque secret.
///
/// # Examples
///
/// ```
/// use auth_core::SeededRng;
/// use auth_crypto::opaque;
///
/// let token = opaque::rocketchat_token(&SeededRng::new(1)); // a server passes the system's random numbers
/// assert_eq!(token.expose().len(), 43);
/// assert_eq!(opaque::digest(token.expose()), opaque::digest(token.expose()));
/// ```
#[must_use]
pub fn digest(text: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(sha256(&SHA256, text.as_bytes()).as_ref());
    Digest::new(bytes)
}

/// Returns the digest under which a store keeps an app password, made of the SHA-256 of the app password.
///
/// Clients may present that SHA-256 in place of the app password. The store keeps a digest of it, so that what a copy of the
/// store tells can't be presented. Stores make the same digest when they bring earlier records up to date.
///
/// ```
/// use auth_crypto::opaque::{app_password_digest, digest};
///
/// let sha256 = digest("an app password");
/// assert_ne!(app_password_digest(&sha256), sha256);
/// ```
#[must_use]
pub fn app_password_digest(sha256: &Digest) -> Digest {
    let mut hash = Context::new(&SHA256);
    hash.update(b"auth-server app password");
    hash.update(sha256.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    Digest::new(bytes)
}

/// Draws `count` symbols, each as likely as any other. Bytes that would favour some symbols are discarded.
fn random_text(rng: &dyn Rng, symbols: &[u8], count: usize) -> String {
    let unbiased = 256 - 256 % symbols.len();
    let mut text = String::with_capacity(count);
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < count {
        rng.fill(&mut *bytes);
        let drawn = bytes.iter().map(|byte| usize::from(*byte)).filter(|value| *value < unbiased);
        let drawn = drawn.filter_map(|value| symbols.get(value % symbols.len()).copied());
        text.extend(drawn.map(char::from).take(count - text.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use auth_core::SeededRng;
    use data_encoding::HEXLOWER;

    use super::*;

    #[test]
    fn each_secret_has_its_length_and_alphabet() {
        let rng = SeededRng::new(1);
        let check = |text: &str, length: usize, symbols: &[u8]| {
            assert_eq!(text.len(), length, "{text}");
            assert!(text.bytes().all(|byte| symbols.contains(&byte)), "{text}");
        };
        for _ in 0..200 {
            check(zulip_api_key(&rng).expose(), 32, LETTERS_AND_DIGITS);
            check(rocketchat_token(&rng).expose(), 43, URL_SAFE);
            check(&rocketchat_id(&rng), 17, UNAMBIGUOUS);
            check(backup_code(&rng).expose(), 8, UNAMBIGUOUS);
            check(mail_code(&rng).expose(), 6, DIGITS);
            check(app_password(&rng).expose(), 24, UNAMBIGUOUS);
            let key = admin_key(&rng);
            check(key.expose().strip_prefix("asadm_").unwrap(), 43, LETTERS_AND_DIGITS);
        }
    }

    #[test]
    fn secrets_do_not_repeat() {
        let rng = SeededRng::new(2);
        let keys: HashSet<_> = (0..1000).map(|_| zulip_api_key(&rng).expose().to_owned()).collect();
        assert_eq!(keys.len(), 1000);
    }

    #[test]
    fn all_symbols_are_equally_likely() {
        const DRAWN: usize = 55 * 4000;
        let text = random_text(&SeededRng::new(3), UNAMBIGUOUS, DRAWN);
        for symbol in UNAMBIGUOUS {
            let count = text.bytes().filter(|byte| byte == symbol).count();
            // The standard deviation is 63; a plain remainder would give nineteen symbols 3437 each.
            assert!((3600..4400).contains(&count), "{} came {count} times", char::from(*symbol));
        }
    }

    #[test]
    fn digest_is_sha256() {
        let hex = "89e01536ac207279409d4de1e5253e01f4a1769e696db0d6062ca9b8f56767c8";
        assert_eq!(HEXLOWER.encode(digest("mypassword").as_bytes()), hex);
    }
}

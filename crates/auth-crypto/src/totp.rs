//! Time-based one-time codes (TOTP, RFC 6238), with the parameters that authenticator apps expect: HMAC-SHA1, six
//! digits, and steps of 30 seconds since 1970.
//!
//! # Examples
//!
//! ```
//! use auth_core::{SystemRng, Timestamp};
//! use auth_crypto::totp;
//!
//! let secret = totp::new_secret(&SystemRng);
//! let url = totp::otpauth_url(&secret, "Example", "iago@example.com");
//! assert!(url.starts_with("otpauth://totp/Example%3Aiago%40example.com?secret="));
//! assert!(url.ends_with("&issuer=Example"));
//!
//! let now = Timestamp::from_secs(1_700_000_000);
//! let sent = totp::code(&secret, totp::step_at(now));
//! let step = totp::verify(&secret, &sent, now, 1).expect("the code of this step");
//! // Keep `step`, and refuse codes of that step and earlier ones.
//! assert_eq!(step, totp::step_at(now));
//! ```

use auth_core::{OneTimeCode, Rng, Timestamp, TotpSecret};
use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use zeroize::Zeroizing;

/// The length of a step in seconds.
pub const STEP_SECONDS: i64 = 30;

/// Bytes of a new secret. They are 52 characters of base32, as in Rocket.Chat, and more than the 20 bytes that RFC
/// 4226, section 4, recommends.
const SECRET: usize = 32;

const DIGITS: usize = 6;

/// All characters but those that JavaScript's `encodeURIComponent` leaves unescaped.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Generates a secret for a new device: 32 random bytes.
#[must_use]
pub fn new_secret(rng: &dyn Rng) -> TotpSecret {
    let mut bytes = vec![0; SECRET];
    rng.fill(&mut bytes);
    TotpSecret::new(bytes)
}

/// Returns the number of the step that contains this time.
#[must_use]
pub fn step_at(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(STEP_SECONDS)
}

/// Returns the code of a step.
#[must_use]
pub fn code(secret: &TotpSecret, step: i64) -> OneTimeCode {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose());
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    // RFC 4226, section 5.3: the low half of the last byte is the offset of the number.
    let offset = usize::from(mac.last().copied().unwrap_or(0) & 0xf);
    let number = mac.get(offset..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_be_bytes);
    OneTimeCode::new(format!("{:0DIGITS$}", (number & 0x7fff_ffff) % 1_000_000))
}

/// Returns the step whose code was sent, if it is at most `delta` steps before or after that of `now`.
///
/// To prevent replays, keep the last step that was accepted, and refuse that step and earlier ones.
///
/// The codes of all these steps are compared, each in constant time.
#[must_use]
pub fn verify(secret: &TotpSecret, sent: &OneTimeCode, now: Timestamp, delta: u32) -> Option<i64> {
    let (current, delta) = (step_at(now), i64::from(delta));
    let steps = current.saturating_sub(delta)..=current.saturating_add(delta);
    steps.fold(None, |found, step| if code(secret, step) == *sent { Some(step) } else { found })
}

/// Parses a secret in base32 as people copy it: upper or lower case, with or without padding, blanks and hyphens.
///
/// # Errors
/// [`NotBase32`] if the text is not base32 or empty.
pub fn from_base32(text: &str) -> Result<TotpSecret, NotBase32> {
    let plain: Zeroizing<String> =
        Zeroizing::new(text.trim_end_matches('=').chars().filter(|c| !matches!(c, ' ' | '-')).collect());
    let bytes = BASE32_NOPAD_NOCASE.decode(plain.as_bytes()).map_err(|_| NotBase32)?;
    if bytes.is_empty() { Err(NotBase32) } else { Ok(TotpSecret::new(bytes)) }
}

/// Returns the secret in base32 without padding.
#[must_use]
pub fn to_base32(secret: &TotpSecret) -> Zeroizing<String> {
    Zeroizing::new(BASE32_NOPAD.encode(secret.expose()))
}

/// Returns the URL that authenticator apps read from a QR code:
/// `otpauth://totp/ISSUER%3AACCOUNT?secret=BASE32&issuer=ISSUER`. The format is that of [Google
/// Authenticator](https://github.com/google/google-authenticator/wiki/Key-Uri-Format): the issuer stands in the label, for old
/// apps, and as a parameter, by which apps keep accounts of one name apart. A colon in the issuer or the account is left out of
/// both, since it would separate them elsewhere.
#[must_use]
pub fn otpauth_url(secret: &TotpSecret, issuer: &str, account: &str) -> Zeroizing<String> {
    let (issuer, account) = (issuer.replace(':', ""), account.replace(':', ""));
    let url = otpauth_url_without_issuer(secret, &issuer, &account);
    Zeroizing::new(format!("{}&issuer={}", *url, utf8_percent_encode(&issuer, ESCAPED)))
}

/// Returns the same URL without the parameter `issuer`, as Rocket.Chat writes it:
/// `otpauth://totp/ISSUER%3AACCOUNT?secret=BASE32`.
#[must_use]
pub fn otpauth_url_without_issuer(secret: &TotpSecret, issuer: &str, account: &str) -> Zeroizing<String> {
    let label = format!("{issuer}:{account}");
    let label = utf8_percent_encode(&label, ESCAPED);
    Zeroizing::new(format!("otpauth://totp/{label}?secret={}", *to_base32(secret)))
}

/// The text is not base32, or is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a TOTP secret must be base32")]
#[expect(clippy::exhaustive_structs, reason = "there is no further detail")]
pub struct NotBase32;

#[cfg(test)]
mod tests {
    use auth_core::SeededRng;
    use proptest::prelude::*;

    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::new(b"12345678901234567890".to_vec())
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B gives eight digits; six are the last six of them.
        for (seconds, eight_digits) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = step_at(Timestamp::from_secs(seconds));
            assert_eq!(code(&secret(), step).expose(), &eight_digits[2..], "{seconds}");
        }
    }

    #[test]
    fn codes_are_accepted_within_the_delta_only() {
        let now = Timestamp::from_secs(1_234_567_890);
        let step = step_at(now);
        for (delta, off, good) in [
            (0, 0, true),
            (0, 1, false),
            (0, -1, false),
            (1, 1, true),
            (1, -1, true),
            (1, 2, false),
            (2, -2, true),
        ] {
            let expected = good.then_some(step + off);
            assert_eq!(
                verify(&secret(), &code(&secret(), step + off), now, delta),
                expected,
                "{delta} {off}"
            );
        }
    }

    #[test]
    fn only_codes_of_six_digits_are_accepted() {
        let now = Timestamp::from_secs(59);
        assert_eq!(verify(&secret(), &OneTimeCode::new("287082"), now, 0), Some(1));
        for wrong in ["", "28708", "2870820", "94287082", " 287082", "287 082", "+87082", "２８７０８２"]
        {
            assert_eq!(verify(&secret(), &OneTimeCode::new(wrong), now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn base32_is_parsed_as_people_copy_it() {
        let expected = from_base32("JBSWY3DPEHPK3PXP").unwrap();
        for same in ["jbswy3dpehpk3pxp", "JBSW Y3DP EHPK 3PXP", "jbsw-y3dp-ehpk-3pxp", "JBSWY3DPEHPK3PXP==="]
        {
            assert_eq!(from_base32(same).unwrap().expose(), expected.expose(), "{same}");
        }
        assert_eq!(*to_base32(&expected), "JBSWY3DPEHPK3PXP");
        for bad in ["", "=", "JBSWY3D1", "J", "JBSWY3DPEHPK3PX€"] {
            assert_eq!(from_base32(bad).err(), Some(NotBase32), "{bad}");
        }
    }

    #[test]
    fn the_url_is_as_rocket_chat_writes_it() {
        let secret = from_base32("JBSWY3DPEHPK3PXP").unwrap();
        assert_eq!(
            *otpauth_url_without_issuer(&secret, "Rocket.Chat", "my user@ü"),
            "otpauth://totp/Rocket.Chat%3Amy%20user%40%C3%BC?secret=JBSWY3DPEHPK3PXP"
        );
    }

    #[test]
    fn the_issuer_is_a_parameter_and_the_beginning_of_the_label() {
        let secret = from_base32("JBSWY3DPEHPK3PXP").unwrap();
        for (issuer, account, url) in [
            ("Club & Co", "ada", "Club%20%26%20Co%3Aada?secret=JBSWY3DPEHPK3PXP&issuer=Club%20%26%20Co"),
            ("a:b", "c:d", "ab%3Acd?secret=JBSWY3DPEHPK3PXP&issuer=ab"),
        ] {
            assert_eq!(*otpauth_url(&secret, issuer, account), format!("otpauth://totp/{url}"));
        }
    }

    #[test]
    fn new_secrets_have_52_characters() {
        let rng = SeededRng::new(1);
        assert_eq!(to_base32(&new_secret(&rng)).len(), 52);
        assert_ne!(new_secret(&rng).expose(), new_secret(&rng).expose());
    }

    proptest! {
        #[test]
        fn agrees_with_totp_rs(bytes in prop::collection::vec(any::<u8>(), 16..40), time in 0..10_000_000_000_u64) {
            let theirs = totp_rs::Builder::new().with_secret(bytes.clone()).build().unwrap().generate(time);
            let step = step_at(Timestamp::from_secs(i64::try_from(time).unwrap()));
            let ours = code(&TotpSecret::new(bytes), step);
            prop_assert_eq!(ours.expose(), &theirs.to_string());
        }

        #[test]
        fn base32_round_trips(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
            let secret = TotpSecret::new(bytes.clone());
            let read = from_base32(&to_base32(&secret)).unwrap();
            prop_assert_eq!(read.expose(), &bytes);
        }
    }
}

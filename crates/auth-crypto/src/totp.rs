//! Time-based one-time codes (RFC 6238) as authenticator apps make them: HMAC-SHA1, 6 digits, steps of 30 seconds
//! from 1970 on (rocketchat.md 2.4).

use auth_core::{OneTimeCode, Rng, Timestamp, TotpSecret};
use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use zeroize::Zeroizing;

/// Seconds of a step.
pub const STEP_SECONDS: i64 = 30;

/// Bytes of a new secret: 52 characters of base32 (rocketchat.md 2.4), and more than HMAC-SHA1 gives (RFC 4226,
/// section 4).
const SECRET: usize = 32;

const DIGITS: usize = 6;

/// A random secret for a new device.
#[must_use]
pub fn new_secret(rng: &dyn Rng) -> TotpSecret {
    let mut bytes = vec![0; SECRET];
    rng.fill(&mut bytes);
    TotpSecret::new(bytes)
}

/// The step that a moment is in.
#[must_use]
pub fn step_at(now: Timestamp) -> i64 {
    now.as_secs().div_euclid(STEP_SECONDS)
}

/// The code of a step.
#[must_use]
pub fn code(secret: &TotpSecret, step: i64) -> OneTimeCode {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose());
    let mac = hmac::sign(&key, &step.to_be_bytes());
    let mac = mac.as_ref();
    // RFC 4226, section 5.3: the last half byte says where the number begins.
    let offset = usize::from(mac.last().copied().unwrap_or(0) & 0xf);
    let number = mac.get(offset..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_be_bytes);
    OneTimeCode::new(format!("{:0DIGITS$}", (number & 0x7fff_ffff) % 1_000_000))
}

/// The step whose code was sent, at most `delta` steps away from that of `now`. The caller keeps the last step it
/// accepted, and refuses that one and those before it.
///
/// Steps are all compared, each in constant time.
#[must_use]
pub fn verify(secret: &TotpSecret, sent: &OneTimeCode, now: Timestamp, delta: u32) -> Option<i64> {
    let (current, delta) = (step_at(now), i64::from(delta));
    let steps = current.saturating_sub(delta)..=current.saturating_add(delta);
    steps.fold(None, |found, step| if code(secret, step) == *sent { Some(step) } else { found })
}

/// Reads base32 as people copy it: in any case, with or without padding and blanks.
///
/// # Errors
/// [`NotBase32`], also for an empty secret.
pub fn from_base32(text: &str) -> Result<TotpSecret, NotBase32> {
    let plain: Zeroizing<String> =
        Zeroizing::new(text.trim_end_matches('=').chars().filter(|c| !matches!(c, ' ' | '-')).collect());
    let bytes = BASE32_NOPAD_NOCASE.decode(plain.as_bytes()).map_err(|_| NotBase32)?;
    if bytes.is_empty() { Err(NotBase32) } else { Ok(TotpSecret::new(bytes)) }
}

/// The secret in base32 without padding.
#[must_use]
pub fn to_base32(secret: &TotpSecret) -> Zeroizing<String> {
    Zeroizing::new(BASE32_NOPAD.encode(secret.expose()))
}

/// The address that authenticator apps take from a picture: `otpauth://totp/ISSUER%3AACCOUNT?secret=BASE32`.
#[must_use]
pub fn otpauth_url(secret: &TotpSecret, issuer: &str, account: &str) -> Zeroizing<String> {
    /// What JavaScript's `encodeURIComponent` leaves as it is, beside letters and digits.
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
    let label = format!("{issuer}:{account}");
    let label = utf8_percent_encode(&label, ESCAPED);
    Zeroizing::new(format!("otpauth://totp/{label}?secret={}", *to_base32(secret)))
}

/// The text is no base32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a TOTP secret must be base32")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to tell")]
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
    fn codes_are_good_within_the_delta_alone() {
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
    fn only_six_digits_are_a_code() {
        let now = Timestamp::from_secs(59);
        assert_eq!(verify(&secret(), &OneTimeCode::new("287082"), now, 0), Some(1));
        for wrong in ["", "28708", "2870820", "94287082", " 287082", "287 082", "+87082", "２８７０８２"]
        {
            assert_eq!(verify(&secret(), &OneTimeCode::new(wrong), now, 0), None, "{wrong}");
        }
    }

    #[test]
    fn base32_is_read_as_people_copy_it() {
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
    fn the_address_is_as_rocket_chat_writes_it() {
        let secret = from_base32("JBSWY3DPEHPK3PXP").unwrap();
        assert_eq!(
            *otpauth_url(&secret, "Rocket.Chat", "my user@ü"),
            "otpauth://totp/Rocket.Chat%3Amy%20user%40%C3%BC?secret=JBSWY3DPEHPK3PXP"
        );
    }

    #[test]
    fn new_secrets_have_160_bits() {
        let rng = SeededRng::new(1);
        assert_eq!(new_secret(&rng).expose().len(), 20);
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
        fn base32_reads_back(bytes in prop::collection::vec(any::<u8>(), 1..40)) {
            let secret = TotpSecret::new(bytes.clone());
            let read = from_base32(&to_base32(&secret)).unwrap();
            prop_assert_eq!(read.expose(), &bytes);
        }
    }
}

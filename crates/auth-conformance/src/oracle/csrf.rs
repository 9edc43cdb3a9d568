//! The tokens of Django's forms: a secret of 32 letters and digits in a cookie, and in pages the secret masked anew each
//! time (docs/contract/zulip-web.md, section 4.3).

const ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The length of a secret and of a mask.
const LENGTH: usize = 32;

/// Masks a secret. `None` when one of the two is not 32 letters and digits.
#[must_use]
pub fn mask(secret: &str, mask: &str) -> Option<String> {
    let cipher = combine(secret, mask, |secret, mask| secret + mask)?;
    Some(format!("{mask}{cipher}"))
}

/// The secret of a token, masked or not. `None` when the token is neither.
#[must_use]
pub fn unmask(token: &str) -> Option<String> {
    match token.split_at_checked(LENGTH)? {
        (secret, "") => combine(secret, &"a".repeat(LENGTH), |secret, _| secret),
        (mask, cipher) => combine(cipher, mask, |cipher, mask| cipher + ALPHABET.len() - mask),
    }
}

fn combine(one: &str, other: &str, by: impl Fn(usize, usize) -> usize) -> Option<String> {
    if one.len() != LENGTH || other.len() != LENGTH {
        return None;
    }
    let index = |byte: u8| ALPHABET.iter().position(|known| *known == byte);
    let combined = one.bytes().zip(other.bytes()).map(|(one, other)| {
        ALPHABET.get(by(index(one)?, index(other)?) % ALPHABET.len()).map(|byte| char::from(*byte))
    });
    combined.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_found_again_behind_any_mask() {
        let secret = "UqpE1qQOSuAxcmNVGH1K1NGLH2CnzOgX";
        // Recorded from a real Zulip (`loginform-ok` of data/zulip-web-live.jsonl).
        let recorded = "M2wRMWCpOF8Fi84pZpoORV7JWD5xuweIwiLlDci3wZy2kkHavWfoIyDktvxKTakv";
        assert_eq!(unmask(recorded).as_deref(), Some(secret));
        assert_eq!(unmask(secret).as_deref(), Some(secret));
        for letter in ["a", "Z", "9"] {
            assert_eq!(unmask(&mask(secret, &letter.repeat(32)).unwrap()).as_deref(), Some(secret));
        }
        for bad in ["", "x", &secret[1..], &recorded[1..], &recorded.replace('M', "-")] {
            assert_eq!(unmask(bad), None, "{bad}");
        }
    }
}

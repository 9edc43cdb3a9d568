//! The tokens in Zulip's mailed links to a new password (docs/contract/zulip-web.md, section 5.3).

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::{digest, hmac};

/// What a token covers: it dies when one of these changes.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests build it field by field")]
pub struct Account<'a> {
    /// The account's number.
    pub id: u64,
    /// The stored hash of the password.
    pub password: &'a str,
    /// The last login in a browser, in whole seconds; empty if there was none.
    pub last_login: &'a str,
    /// The address.
    pub email: &'a str,
}

/// The part of the link that names the account.
#[must_use]
pub fn uid(id: u64) -> String {
    BASE64URL_NOPAD.encode(id.to_string().as_bytes())
}

/// The token of an account, made `timestamp` seconds after the beginning of 2001, under the key of a server.
#[must_use]
pub fn token(secret_key: &str, account: &Account<'_>, timestamp: u64) -> String {
    const SALT: &str = "django.contrib.auth.tokens.PasswordResetTokenGenerator";
    let key = digest::digest(&digest::SHA256, format!("{SALT}{secret_key}").as_bytes());
    let Account { id, password, last_login, email } = account;
    let message = format!("{id}{password}{last_login}{timestamp}{email}");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), message.as_bytes());
    let hash: String = HEXLOWER.encode(mac.as_ref()).chars().step_by(2).collect();
    format!("{}-{hash}", base36(timestamp))
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(u32::try_from(number % 36).ok().and_then(|digit| char::from_digit(digit, 36)));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().flatten().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_the_account_counts() {
        let account = Account { id: 10, password: "hash", last_login: "", email: "a@b.example" };
        let good = token("key", &account, 790_000_000);
        assert!(good.starts_with("d2cfwg-") && good.len() == 39, "{good}");
        for other in [
            Account { id: 11, ..account },
            Account { password: "other", ..account },
            Account { last_login: "2026-01-02 03:04:05", ..account },
            Account { email: "c@b.example", ..account },
        ] {
            assert_ne!(token("key", &other, 790_000_000), good);
        }
        assert_ne!(token("other", &account, 790_000_000), good);
        assert_eq!((base36(0).as_str(), base36(35), base36(36)), ("0", "z".to_owned(), "10".to_owned()));
    }
}

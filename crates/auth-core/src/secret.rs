//! Secrets as types: wiped when dropped, never printed, compared in constant time.
//!
//! Text reaches these types from an HTTP library's buffers, which are not wiped: zeroizing is best effort,
//! and it covers everything from the door inwards.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes the text over.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }

            /// The secret itself: for hashing, sealing and the one answer that carries it.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl PartialEq for $name {
            /// Constant time in the content; the length shows.
            fn eq(&self, other: &Self) -> bool {
                self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
            }
        }

        impl Eq for $name {}
    };
}

secret_text! {
    /// A password as the client sent it: any Unicode text, neither trimmed nor normalised.
    Password
}

impl Password {
    /// The longest password that can match, in bytes. Longer ones are refused like any wrong password, after
    /// the same work, and can't be set.
    pub const MAX_BYTES: usize = 4096;

    /// Whether the text is longer than [`Password::MAX_BYTES`].
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.expose().len() > Self::MAX_BYTES
    }
}

secret_text! {
    /// What a Rocket.Chat client sends in a password's place: SHA-256 of it in hexadecimal, as sent
    /// (rocketchat.md 1.4: not lower-cased).
    PasswordDigest
}

secret_text! {
    /// A password as it is stored: a tagged string with scheme and parameters. `auth-crypto` reads it.
    PasswordString
}

secret_text! {
    /// A Zulip API key: 32 characters of `[A-Za-z0-9]` when we made it.
    ApiKey
}

secret_text! {
    /// An opaque or signed token as the client presents it.
    Token
}

secret_text! {
    /// A code of a second factor: TOTP digits, a backup code or a mailed code.
    OneTimeCode
}

/// The shared secret of a TOTP device: raw bytes, base32 on the wire.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_content() {
        let shown = format!("{:?} {:?}", Password::new("hunter2"), TotpSecret::new(vec![1, 2, 3]));
        assert_eq!(shown, "Password(…) TotpSecret(…)");
    }

    #[test]
    fn equality_is_by_content() {
        assert_eq!(Token::new("a"), Token::new("a"));
        assert_ne!(Token::new("a"), Token::new("b"));
        assert_ne!(Token::new("a"), Token::new("aa"));
    }
}

//! Secrets as types: wiped when dropped, never printed, compared in constant time.
//!
//! Text reaches these types from an HTTP library's buffers, which are not wiped: zeroizing is best effort,
//! and it covers everything from the protocol crates inwards.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Defines a secret text; with `shared`, clones share the text in place of copying it.
macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        secret_text!(@ $(#[$doc])* $name, Zeroizing<String>, std::convert::identity);
    };
    ($(#[$doc:meta])* $name:ident, shared $(, keeps $bytes:expr)?) => {
        secret_text!(@ $(#[$doc])* $name, Arc<Zeroizing<String>>, Arc::new $(, $bytes)?);
    };
    (@ $(#[$doc:meta])* $name:ident, $kept:ty, $keep:expr $(, $bytes:expr)?) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name($kept);

        impl $name {
            /// Takes ownership of the text.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                let text = Zeroizing::new(text.into());
                $(
                    if let Some(start) = text.get(..text.floor_char_boundary($bytes)).filter(|start| start.len() < text.len()) {
                        return Self($keep(Zeroizing::new(start.to_owned())));
                    }
                )?
                Self($keep(text))
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
    /// A password as the client sent it: any Unicode text, neither trimmed nor normalised. Of one that is too long
    /// to match, only so much is kept that it stays too long. Clones share the text.
    Password, shared, keeps Self::MAX_BYTES + 4
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
    /// SHA-256 of a password in hexadecimal, as a Rocket.Chat client sent it: not lower-cased. Clones share the text.
    PasswordDigest, shared
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
    /// Takes ownership of the bytes.
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
    fn of_a_password_that_is_too_long_only_so_much_is_kept() {
        for letter in ["x", "ü", "🔑"] {
            let longest = letter.repeat(Password::MAX_BYTES / letter.len());
            assert_eq!(Password::new(longest.as_str()).expose(), longest);
            let password = Password::new(letter.repeat(1 << 20));
            assert!(password.is_too_long() && password.expose().len() <= Password::MAX_BYTES + 4, "{letter}");
        }
    }

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

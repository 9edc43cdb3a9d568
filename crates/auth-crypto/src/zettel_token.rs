//! Zettelstore's signed tokens, in the forms of both of its eras.
//!
//! ```text
//! up to 0.12   base64url({"alg":"HS512"}) . base64url({"_tk":1,"exp":…,"iat":…,"sub":"…","zid":"…"}) . base64url(HMAC)
//! from 0.13    base64url((1 "…" IAT EXP ZID)) . base64url(HMAC-SHA384 of the text)
//! ```
//!
//! [`TokenKeys::verify`] checks the signature and the form of a token, but not its times. The caller compares those
//! with the clock, and with the time from which the user's tokens are valid.
//!
//! # Examples
//!
//! ```
//! use auth_core::{SeededRng, Timestamp, TokenForm};
//! use auth_crypto::jwt::Invalid;
//! use auth_crypto::keyring::KeyRing;
//! use auth_crypto::zettel_token::{Claims, TokenKeys, TokenKind};
//!
//! let ring = KeyRing::generate(&SeededRng::new(1)); // a server passes the system's random numbers
//! let claims = Claims {
//!     kind: TokenKind::Api,
//!     user: "iago".into(),
//!     zid: 20_240_101_000_100,
//!     issued: Timestamp::from_secs(1_700_000_000),
//!     expires: Timestamp::from_secs(1_700_000_600),
//! };
//! let token = TokenKeys::of(&ring, "main").issue(TokenForm::List, &claims);
//! assert_eq!(TokenKeys::of(&ring, "main").verify(token.expose())?, claims);
//! assert_eq!(TokenKeys::of(&ring, "another-realm").verify(token.expose()), Err(Invalid));
//! # Ok::<(), Invalid>(())
//! ```

mod claims;
mod json;
mod list;

pub use claims::{Claims, TokenKind};

use std::fmt;

use auth_core::{Token, TokenForm};
use ring::hmac;

use crate::jwt::{self, Algorithm, Invalid};
use crate::keyring::{KeyRing, Purpose};

/// The keys that sign and verify tokens: one active key that signs, and any number of inactive keys that only verify.
#[derive(Clone)]
pub struct TokenKeys {
    active: TokenKey,
    inactive: Vec<TokenKey>,
}

/// A key, prepared for both forms of tokens.
#[derive(Clone)]
struct TokenKey {
    jwt: jwt::Key,
    list: hmac::Key,
}

impl TokenKey {
    fn new(bytes: &[u8]) -> Self {
        Self { jwt: jwt::Key::new(Algorithm::Hs512, bytes), list: hmac::Key::new(hmac::HMAC_SHA384, bytes) }
    }
}

impl TokenKeys {
    /// Creates keys from bytes. `active` signs; all of them verify.
    #[must_use]
    pub fn new<'k>(active: &[u8], inactive: impl IntoIterator<Item = &'k [u8]>) -> Self {
        Self { active: TokenKey::new(active), inactive: inactive.into_iter().map(TokenKey::new).collect() }
    }

    /// Derives the keys of a realm, given by its slug, from the keys of a ring.
    ///
    /// Each realm has keys of its own, because a token names its user by zettel id and user name, and both may belong
    /// to another user in another realm.
    #[must_use]
    pub fn of(ring: &KeyRing, realm: &str) -> Self {
        let (active, inactive) = ring.signing_keys(Purpose::TokenSigning, realm.as_bytes());
        Self::new(active.as_slice(), inactive.iter().map(|key| key.as_slice()))
    }

    /// Signs a token with the active key.
    ///
    /// With a user name of more than some 700 bytes, a token in list form is too long for [`TokenKeys::verify`].
    #[must_use]
    pub fn issue(&self, form: TokenForm, claims: &Claims) -> Token {
        match form {
            TokenForm::List => list::sign(&self.active.list, claims),
            TokenForm::Jwt => jwt::sign(&self.active.jwt, &json::print(claims)),
        }
    }

    /// Verifies a token of either form and returns its claims. Their times are not checked.
    ///
    /// # Errors
    /// [`Invalid`] without a reason, if the token is malformed or none of the keys signed it.
    pub fn verify(&self, token: &str) -> Result<Claims, Invalid> {
        let keys = std::iter::once(&self.active).chain(&self.inactive);
        if token.split_once('.').is_some_and(|(_, rest)| !rest.contains('.')) {
            list::verify(token, keys.map(|key| &key.list))
        } else {
            let json = jwt::verify_signature(token, keys.map(|key| &key.jwt))?;
            json::parse(&json).ok_or(Invalid)
        }
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys(1 active, {} inactive)", self.inactive.len())
    }
}

#[cfg(test)]
mod tests;

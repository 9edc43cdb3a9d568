//! Zettelstore's signed tokens in both forms (zettelstore.md 6).
//!
//! ```text
//! up to 0.12   base64url({"alg":"HS512"}) . base64url({"_tk":1,"exp":…,"iat":…,"sub":"…","zid":"…"}) . base64url(HMAC)
//! from 0.13    base64url((1 "…" IAT EXP ZID)) . base64url(HMAC-SHA384 of the text)
//! ```
//!
//! Times are not judged here: the engine knows the clock, how it rounds, and since when a user's tokens are good.

use std::fmt;

use auth_core::{Timestamp, Token, TokenForm};
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde::Deserialize;
use serde_json::Value;

use crate::assertion::whole_seconds;
use crate::jwt::{self, Algorithm, Invalid};
use crate::keyring::{KeyRing, Purpose};

mod list;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Claims {
    /// What it is good for.
    pub kind: TokenKind,
    /// The user name.
    pub user: String,
    /// The id of the user zettel: at most 14 digits.
    pub zid: u64,
    /// When it was issued, in whole seconds; the epoch where a token doesn't say.
    pub issued: Timestamp,
    /// The last second in which it is good.
    pub expires: Timestamp,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "Zettelstore knows two")]
pub enum TokenKind {
    /// Requests to the API: number 1.
    Api,
    /// The web pages, in a cookie: number 2.
    WebPages,
}

impl TokenKind {
    fn number(self) -> u64 {
        match self {
            Self::Api => 1,
            Self::WebPages => 2,
        }
    }

    fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::Api),
            2 => Some(Self::WebPages),
            _ => None,
        }
    }
}

/// The keys that sign and check tokens: one is active, older ones are still believed.
#[derive(Clone)]
pub struct TokenKeys {
    active: TokenKey,
    older: Vec<TokenKey>,
}

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
    /// Keys of the given bytes: `active` signs, all of them check.
    #[must_use]
    pub fn new<'k>(active: &[u8], older: impl IntoIterator<Item = &'k [u8]>) -> Self {
        Self { active: TokenKey::new(active), older: older.into_iter().map(TokenKey::new).collect() }
    }

    /// The ring's keys for signing the tokens of a realm, by its slug. A token names its user by zettel id and
    /// name, and both may be somebody else's in another realm: so each realm has keys of its own.
    #[must_use]
    pub fn of(ring: &KeyRing, realm: &str) -> Self {
        let (active, older) = ring.signing_keys(Purpose::TokenSigning, realm.as_bytes());
        Self::new(active.as_slice(), older.iter().map(|key| key.as_slice()))
    }

    /// A token that says what the claims say. A user name of more than some 700 bytes makes a list that is too
    /// long for [`TokenKeys::verify`].
    #[must_use]
    pub fn issue(&self, form: TokenForm, claims: &Claims) -> Token {
        match form {
            TokenForm::List => list::sign(&self.active.list, claims),
            TokenForm::Jwt => jwt::sign(&self.active.jwt, &json_of(claims)),
        }
    }

    /// What a token of either form says, when one of the keys signed it.
    ///
    /// # Errors
    /// [`Invalid`], and never why.
    pub fn verify(&self, token: &str) -> Result<Claims, Invalid> {
        let keys = std::iter::once(&self.active).chain(&self.older);
        if token.split_once('.').is_some_and(|(_, rest)| !rest.contains('.')) {
            list::verify(token, keys.map(|key| &key.list))
        } else {
            let json = jwt::verify(token, keys.map(|key| &key.jwt))?;
            claims_of(&json).ok_or(Invalid)
        }
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenKeys(1 active, {} older)", self.older.len())
    }
}

fn json_of(claims: &Claims) -> String {
    // A JSON value prints as the string it is; names are the only text that needs escaping.
    format!(
        r#"{{"_tk":{},"exp":{},"iat":{},"sub":{},"zid":"{:014}"}}"#,
        claims.kind.number(),
        claims.expires.as_secs(),
        claims.issued.as_secs(),
        Value::from(claims.user.as_str()),
        claims.zid,
    )
}

/// Claims of a JSON web token (zettelstore.md 6): all but `iat` are needed, and each in its own type.
fn claims_of(json: &[u8]) -> Option<Claims> {
    let JsonClaims { kind, exp, iat, sub, zid } = serde_json::from_slice(json).ok()?;
    Some(Claims {
        kind: TokenKind::from_number(kind)?,
        user: sub,
        zid: zettel_id(&zid).filter(|_| zid.len() == 14)?,
        issued: Timestamp::from_secs(iat.as_ref().map_or(Some(0), whole_seconds)?),
        expires: Timestamp::from_secs(whole_seconds(&exp)?),
    })
}

#[derive(Deserialize)]
struct JsonClaims {
    #[serde(rename = "_tk")]
    kind: u64,
    exp: Value,
    iat: Option<Value>,
    sub: String,
    zid: String,
}

/// At most fourteen digits.
fn zettel_id(digits: &str) -> Option<u64> {
    let plain = (1..=14).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;

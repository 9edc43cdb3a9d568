//! JSON web tokens signed with a shared key (RFC 7515, RFC 7518, RFC 7519).
//!
//! [`verify`] checks the signature and the times of a token, and returns the bytes of its claims. A token without an end is
//! refused, unless [`Times::without_end`] says otherwise. What else the claims must say is for the caller to check: `iss`, `aud`,
//! `sub`.
//!
//! Verification is strict. A token has three parts in base64url without padding, it is signed by one of the given keys
//! with that key's algorithm, and its header has neither `crit` nor `b64`.
//!
//! # Examples
//!
//! ```
//! use auth_core::Timestamp;
//! use auth_crypto::jwt::{self, Algorithm, Key, Times, VerifyError};
//!
//! let key = Key::new(Algorithm::Hs256, b"a shared secret of 32 bytes.....");
//! let now = Timestamp::from_secs(1_700_000_000); // a server asks its clock
//!
//! let token = jwt::sign(&key, r#"{"sub":"iago","exp":1700000060}"#);
//! let claims = jwt::verify(token.expose(), [&key], Times::at(now))?;
//! assert_eq!(claims, br#"{"sub":"iago","exp":1700000060}"#);
//!
//! let endless = jwt::sign(&key, r#"{"sub":"iago"}"#);
//! assert_eq!(jwt::verify(endless.expose(), [&key], Times::at(now)), Err(VerifyError::NoEnd));
//! assert!(jwt::verify(endless.expose(), [&key], Times::at(now).without_end()).is_ok());
//! # Ok::<(), VerifyError>(())
//! ```

use std::borrow::Cow;
use std::fmt;

use auth_core::Token;
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use serde::Deserialize;
use serde::de::IgnoredAny;

mod base64;
mod numeric_date;
mod times;

pub(crate) use numeric_date::whole_seconds;
pub use times::{Times, VerifyError};

/// The longest token that is verified, in bytes.
pub const MAX_TOKEN: usize = 8192;

/// The longest signature: that of HS512.
const MAX_SIGNATURE: usize = 64;

/// An HMAC algorithm of RFC 7518, section 3.2. The algorithm `none` is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "RFC 7518 knows three")]
pub enum Algorithm {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Algorithm {
    /// All algorithms, each with its name in headers and configuration files.
    pub const ALL: [(Self, &'static str); 3] =
        [(Self::Hs256, "HS256"), (Self::Hs384, "HS384"), (Self::Hs512, "HS512")];

    /// Returns the algorithm's name in headers and configuration files, such as `HS256`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(algorithm, _)| *algorithm == self).map_or("", |(_, name)| name)
    }

    /// Returns the algorithm of this name. Names are case-sensitive.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm)
    }

    /// The header of the tokens that [`sign`] makes: `{"alg":"…"}` in base64url.
    fn header(self) -> &'static str {
        match self {
            Self::Hs256 => "eyJhbGciOiJIUzI1NiJ9",
            Self::Hs384 => "eyJhbGciOiJIUzM4NCJ9",
            Self::Hs512 => "eyJhbGciOiJIUzUxMiJ9",
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Hs256 => hmac::HMAC_SHA256,
            Self::Hs384 => hmac::HMAC_SHA384,
            Self::Hs512 => hmac::HMAC_SHA512,
        }
    }
}

/// A shared secret for one algorithm. It verifies no token that names another algorithm.
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    hmac: hmac::Key,
}

impl Key {
    /// Creates a key from the bytes of the shared secret.
    #[must_use]
    pub fn new(algorithm: Algorithm, secret: &[u8]) -> Self {
        Self { algorithm, hmac: hmac::Key::new(algorithm.hmac(), secret) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.algorithm.as_str())
    }
}

/// Signs claims, which are the text of a JSON object. The token's header is `{"alg":"…"}` and nothing more.
#[must_use]
pub fn sign(key: &Key, claims_json: &str) -> Token {
    let header = key.algorithm.header();
    let mut token =
        String::with_capacity(header.len() + claims_json.len() * 4 / 3 + MAX_SIGNATURE * 4 / 3 + 8);
    token.push_str(header);
    token.push('.');
    BASE64URL_NOPAD.encode_append(claims_json.as_bytes(), &mut token);
    let signature = hmac::sign(&key.hmac, token.as_bytes());
    token.push('.');
    BASE64URL_NOPAD.encode_append(signature.as_ref(), &mut token);
    Token::new(token)
}

/// Verifies a token with a list of keys at a time, and returns the bytes of its claims.
///
/// A key counts only if its algorithm is the one in the token's header. `exp` must be there and later than now, and `nbf` not later
/// than now where it is there. Both are numbers of seconds since 1970, of which a fraction is cut off. No claim may be there twice.
///
/// # Errors
/// [`VerifyError`]: [`Invalid`](VerifyError::Invalid) for whatever was not signed with one of the keys.
pub fn verify<'k>(
    token: &str,
    keys: impl IntoIterator<Item = &'k Key>,
    times: Times,
) -> Result<Vec<u8>, VerifyError> {
    let claims = verify_signature(token, keys)?;
    times.check(&claims)?;
    Ok(claims)
}

/// Verifies the signature of a token with a list of keys, and returns the bytes of its claims, whose times are not looked at: a
/// token that has ended is still good here.
///
/// A key counts only if its algorithm is the one in the token's header.
///
/// # Errors
/// [`Invalid`] without a reason, so that a forger learns nothing from it.
pub fn verify_signature<'k>(
    token: &str,
    keys: impl IntoIterator<Item = &'k Key>,
) -> Result<Vec<u8>, Invalid> {
    if token.len() > MAX_TOKEN {
        return Err(Invalid);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Invalid)?;
    // With a fourth part, the claims would contain a dot and could not be decoded.
    let (header, claims) = signed.split_once('.').ok_or(Invalid)?;
    let algorithm = algorithm_of(header)?;
    let mut bytes = [0; MAX_SIGNATURE];
    let signature = decode_signature(signature, &mut bytes)?;
    let signed_by = |key: &&Key| {
        key.algorithm == algorithm && hmac::verify(&key.hmac, signed.as_bytes(), signature).is_ok()
    };
    keys.into_iter().find(signed_by).ok_or(Invalid)?;
    let mut bytes = vec![0; base64::decoded_len(claims)];
    base64::decode(claims, &mut bytes).ok_or(Invalid)?;
    Ok(bytes)
}

/// The token was not signed with one of the keys, or is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid signed token")]
#[expect(clippy::exhaustive_structs, reason = "a reason would help a forger")]
pub struct Invalid;

impl From<Invalid> for VerifyError {
    fn from(_: Invalid) -> Self {
        Self::Invalid
    }
}

fn algorithm_of(header: &str) -> Result<Algorithm, Invalid> {
    // Most tokens have a header that `sign` made.
    if let Some((algorithm, _)) = Algorithm::ALL.iter().find(|(algorithm, _)| algorithm.header() == header) {
        return Ok(*algorithm);
    }
    let json = BASE64URL_NOPAD.decode(header.as_bytes()).map_err(|_| Invalid)?;
    let header: Header<'_> = serde_json::from_slice(&json).map_err(|_| Invalid)?;
    if header.crit.is_some() || header.b64.is_some() {
        return Err(Invalid);
    }
    Algorithm::from_name(&header.alg).ok_or(Invalid)
}

fn decode_signature<'b>(text: &str, bytes: &'b mut [u8; MAX_SIGNATURE]) -> Result<&'b [u8], Invalid> {
    let bytes = bytes.get_mut(..base64::decoded_len(text)).ok_or(Invalid)?;
    base64::decode(text, bytes).ok_or(Invalid)?;
    Ok(bytes)
}

/// The fields of a header that matter for verification.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(algorithm: Algorithm) -> Key {
        Key::new(algorithm, b"0123456789abcdef")
    }

    /// A token with this header, signed with HS256.
    fn signed_with_header(header: &str) -> String {
        let signed = format!("{}.e30", BASE64URL_NOPAD.encode(header.as_bytes()));
        let signature = hmac::sign(&key(Algorithm::Hs256).hmac, signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
    }

    #[test]
    fn signed_claims_come_back_under_each_algorithm() {
        for (algorithm, name) in Algorithm::ALL {
            let token = sign(&key(algorithm), r#"{"sub":"ä"}"#);
            assert_eq!(
                verify_signature(token.expose(), [&key(algorithm)]),
                Ok(r#"{"sub":"ä"}"#.into()),
                "{name}"
            );
            for (other, _) in Algorithm::ALL.iter().filter(|(other, _)| *other != algorithm) {
                assert_eq!(verify_signature(token.expose(), [&key(*other)]), Err(Invalid), "{name}");
            }
        }
    }

    #[test]
    fn a_token_may_be_signed_by_any_of_several_keys() {
        let token = sign(&key(Algorithm::Hs512), "{}");
        let newer = Key::new(Algorithm::Hs512, b"a newer key");
        assert!(verify_signature(token.expose(), [&newer, &key(Algorithm::Hs512)]).is_ok());
        assert_eq!(verify_signature(token.expose(), [&newer]), Err(Invalid));
        assert_eq!(verify_signature(token.expose(), []), Err(Invalid));
    }

    #[test]
    fn the_header_selects_among_the_algorithms_of_the_keys() {
        for (header, good) in [
            (r#"{"alg":"HS256"}"#, true),
            (r#"{"typ":"JWT","alg":"HS256"}"#, true),
            (r#"{"alg":"HS256","kid":"a","x":[1]}"#, true),
            (r#"{ "alg" : "\u0048S256" }"#, true),
            (r#"{"alg":"none"}"#, false),
            (r#"{"alg":"HS512"}"#, false),
            (r#"{"alg":"hs256"}"#, false),
            (r#"{"alg":null}"#, false),
            (r#"{"alg":"HS256","alg":"none"}"#, false),
            (r#"{"alg":"HS256","crit":["exp"]}"#, false),
            (r#"{"alg":"HS256","b64":false}"#, false),
            (r#"{"typ":"JWT"}"#, false),
            (r#"["HS256"]"#, false),
            (r#""HS256""#, false),
            ("", false),
        ] {
            assert_eq!(
                verify_signature(&signed_with_header(header), [&key(Algorithm::Hs256)]).is_ok(),
                good,
                "{header}"
            );
        }
    }

    #[test]
    fn malformed_tokens_are_refused() {
        let good = sign(&key(Algorithm::Hs256), "{}").expose().to_owned();
        let (signed, signature) = good.rsplit_once('.').unwrap();
        for bad in [
            String::new(),
            ".".into(),
            "..".into(),
            signed.into(),
            format!("{signed}."),
            format!("{good}."),
            format!("{good}="),
            format!(" {good}"),
            format!("{good}\n"),
            format!(".{good}"),
            format!("{signed}.{signature}AAAA"),
            format!("{signed}.{}", &signature[..40]),
            "A".repeat(MAX_TOKEN + 1),
        ] {
            assert_eq!(verify_signature(&bad, [&key(Algorithm::Hs256)]), Err(Invalid), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", key(Algorithm::Hs256)), "Key(HS256, …)");
    }

    proptest! {
        #[test]
        fn agrees_with_jsonwebtoken(claims in "\\PC{0,40}", secret in prop::collection::vec(any::<u8>(), 1..100)) {
            let json = serde_json::json!({ "c": claims });
            let ours = sign(&Key::new(Algorithm::Hs512, &secret), &json.to_string());
            let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS512);
            header.typ = None;
            let theirs =
                jsonwebtoken::encode(&header, &json, &jsonwebtoken::EncodingKey::from_secret(&secret)).unwrap();
            prop_assert_eq!(ours.expose(), theirs);
        }

        #[test]
        fn any_change_of_one_bit_is_refused(claims in "\\PC{0,20}", at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let token = sign(&key(Algorithm::Hs384), &claims);
            let mut bytes = token.expose().as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            if let Ok(changed) = String::from_utf8(bytes) {
                prop_assert_eq!(verify_signature(&changed, [&key(Algorithm::Hs384)]), Err(Invalid));
            }
        }

        #[test]
        fn no_text_makes_verification_panic(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,50}") {
            prop_assert_eq!(verify_signature(&text, [&key(Algorithm::Hs256)]), Err(Invalid));
        }
    }
}

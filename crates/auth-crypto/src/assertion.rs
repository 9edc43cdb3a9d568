//! Assertions: JSON web tokens in which another system names the user who logs in.
//!
//! The other system has authenticated the user. It puts the e-mail address into the claim `email` and signs the token
//! with a key that both systems share. Zulip accepts such a token at `/api/v1/jwt/fetch_api_key`.
//!
//! # Examples
//!
//! ```
//! use auth_core::Timestamp;
//! use auth_crypto::assertion::{self, AssertionConfig, AssertionError};
//! use auth_crypto::jwt::{self, Algorithm, Key};
//!
//! let config = AssertionConfig {
//!     key: b"shared secret".to_vec().into(),
//!     algorithms: vec![Algorithm::Hs256],
//!     require_exp: true,
//! };
//! let key = Key::new(Algorithm::Hs256, b"shared secret");
//! let token = jwt::sign(&key, r#"{"email":"iago@zulip.com","exp":1700000060}"#);
//!
//! let email = assertion::verify(token.expose(), &config, Timestamp::from_secs(1_700_000_000))?;
//! assert_eq!(email.as_deref(), Some("iago@zulip.com"));
//! let expired = assertion::verify(token.expose(), &config, Timestamp::from_secs(1_700_000_060));
//! assert_eq!(expired, Err(AssertionError::Invalid));
//! # Ok::<(), AssertionError>(())
//! ```

use std::fmt;

use auth_core::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::jwt::{self, Algorithm, Key, whole_seconds};

/// The configuration for the assertions of one other system.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "configuration and tests build it")]
pub struct AssertionConfig {
    /// The key that is shared with the other system.
    pub key: Zeroizing<Vec<u8>>,
    /// The algorithms that the other system may sign with.
    pub algorithms: Vec<Algorithm>,
    /// Whether assertions without `exp` are refused.
    pub require_exp: bool,
}

impl fmt::Debug for AssertionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionConfig")
            .field("algorithms", &self.algorithms)
            .field("require_exp", &self.require_exp)
            .finish_non_exhaustive()
    }
}

/// The error of [`verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// The signature, the algorithm or the times are wrong, or the assertion is meant for another audience.
    #[error("the assertion is not valid")]
    Invalid,
    /// The assertion is valid, but its e-mail address is not a string.
    #[error("the assertion's e-mail address is not text")]
    Malformed,
}

/// Verifies an assertion and returns the e-mail address in it, unchanged; `None` if a valid assertion has none.
///
/// There is no leeway: an assertion has expired at the second `exp`, and `nbf` and `iat` must not be later than `now`.
/// These are numbers, of which a fraction of a second is cut off. An assertion with an `aud` is refused, whatever its
/// value. `sub` and `jti` must be strings where they are given, as PyJWT requires.
///
/// # Errors
/// [`AssertionError`].
pub fn verify(
    token: &str,
    config: &AssertionConfig,
    now: Timestamp,
) -> Result<Option<String>, AssertionError> {
    let keys: Vec<Key> =
        config.algorithms.iter().map(|algorithm| Key::new(*algorithm, &config.key)).collect();
    let json = jwt::verify_signature(token, &keys).map_err(|_| AssertionError::Invalid)?;
    let claims: Claims = serde_json::from_slice(&json).map_err(|_| AssertionError::Invalid)?;
    if !claims.has_no_audience() || !claims.has_valid_ids() || !claims.is_valid_at(now, config.require_exp) {
        return Err(AssertionError::Invalid);
    }
    match claims.email {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(email)) => Ok(Some(email)),
        Some(_) => Err(AssertionError::Malformed),
    }
}

#[derive(Deserialize)]
struct Claims {
    email: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    exp: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    sub: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    jti: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    aud: Option<IgnoredAny>,
}

/// A claim that is present, even if its value is `null`.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

impl Claims {
    fn has_no_audience(&self) -> bool {
        self.aud.is_none()
    }

    fn has_valid_ids(&self) -> bool {
        let is_text = |claim: &Option<Value>| claim.as_ref().is_none_or(Value::is_string);
        is_text(&self.sub) && is_text(&self.jti)
    }

    fn is_valid_at(&self, now: Timestamp, require_exp: bool) -> bool {
        let is_past = |seconds: i64| seconds.saturating_mul(1000) <= now.as_millis();
        let fits = |claim: &Option<Value>, fits: &dyn Fn(i64) -> bool| {
            claim.as_ref().is_none_or(|value| whole_seconds(value).is_some_and(fits))
        };
        (self.exp.is_some() || !require_exp)
            && fits(&self.exp, &|exp| !is_past(exp))
            && fits(&self.nbf, &is_past)
            && fits(&self.iat, &is_past)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_500);

    fn config(algorithms: &[Algorithm], require_exp: bool) -> AssertionConfig {
        AssertionConfig {
            key: Zeroizing::new(b"key1".to_vec()),
            algorithms: algorithms.to_vec(),
            require_exp,
        }
    }

    fn check(claims: &str, expected: Result<Option<&str>, AssertionError>) {
        let token = jwt::sign(&Key::new(Algorithm::Hs256, b"key1"), claims);
        let verified = verify(token.expose(), &config(&[Algorithm::Hs256], false), NOW);
        assert_eq!(verified, expected.map(|email| email.map(str::to_owned)), "{claims}");
    }

    const INVALID: Result<Option<&str>, AssertionError> = Err(AssertionError::Invalid);

    #[test]
    fn zulips_test_vectors_give_zulips_results() {
        const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
        for (rest, expected) in [
            (
                "eyJlbWFpbCI6ImhhbWxldEB6dWxpcC5jb20ifQ.EsHxSVt54zPR-ywgPH54TB1FYmrGKsfq7hsQEhp_9w0",
                Ok(Some("hamlet@zulip.com".to_owned())),
            ),
            (
                "eyJlbWFpbCI6ImhhbWxldEB6dWxpcC5jb20iLCJleHAiOjF9.yLpFo8NoJfHzMDpTgXhL19JZQMFau_dP4n__Hb2Wnjs",
                Err(AssertionError::Invalid),
            ),
            (
                "eyJlbWFpbCI6ImhhbWxldEB6dWxpcC5jb20iLCJhdWQiOiJ4In0.xt-FZG9cxFRx-DcoYX1koesIHEAWJlDOUw98Nuv2_Es",
                Err(AssertionError::Invalid),
            ),
        ] {
            let token = format!("{HEADER}.{rest}");
            assert_eq!(verify(&token, &config(&[Algorithm::Hs256], false), NOW), expected);
        }
        assert_eq!(
            verify("bad_jwt_token", &config(&[Algorithm::Hs256], false), NOW),
            Err(AssertionError::Invalid)
        );
    }

    #[test]
    fn the_address_is_returned_unchanged() {
        check(r#"{"email":"HAMLET@zulip.com"}"#, Ok(Some("HAMLET@zulip.com")));
        check(r#"{"email":"","x":{"y":[1]}}"#, Ok(Some("")));
        check("{}", Ok(None));
        check(r#"{"email":null}"#, Ok(None));
        for wrong in ["1", "true", "[]", r#"{"a":"b"}"#] {
            check(&format!(r#"{{"email":{wrong}}}"#), Err(AssertionError::Malformed));
        }
    }

    #[test]
    fn times_are_checked_without_leeway() {
        const GOOD: Result<Option<&str>, AssertionError> = Ok(None);
        for (claims, expected) in [
            (r#"{"exp":1700000001}"#, GOOD),
            (r#"{"exp":1700000000}"#, INVALID),
            (r#"{"exp":1700000001.9}"#, GOOD),
            (r#"{"exp":1700000000.9}"#, INVALID),
            (r#"{"exp":9999999999999999999999}"#, INVALID),
            (r#"{"exp":-1}"#, INVALID),
            (r#"{"exp":"1700000001"}"#, INVALID),
            (r#"{"exp":null}"#, INVALID),
            (r#"{"exp":true}"#, INVALID),
            (r#"{"nbf":1700000000}"#, GOOD),
            (r#"{"nbf":1700000001}"#, INVALID),
            (r#"{"nbf":[]}"#, INVALID),
            (r#"{"iat":1700000000}"#, GOOD),
            (r#"{"iat":1700000001}"#, INVALID),
            (r#"{"iat":"x"}"#, INVALID),
        ] {
            check(claims, expected);
        }
    }

    #[test]
    fn claims_for_another_audience_or_of_another_type_are_refused() {
        for claims in [
            r#"{"aud":"x"}"#,
            r#"{"aud":null}"#,
            r#"{"aud":["zulip"]}"#,
            r#"{"sub":1}"#,
            r#"{"jti":1}"#,
            r#"{"email":"a","email":"b"}"#,
            "[]",
            "1",
            "",
            "{",
        ] {
            check(claims, INVALID);
        }
        check(r#"{"sub":"x","jti":"y","iss":1,"email":"z"}"#, Ok(Some("z")));
    }

    #[test]
    fn exp_is_required_where_configured() {
        for (claims, good) in [("{}", false), (r#"{"exp":1700000100}"#, true)] {
            let token = jwt::sign(&Key::new(Algorithm::Hs256, b"key1"), claims);
            let verified = verify(token.expose(), &config(&[Algorithm::Hs256], true), NOW);
            assert_eq!(verified.is_ok(), good, "{claims}");
        }
    }

    #[test]
    fn only_the_configured_algorithms_and_key_are_accepted() {
        for (algorithm, key, listed, good) in [
            (Algorithm::Hs512, "key1", vec![Algorithm::Hs256, Algorithm::Hs512], true),
            (Algorithm::Hs512, "key1", vec![Algorithm::Hs256], false),
            (Algorithm::Hs256, "key2", vec![Algorithm::Hs256], false),
            (Algorithm::Hs256, "key1", vec![], false),
        ] {
            let token = jwt::sign(&Key::new(algorithm, key.as_bytes()), "{}");
            assert_eq!(
                verify(token.expose(), &config(&listed, false), NOW).is_ok(),
                good,
                "{algorithm:?} {key}"
            );
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", config(&[Algorithm::Hs256], true));
        assert_eq!(shown, "AssertionConfig { algorithms: [Hs256], require_exp: true, .. }");
    }
}

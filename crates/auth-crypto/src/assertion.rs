//! Assertions: JSON web tokens of another system that name a user by e-mail address (zulip.md 5.5).

use std::fmt;

use auth_core::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::jwt::{self, Algorithm, Key};

/// Whose assertions are believed.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "configuration and tests build it")]
pub struct AssertionRule {
    /// The key shared with the other system.
    pub key: Zeroizing<Vec<u8>>,
    /// The algorithms it may sign with.
    pub algorithms: Vec<Algorithm>,
    /// Whether assertions without an end are refused.
    pub require_exp: bool,
}

impl fmt::Debug for AssertionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssertionRule")
            .field("algorithms", &self.algorithms)
            .field("require_exp", &self.require_exp)
            .finish_non_exhaustive()
    }
}

/// Why an assertion is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// Its signature, algorithm or times are wrong, or it is for somebody else.
    #[error("the assertion is not valid")]
    Invalid,
    /// It is good, but the address in it is no text.
    #[error("the assertion's e-mail address is not text")]
    Malformed,
}

/// The address that an assertion names, as it stands there; `None` when a good assertion names nobody.
///
/// There is no leeway: from `exp` on it is over, and `nbf` and `iat` must not be later than `now`. Times are
/// numbers; a fraction of a second is cut off. Any `aud` is somebody else. `sub` and `jti` must be text where they
/// are given, as PyJWT wants it.
///
/// # Errors
/// [`AssertionError`].
pub fn verify(token: &str, rule: &AssertionRule, now: Timestamp) -> Result<Option<String>, AssertionError> {
    let keys: Vec<Key> = rule.algorithms.iter().map(|algorithm| Key::new(*algorithm, &rule.key)).collect();
    let json = jwt::verify(token, &keys).map_err(|_| AssertionError::Invalid)?;
    let claims: Claims = serde_json::from_slice(&json).map_err(|_| AssertionError::Invalid)?;
    if !claims.is_meant_for_us() || !claims.holds_at(now, rule.require_exp) {
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

/// A claim that is there, be it `null`.
fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

impl Claims {
    fn is_meant_for_us(&self) -> bool {
        let is_text = |claim: &Option<Value>| claim.as_ref().is_none_or(Value::is_string);
        self.aud.is_none() && is_text(&self.sub) && is_text(&self.jti)
    }

    fn holds_at(&self, now: Timestamp, require_exp: bool) -> bool {
        let ended = |exp: i64| exp.saturating_mul(1000) <= now.as_millis();
        let begun = |start: i64| start.saturating_mul(1000) <= now.as_millis();
        let fits = |claim: &Option<Value>, fits: &dyn Fn(i64) -> bool| {
            claim.as_ref().is_none_or(|value| whole_seconds(value).is_some_and(fits))
        };
        (self.exp.is_some() || !require_exp)
            && fits(&self.exp, &|exp| !ended(exp))
            && fits(&self.nbf, &begun)
            && fits(&self.iat, &begun)
    }
}

/// The seconds of a numeric date, without their fraction.
pub(crate) fn whole_seconds(value: &Value) -> Option<i64> {
    const WITHIN: f64 = 1e15;
    value.as_i64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| seconds.abs() < WITHIN)?;
        #[expect(clippy::cast_possible_truncation, reason = "cutting off the fraction is what is wanted")]
        Some(seconds as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_500);

    fn rule(algorithms: &[Algorithm], require_exp: bool) -> AssertionRule {
        AssertionRule { key: Zeroizing::new(b"key1".to_vec()), algorithms: algorithms.to_vec(), require_exp }
    }

    fn check(claims: &str, expected: Result<Option<&str>, AssertionError>) {
        let token = jwt::sign(&Key::new(Algorithm::Hs256, b"key1"), claims);
        let verified = verify(token.expose(), &rule(&[Algorithm::Hs256], false), NOW);
        assert_eq!(verified, expected.map(|email| email.map(str::to_owned)), "{claims}");
    }

    const INVALID: Result<Option<&str>, AssertionError> = Err(AssertionError::Invalid);

    #[test]
    fn the_vectors_of_zulips_tests_are_judged_as_there() {
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
            assert_eq!(verify(&token, &rule(&[Algorithm::Hs256], false), NOW), expected);
        }
        assert_eq!(
            verify("bad_jwt_token", &rule(&[Algorithm::Hs256], false), NOW),
            Err(AssertionError::Invalid)
        );
    }

    #[test]
    fn the_address_comes_out_as_it_stands() {
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
    fn claims_for_others_or_of_another_type_are_refused() {
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
    fn an_end_is_required_where_the_rule_says_so() {
        for (claims, good) in [("{}", false), (r#"{"exp":1700000100}"#, true)] {
            let token = jwt::sign(&Key::new(Algorithm::Hs256, b"key1"), claims);
            let verified = verify(token.expose(), &rule(&[Algorithm::Hs256], true), NOW);
            assert_eq!(verified.is_ok(), good, "{claims}");
        }
    }

    #[test]
    fn only_the_listed_algorithms_and_the_key_are_believed() {
        for (algorithm, key, listed, good) in [
            (Algorithm::Hs512, "key1", vec![Algorithm::Hs256, Algorithm::Hs512], true),
            (Algorithm::Hs512, "key1", vec![Algorithm::Hs256], false),
            (Algorithm::Hs256, "key2", vec![Algorithm::Hs256], false),
            (Algorithm::Hs256, "key1", vec![], false),
        ] {
            let token = jwt::sign(&Key::new(algorithm, key.as_bytes()), "{}");
            assert_eq!(
                verify(token.expose(), &rule(&listed, false), NOW).is_ok(),
                good,
                "{algorithm:?} {key}"
            );
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", rule(&[Algorithm::Hs256], true));
        assert_eq!(shown, "AssertionRule { algorithms: [Hs256], require_exp: true, .. }");
    }
}

//! The times of a token: when it begins, and when it ends (RFC 7519, section 4.1).

use std::time::Duration;

use auth_core::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::numeric_date::whole_seconds;

/// What is demanded of the times of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    now: Timestamp,
    leeway: Duration,
    needs_end: bool,
}

impl Times {
    /// The token must be good at this moment, and have an end.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { now, leeway: Duration::ZERO, needs_end: true }
    }

    /// The clocks of both sides may differ by so much: a token is good for as long before its beginning and after its end.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// The token may be without an end: it is good for ever, unless the caller revokes it by other means. One that has an end is
    /// refused after it.
    #[must_use]
    pub fn without_end(self) -> Self {
        Self { needs_end: false, ..self }
    }

    /// Checks the times in claims.
    pub(super) fn check(self, claims: &[u8]) -> Result<(), VerifyError> {
        let claims: Claims = serde_json::from_slice(claims).map_err(|_| VerifyError::Invalid)?;
        let moment = |claim: &Option<Value>| match claim {
            None => Ok(None),
            Some(value) => {
                whole_seconds(value).map(Timestamp::from_secs).map(Some).ok_or(VerifyError::Invalid)
            }
        };
        match moment(&claims.exp)? {
            None if self.needs_end => return Err(VerifyError::NoEnd),
            Some(end) if end + self.leeway <= self.now => return Err(VerifyError::Ended),
            _ => {}
        }
        match moment(&claims.nbf)? {
            Some(begin) if begin > self.now + self.leeway => Err(VerifyError::TooEarly),
            _ => Ok(()),
        }
    }
}

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The token was not signed with one of the keys, or is malformed.
    #[error("not a valid signed token")]
    Invalid,
    /// The token was signed with one of the keys and has no end.
    #[error("the token has no end")]
    NoEnd,
    /// The token was signed with one of the keys and has ended.
    #[error("the token has ended")]
    Ended,
    /// The token was signed with one of the keys and is not good yet.
    #[error("the token is not good yet")]
    TooEarly,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default, deserialize_with = "present")]
    exp: Option<Value>,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<Value>,
}

/// A claim that is present, even if its value is `null`.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(value).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{Algorithm, Key, sign, verify};

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn judge(claims: &str, times: Times) -> Result<(), VerifyError> {
        let key = Key::new(Algorithm::Hs256, b"0123456789abcdef");
        verify(sign(&key, claims).expose(), [&key], times).map(drop)
    }

    #[test]
    fn a_token_is_good_between_its_times() {
        for (claims, expected) in [
            (r#"{"exp":1700000001}"#, Ok(())),
            (r#"{"exp":1700000001.5}"#, Ok(())),
            (r#"{"exp":1700000000}"#, Err(VerifyError::Ended)),
            (r#"{"exp":1}"#, Err(VerifyError::Ended)),
            (r#"{"exp":-1}"#, Err(VerifyError::Ended)),
            (r#"{"exp":1700000001,"nbf":1700000000}"#, Ok(())),
            (r#"{"exp":1700000001,"nbf":1700000001}"#, Err(VerifyError::TooEarly)),
            ("{}", Err(VerifyError::NoEnd)),
            (r#"{"nbf":1}"#, Err(VerifyError::NoEnd)),
        ] {
            assert_eq!(judge(claims, Times::at(NOW)), expected, "{claims}");
        }
    }

    #[test]
    fn times_that_are_no_numbers_are_refused_whatever_is_demanded() {
        for claims in [
            r#"{"exp":"1700000001"}"#,
            r#"{"exp":null}"#,
            r#"{"exp":[1700000001]}"#,
            r#"{"exp":1700000001,"nbf":"1"}"#,
            r#"{"exp":1700000001,"exp":1700000002}"#,
            r#"["exp"]"#,
            "1",
            "",
        ] {
            for times in [Times::at(NOW), Times::at(NOW).without_end()] {
                assert_eq!(judge(claims, times), Err(VerifyError::Invalid), "{claims}");
            }
        }
    }

    #[test]
    fn an_end_can_be_left_out_only_where_that_is_asked_for() {
        assert_eq!(judge("{}", Times::at(NOW).without_end()), Ok(()));
        assert_eq!(judge(r#"{"exp":1}"#, Times::at(NOW).without_end()), Err(VerifyError::Ended));
    }

    #[test]
    fn leeway_counts_at_both_ends() {
        let times = Times::at(NOW).leeway(Duration::from_secs(10));
        assert_eq!(judge(r#"{"exp":1699999991}"#, times), Ok(()));
        assert_eq!(judge(r#"{"exp":1699999990}"#, times), Err(VerifyError::Ended));
        assert_eq!(judge(r#"{"exp":1700000001,"nbf":1700000010}"#, times), Ok(()));
        assert_eq!(judge(r#"{"exp":1700000001,"nbf":1700000011}"#, times), Err(VerifyError::TooEarly));
    }
}

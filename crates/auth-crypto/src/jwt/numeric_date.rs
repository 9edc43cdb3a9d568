//! Numeric dates in claims (RFC 7519, section 2).

use serde_json::Value;

/// The whole seconds of a numeric date; a fraction of a second is cut off.
pub(crate) fn whole_seconds(value: &Value) -> Option<i64> {
    const WITHIN: f64 = 1e15;
    value.as_i64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| seconds.abs() < WITHIN)?;
        #[expect(clippy::cast_possible_truncation, reason = "the fraction is to be cut off")]
        Some(seconds as i64)
    })
}

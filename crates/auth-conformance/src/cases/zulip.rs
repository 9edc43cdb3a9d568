//! The cases of the Zulip protocol.

use serde_json::Value;

use super::{Case, Protocol};

pub(crate) struct Zulip;

impl Protocol for Zulip {
    fn name(&self) -> &'static str {
        "zulip"
    }

    fn host(&self) -> Option<&'static str> {
        Some("zulip.testserver")
    }

    fn restarts_before(&self, case: &Case) -> bool {
        case.request.path.contains("v1/fetch_api_key")
    }

    fn is_exact(&self, expect: &Value) -> bool {
        expect.get("json_exact").and_then(Value::as_bool).unwrap_or(false)
    }
}

//! The cases of Zulip's pages and web sessions.

use serde_json::Value;

use super::{Case, Protocol};

pub(crate) struct ZulipWeb;

impl Protocol for ZulipWeb {
    fn name(&self) -> &'static str {
        "zulip-web"
    }

    fn host(&self) -> Option<&'static str> {
        Some("zulip.testserver")
    }

    fn restarts_before(&self, case: &Case) -> bool {
        case.request.method == "POST"
    }

    fn is_exact(&self, expect: &Value) -> bool {
        expect.get("json_exact").and_then(Value::as_bool).unwrap_or(false)
    }
}

//! The cases of the Rocket.Chat protocol (rocketchat.md).

use serde_json::Value;

use crate::cases::{Case, Dialect};
use crate::values::Values;

pub(crate) struct RocketChat;

impl Dialect for RocketChat {
    fn name(&self) -> &'static str {
        "rocketchat"
    }

    fn is_exact(&self, expect: &Value) -> bool {
        expect.get("match").is_some_and(|how| how == "exact")
    }

    fn after(&self, case: &Case, values: &mut Values) {
        if case.request.path.to_lowercase().contains("logout") {
            values.forget_logins();
        }
    }
}

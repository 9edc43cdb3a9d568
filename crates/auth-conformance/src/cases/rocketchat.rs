//! The cases of the Rocket.Chat protocol.

use serde_json::Value;

use super::{Case, Protocol};
use crate::variables::Variables;

pub(crate) struct RocketChat;

impl Protocol for RocketChat {
    fn name(&self) -> &'static str {
        "rocketchat"
    }

    fn is_exact(&self, expect: &Value) -> bool {
        expect.get("match").is_some_and(|comparison| comparison == "exact")
    }

    fn after(&self, case: &Case, variables: &mut Variables) {
        // A logout revokes tokens that the variables hold.
        if case.request.path.to_lowercase().contains("logout") {
            variables.forget_logins();
        }
    }
}

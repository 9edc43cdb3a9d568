//! The rules of the pages.

use std::time::Duration;

use auth_core::{CredentialKind, ProtocolName, ProtocolRules, TokenPolicy};

/// What the pages demand of the login pipeline.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it has no configuration")]
pub struct WebRules;

impl ProtocolRules for WebRules {
    fn protocol(&self) -> ProtocolName {
        ProtocolName::WEB
    }

    fn gives_tickets(&self) -> bool {
        true
    }

    fn sets_up_second_factors(&self) -> bool {
        true
    }

    fn takes_app_passwords(&self) -> bool {
        false
    }

    /// A session lives for 90 days at most, and ends sooner when nobody uses it.
    fn token_policy(&self, _kind: CredentialKind) -> TokenPolicy {
        TokenPolicy { lifetime: Duration::from_secs(90 * 24 * 3600), keep: 50 }
    }
}

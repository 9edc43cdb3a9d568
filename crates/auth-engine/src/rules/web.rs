//! The rules of the pages.

use std::time::Duration;

use auth_core::{CredentialKind, ProtocolName, ProtocolRules, Quota, TokenPolicy};

/// Forms of one kind that are taken from one client key: many people may share it, and each form may leave a row behind.
const FORMS: Quota = Quota { attempts: 300, window: Duration::from_secs(60) };

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

    fn takes_app_passwords(&self) -> bool {
        false
    }

    fn call_quota(&self) -> Option<Quota> {
        Some(FORMS)
    }

    /// A session lives for 90 days at most, and ends sooner when nobody uses it.
    fn token_policy(&self, _kind: CredentialKind) -> TokenPolicy {
        TokenPolicy { lifetime: Duration::from_secs(90 * 24 * 3600), keep: 50 }
    }
}

//! The rules of forward authentication.

use std::time::Duration;

use auth_core::{CredentialKind, ProtocolName, ProtocolRules, TokenPolicy};

/// How long a password that was right is remembered.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// What forward authentication demands of the login pipeline.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "it has no configuration")]
pub struct ForwardRules;

impl ProtocolRules for ForwardRules {
    fn protocol(&self) -> ProtocolName {
        ProtocolName::FORWARD
    }

    /// A proxy asks with what the client sent, and can't ask the client for a code.
    fn has_second_step(&self) -> bool {
        false
    }

    /// A session lives as long as the web session that it comes from, and that is 90 days at most.
    fn token_policy(&self, kind: CredentialKind) -> TokenPolicy {
        match kind {
            CredentialKind::FORWARD_LOGIN => TokenPolicy { lifetime: REMEMBERED, keep: 50 },
            _ => TokenPolicy { lifetime: Duration::from_secs(90 * 24 * 3600), keep: 50 },
        }
    }
}

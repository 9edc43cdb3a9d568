//! What the protocol demands of the login pipeline.

use auth_core::{
    CredentialKind, LoginQuotas, NewId, ProtocolName, ProtocolRules, Rng, Timestamp, TokenPolicy,
};

use crate::config::Config;
use crate::exact::BLOCKED_BEFORE_PASSWORD;
use crate::name::GITLAB;

/// The rules of the protocol. A server hands them to the engine when it builds the engine.
#[derive(Clone, Copy, Debug)]
pub struct GitLabRules {
    tells_state_first: bool,
    login_quotas: LoginQuotas,
    tokens: TokenPolicy,
}

impl GitLabRules {
    /// The rules that follow from a configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            tells_state_first: config.exact.has(BLOCKED_BEFORE_PASSWORD),
            login_quotas: LoginQuotas { account: config.login_limit, ..LoginQuotas::default() },
            tokens: TokenPolicy { lifetime: config.token_lifetime, keep: config.max_tokens },
        }
    }
}

impl ProtocolRules for GitLabRules {
    fn protocol(&self) -> ProtocolName {
        GITLAB
    }

    fn tells_state_first(&self) -> bool {
        self.tells_state_first
    }

    /// The session call has no field for a code.
    fn has_second_step(&self) -> bool {
        false
    }

    fn login_quotas(&self) -> LoginQuotas {
        self.login_quotas
    }

    fn token_policy(&self, _kind: CredentialKind) -> TokenPolicy {
        self.tokens
    }

    /// GitLab numbers users.
    fn new_id(&self, _rng: &dyn Rng, _joined: Timestamp) -> Option<NewId> {
        Some(NewId::Next)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::{Exact, Quota, SeededRng};

    use super::*;
    use crate::exact::EXACT_POINTS;
    use crate::name::GITLAB_TOKEN;

    #[test]
    fn rules_follow_the_configuration() {
        let careful = GitLabRules::new(&Config::new("main"));
        assert_eq!(careful.protocol(), GITLAB);
        assert!(!careful.tells_state_first() && !careful.has_second_step());
        assert_eq!(careful.new_id(&SeededRng::new(1), Timestamp::default()), Some(NewId::Next));

        let limit = Quota { attempts: 3, window: Duration::from_secs(60) };
        let exact = GitLabRules::new(&Config {
            exact: Exact::only(EXACT_POINTS),
            token_lifetime: Duration::from_secs(5),
            max_tokens: 2,
            login_limit: Some(limit),
            ..Config::new("main")
        });
        assert!(exact.tells_state_first());
        assert_eq!(exact.login_quotas().account, Some(limit));
        let policy = TokenPolicy { lifetime: Duration::from_secs(5), keep: 2 };
        assert_eq!(exact.token_policy(GITLAB_TOKEN), policy);
    }
}

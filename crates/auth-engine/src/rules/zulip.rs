//! Zulip's rules.

use std::time::Duration;

use auth_core::{
    AttemptCounting, CredentialKind, Entry, ExactPoint, FailureReason, LoginQuotas, NewId, ProtocolName,
    ProtocolRules, Quota, Rng, Timestamp, TokenPolicy,
};

use super::change_notices::NO_CHANGE_NOTICES;
use crate::config::ZulipConfig;

/// Zulip tells a deactivated account or realm before the password is known to be right.
pub const STATE_BEFORE_PASSWORD: ExactPoint = ExactPoint::new("state-before-password");

/// Zulip counts login attempts by the name as typed, so another spelling is another count.
pub const LIMIT_BY_TYPED_NAME: ExactPoint = ExactPoint::new("limit-by-typed-name");

/// Zulip counts requests for a new password by the address as typed.
pub const RESET_LIMIT_BY_TYPED_ADDRESS: ExactPoint = ExactPoint::new("reset-limit-by-typed-address");

/// Zulip takes assertions that never end.
pub const ASSERTION_WITHOUT_END: ExactPoint = ExactPoint::new("assertion-without-end");

/// What Zulip demands of the login pipeline.
#[derive(Clone, Copy, Debug)]
pub struct ZulipRules {
    takes_passwords: bool,
    tells_state_first: bool,
    tells_of_own_changes: bool,
    login_quotas: LoginQuotas,
    user_quota: Option<Quota>,
}

impl ZulipRules {
    /// The rules that a configuration comes to.
    #[must_use]
    pub fn new(config: &ZulipConfig) -> Self {
        let counting = if config.exact.has(LIMIT_BY_TYPED_NAME) {
            AttemptCounting::TypedName
        } else {
            AttemptCounting::Name
        };
        Self {
            takes_passwords: config.password_login,
            tells_state_first: config.exact.has(STATE_BEFORE_PASSWORD),
            tells_of_own_changes: !config.exact.has(NO_CHANGE_NOTICES),
            login_quotas: LoginQuotas { account: config.login_limit, client: None, counting },
            user_quota: config.api_limit,
        }
    }
}

impl ProtocolRules for ZulipRules {
    fn protocol(&self) -> ProtocolName {
        ProtocolName::ZULIP
    }

    fn takes_passwords(&self) -> bool {
        self.takes_passwords
    }

    /// Zulip alone has an answer for a password that must be set anew.
    fn demands_strength(&self) -> bool {
        true
    }

    fn tells_state_first(&self) -> bool {
        self.tells_state_first
    }

    fn tells_of_own_changes(&self) -> bool {
        self.tells_of_own_changes
    }

    /// The API has none. The form of Zulip's pages offers one all the same.
    fn has_second_step(&self) -> bool {
        false
    }

    fn gives_tickets(&self) -> bool {
        true
    }

    /// A session of Zulip's pages lives for two weeks, which its use doesn't move. A login that goes on elsewhere does so
    /// within 15 seconds.
    fn token_policy(&self, kind: CredentialKind) -> TokenPolicy {
        let seconds = if kind == CredentialKind::HANDOVER { 15 } else { 14 * 24 * 3600 };
        TokenPolicy { lifetime: Duration::from_secs(seconds), keep: 50 }
    }

    /// A Zulip account is shown by its address.
    fn check_entry(&self, entry: &Entry) -> Result<(), FailureReason> {
        if entry.email.is_some() { Ok(()) } else { Err(FailureReason::EntryIncomplete) }
    }

    fn login_quotas(&self) -> LoginQuotas {
        self.login_quotas
    }

    fn user_quota(&self) -> Option<Quota> {
        self.user_quota
    }

    /// Zulip numbers users.
    fn new_id(&self, _rng: &dyn Rng, _joined: Timestamp) -> Option<NewId> {
        Some(NewId::Next)
    }
}

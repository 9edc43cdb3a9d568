//! Rocket.Chat's rules.

use auth_core::{
    AttemptCounting, BotKind, CredentialKind, ExactPoint, ExternalId, LoginError, LoginQuotas, NewId,
    ProtocolName, ProtocolRules, Quota, Rng, Role, Timestamp, TokenPolicy, User,
};
use auth_crypto::opaque;

use super::change_notices::NO_CHANGE_NOTICES;
use crate::config::RocketChatConfig;

/// Rocket.Chat lets a TOTP code be used again in its window.
pub const CODE_REPLAY: ExactPoint = ExactPoint::new("code-replay");

/// Rocket.Chat blocks by user name whatever the client key, but not the senders of an address or a code, and counts the
/// attempts that a blocked address is refused.
pub const BLOCK_BY_TYPED_NAME: ExactPoint = ExactPoint::new("block-by-typed-name");

/// Rocket.Chat tells an account of the directory that the local password it sent is right, but of no use: also while the
/// directory can't be reached.
pub const LOCAL_PASSWORD_FORBIDDEN: ExactPoint = ExactPoint::new("local-password-forbidden");

/// What Rocket.Chat demands of the login pipeline.
#[derive(Clone, Copy, Debug)]
pub struct RocketChatRules {
    tells_local_password: bool,
    takes_codes_again: bool,
    tells_of_own_changes: bool,
    email_verification: bool,
    login_quotas: LoginQuotas,
    call_quota: Option<Quota>,
    tokens: TokenPolicy,
}

impl RocketChatRules {
    /// The rules that a configuration comes to.
    #[must_use]
    pub fn new(config: &RocketChatConfig) -> Self {
        let counting = if config.exact.has(BLOCK_BY_TYPED_NAME) {
            AttemptCounting::UserNameAnywhere
        } else {
            AttemptCounting::NameAndAccount
        };
        Self {
            tells_local_password: config.exact.has(LOCAL_PASSWORD_FORBIDDEN),
            takes_codes_again: config.exact.has(CODE_REPLAY),
            tells_of_own_changes: !config.exact.has(NO_CHANGE_NOTICES),
            email_verification: config.email_verification,
            login_quotas: LoginQuotas {
                account: config.block_by_user,
                client: config.block_by_address,
                counting,
            },
            call_quota: config.api_limit,
            tokens: TokenPolicy { lifetime: config.token_lifetime, keep: config.max_tokens },
        }
    }
}

impl ProtocolRules for RocketChatRules {
    fn protocol(&self) -> ProtocolName {
        ProtocolName::ROCKETCHAT
    }

    fn tells_local_password(&self) -> bool {
        self.tells_local_password
    }

    fn takes_codes_again(&self) -> bool {
        self.takes_codes_again
    }

    fn tells_of_own_changes(&self) -> bool {
        self.tells_of_own_changes
    }

    /// Apps never log in, nor do accounts without roles; an operator may demand a verified address of all but
    /// administrators.
    fn check_user(&self, user: &User) -> Result<(), LoginError> {
        if user.bot == Some(BotKind::App) {
            return Err(LoginError::AppAccount);
        }
        if user.external_roles.get(ProtocolName::ROCKETCHAT).is_some_and(Vec::is_empty) {
            return Err(LoginError::NoRoles);
        }
        let unverified = user.email().is_some_and(|email| !email.verified);
        let administers = user.role <= Role::Admin;
        if self.email_verification && unverified && !administers {
            return Err(LoginError::EmailUnverified);
        }
        Ok(())
    }

    fn login_quotas(&self) -> LoginQuotas {
        self.login_quotas
    }

    fn call_quota(&self) -> Option<Quota> {
        self.call_quota
    }

    fn token_policy(&self, _kind: CredentialKind) -> TokenPolicy {
        self.tokens
    }

    fn resumable(&self) -> &'static [CredentialKind] {
        &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::PERSONAL_TOKEN]
    }

    /// Rocket.Chat's ids are 17 random characters.
    fn new_id(&self, rng: &dyn Rng, _joined: Timestamp) -> Option<NewId> {
        Some(NewId::Exactly(ExternalId::Text(opaque::rocketchat_id(rng))))
    }
}

//! What each protocol demands of the login pipeline: a file for each.
//!
//! A crate that adds a protocol implements [`ProtocolRules`] itself and hands the rules to the engine when the engine is
//! built.

mod change_notices;
mod forward;
mod rocketchat;
mod web;
mod zettelstore;
mod zulip;

use std::fmt;
use std::sync::Arc;

use auth_core::{CredentialKind, ProtocolName, ProtocolRules};

use crate::config::Config;

pub use change_notices::NO_CHANGE_NOTICES;
pub use forward::ForwardRules;
pub use rocketchat::{BLOCK_BY_TYPED_NAME, CODE_REPLAY, LOCAL_PASSWORD_FORBIDDEN, RocketChatRules};
pub use web::WebRules;
pub use zettelstore::ZettelstoreRules;
pub use zulip::{
    ASSERTION_WITHOUT_END, LIMIT_BY_TYPED_NAME, RESET_LIMIT_BY_TYPED_ADDRESS, STATE_BEFORE_PASSWORD,
    ZulipRules,
};

/// The rules of every protocol.
pub struct RuleSet {
    rules: Vec<Arc<dyn ProtocolRules>>,
}

impl RuleSet {
    /// The rules of this project's protocols, and those of others.
    pub(crate) fn new(config: &Config, others: Vec<Arc<dyn ProtocolRules>>) -> Self {
        let mut rules: Vec<Arc<dyn ProtocolRules>> = vec![
            Arc::new(ZulipRules::new(&config.zulip)),
            Arc::new(RocketChatRules::new(&config.rocketchat)),
            Arc::new(ZettelstoreRules::new(config.zettelstore)),
            Arc::new(WebRules),
            Arc::new(ForwardRules),
        ];
        rules.extend(others);
        Self { rules }
    }

    /// A protocol's rules; those that all share where it has none of its own.
    pub(crate) fn of(&self, protocol: ProtocolName) -> &dyn ProtocolRules {
        let own = self.rules.iter().rfind(|rules| rules.protocol() == protocol);
        own.map_or(&DefaultRules, |rules| &**rules)
    }

    /// The protocols at which accounts can't be asked for a second factor.
    #[must_use]
    pub fn without_second_step(&self) -> Vec<ProtocolName> {
        self.rules.iter().filter(|rules| !rules.has_second_step()).map(|rules| rules.protocol()).collect()
    }

    /// The protocols that take an app password of an account, of those that are wanted, or of all where none is named. A
    /// person's is for protocols without a second step alone: at others it would do away with the second factor.
    ///
    /// # Errors
    /// The first protocol that is not for it.
    pub fn app_password_protocols(
        &self,
        is_bot: bool,
        wanted: &[ProtocolName],
    ) -> Result<Vec<ProtocolName>, ProtocolName> {
        let possible = self.without_second_step();
        match wanted.iter().find(|protocol| !is_bot && !possible.contains(protocol)) {
            Some(protocol) => Err(*protocol),
            None if wanted.is_empty() && !is_bot => Ok(possible),
            None => Ok(wanted.to_vec()),
        }
    }

    /// The kinds of tokens that protocols add to those of auth-core.
    pub(crate) fn token_kinds(&self) -> impl Iterator<Item = CredentialKind> {
        self.rules.iter().flat_map(|rules| rules.token_kinds()).copied()
    }

    /// The protocols that have rules.
    pub fn protocols(&self) -> impl Iterator<Item = ProtocolName> {
        self.iter().map(|rules| rules.protocol())
    }

    /// The rules of every protocol that has some.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn ProtocolRules> {
        self.rules.iter().map(|rules| &**rules)
    }
}

impl fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.rules.iter().map(|rules| rules.protocol())).finish()
    }
}

/// The pipeline as it stands.
pub(crate) struct DefaultRules;

impl ProtocolRules for DefaultRules {
    fn protocol(&self) -> ProtocolName {
        const SHARED: ProtocolName = ProtocolName::new("shared");
        SHARED
    }
}

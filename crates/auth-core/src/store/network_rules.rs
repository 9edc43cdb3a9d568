//! Networks that may not ask anything, and networks that always may.

use async_trait::async_trait;

use super::StoreError;
use crate::{AuditRecord, Timestamp};

/// Keeps bans and allowances of networks. What they mean is the engine's to say.
#[async_trait]
pub trait NetworkRuleStore: Send + Sync {
    /// All rules by network, also those that have ended.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn network_rules(&self) -> Result<Vec<NetworkRule>, StoreError>;

    /// Adds a rule, or replaces that of the network.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn put_network_rule(
        &self,
        rule: &NetworkRule,
        audit: Option<&AuditRecord>,
    ) -> Result<(), StoreError>;

    /// Removes the rule of a network; `false` when there is none.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn remove_network_rule(
        &self,
        network: &str,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError>;

    /// Deletes the rules that ended before a moment; gives their number.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn forget_network_rules(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// A ban or an allowance of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: commands build it field by field")]
pub struct NetworkRule {
    /// The network in CIDR form, such as `192.0.2.0/24`: always the same text for one network, with no bit set behind the
    /// prefix.
    pub network: String,
    /// Which of the two it is.
    pub kind: NetworkRuleKind,
    /// When it ends; `None` for ever.
    pub until: Option<Timestamp>,
    /// When it was made.
    pub made: Timestamp,
    /// A note of at most 200 characters.
    pub note: String,
}

/// Whether a network is banned or allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum NetworkRuleKind {
    /// Nothing from there is answered.
    Ban,
    /// What comes from there is not banned.
    Allow,
}

impl NetworkRuleKind {
    /// Both, with their words.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Ban, "ban"), (Self::Allow, "allow")];

    /// The kind in a word, as stores write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Allow => "allow",
        }
    }

    /// The kind of that word.
    ///
    /// ```
    /// use auth_core::NetworkRuleKind;
    ///
    /// assert_eq!(NetworkRuleKind::from_name("ban"), Some(NetworkRuleKind::Ban));
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, word)| *word == name).map(|(kind, _)| kind)
    }
}

//! Bans and allowances of networks.

use async_trait::async_trait;

use super::MemoryStore;
use crate::{AuditRecord, NetworkRule, NetworkRuleStore, StoreError, Timestamp};

#[async_trait]
impl NetworkRuleStore for MemoryStore {
    async fn network_rules(&self) -> Result<Vec<NetworkRule>, StoreError> {
        self.read(|state| state.network_rules.values().cloned().collect())
    }

    async fn put_network_rule(
        &self,
        rule: &NetworkRule,
        audit: Option<&AuditRecord>,
    ) -> Result<(), StoreError> {
        self.act_apart(audit, |state| {
            state.network_rules.insert(rule.network.clone(), rule.clone());
            Ok(true)
        })
        .map(drop)
    }

    async fn remove_network_rule(
        &self,
        network: &str,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.act_apart(audit, |state| Ok(state.network_rules.remove(network).is_some()))
    }

    async fn forget_network_rules(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.change(|state| {
            let count = state.network_rules.len();
            state.network_rules.retain(|_, rule| rule.until.is_none_or(|end| end >= before));
            Ok((count - state.network_rules.len()) as u64)
        })
    }
}

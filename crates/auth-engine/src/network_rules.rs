//! Bans and allowances of networks, as every server of a store holds them in memory.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use auth_core::{Clock, NetworkRule, NetworkRuleKind, Store, StoreError, Timestamp};
use ipnet::IpNet;

/// The most rules that a server heeds: the first ones by network.
const MOST: usize = 65_536;

/// The bans and allowances of the store. Of several that an address lies in, that of the smallest network counts.
pub struct NetworkRules {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rules: RwLock<Arc<Rules>>,
}

/// Rules by their networks.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rules {
    by_network: HashMap<IpNet, (NetworkRuleKind, Option<Timestamp>)>,
    /// The prefix lengths that there are.
    prefixes: BTreeSet<u8>,
}

impl NetworkRules {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, rules: RwLock::default() }
    }

    /// Reads the rules anew.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read: the rules that were read before go on.
    pub async fn read(&self) -> Result<(), StoreError> {
        let rules = Rules::of(&self.store.network_rules().await?);
        if *self.rules() != rules {
            *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
        }
        Ok(())
    }

    /// Whether nothing from an address is answered.
    #[must_use]
    pub fn bans(&self, address: IpAddr) -> bool {
        self.of(address) == Some(NetworkRuleKind::Ban)
    }

    /// Whether an address is not counted by the limits of clients.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        self.of(address) == Some(NetworkRuleKind::Allow)
    }

    fn of(&self, address: IpAddr) -> Option<NetworkRuleKind> {
        let rules = self.rules();
        if rules.by_network.is_empty() {
            return None;
        }
        rules.of_smallest(address.to_canonical(), self.clock.now())
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rules {
    fn of(stored: &[NetworkRule]) -> Self {
        let read = stored.iter().take(MOST).filter_map(|rule| {
            let network: IpNet = rule.network.parse().ok()?;
            Some((network.trunc(), (rule.kind, rule.until)))
        });
        let by_network: HashMap<_, _> = read.collect();
        let prefixes = by_network.keys().map(IpNet::prefix_len).collect();
        Self { by_network, prefixes }
    }

    /// The rule of the smallest network that an address lies in, of those that have not ended.
    fn of_smallest(&self, address: IpAddr, now: Timestamp) -> Option<NetworkRuleKind> {
        self.prefixes.iter().rev().find_map(|prefix| {
            let network = IpNet::new(address, *prefix).ok()?.trunc();
            let (kind, until) = self.by_network.get(&network)?;
            until.is_none_or(|until| now < until).then_some(*kind)
        })
    }
}

impl fmt::Debug for NetworkRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkRules").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::ManualClock;
    use auth_core::testing::MemoryStore;
    use auth_core::{NetworkRuleKind as Kind, NetworkRuleStore};

    use super::*;

    fn rule(network: &str, kind: Kind, until: Option<Timestamp>) -> NetworkRule {
        NetworkRule {
            network: network.into(),
            kind,
            until,
            made: Timestamp::from_secs(1),
            note: String::new(),
        }
    }

    #[tokio::test]
    async fn the_rule_of_the_smallest_network_counts_until_it_ends() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1000)));
        let store = Arc::new(MemoryStore::new());
        let rules = NetworkRules::new(Arc::clone(&store) as _, Arc::clone(&clock) as _);
        for (network, kind, until) in [
            ("192.0.2.0/24", Kind::Ban, None),
            ("192.0.2.128/25", Kind::Allow, None),
            ("192.0.2.200/32", Kind::Ban, Some(Timestamp::from_secs(2000))),
            ("2001:db8::/32", Kind::Ban, None),
            ("no network", Kind::Ban, None),
        ] {
            store.put_network_rule(&rule(network, kind, until), None).await.unwrap();
        }
        let of = |address: &str| rules.of(address.parse().unwrap());
        assert_eq!(of("192.0.2.1"), None, "nothing was read yet");
        rules.read().await.unwrap();
        for (address, expected) in [
            ("192.0.2.1", Some(Kind::Ban)),
            ("::ffff:192.0.2.1", Some(Kind::Ban)),
            ("192.0.2.129", Some(Kind::Allow)),
            ("192.0.2.200", Some(Kind::Ban)),
            ("192.0.3.1", None),
            ("2001:db8:1::1", Some(Kind::Ban)),
            ("2001:db9::1", None),
        ] {
            assert_eq!(of(address), expected, "{address}");
        }
        clock.advance(Duration::from_secs(1000));
        assert_eq!(of("192.0.2.200"), Some(Kind::Allow), "the ban has ended: the larger network counts");
        store.remove_network_rule("192.0.2.128/25", None).await.unwrap();
        rules.read().await.unwrap();
        assert_eq!(of("192.0.2.200"), Some(Kind::Ban));
        assert!(rules.bans([192, 0, 2, 200].into()) && !rules.allows([192, 0, 2, 200].into()));
    }
}

//! Operations on bans and allowances of networks.

use std::net::IpAddr;

use auth_core::{Act, NetworkRule, NetworkRuleKind, is_control};
use ipnet::{IpNet, Ipv4Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Changed, Operation, Scope};
use crate::error::AdminError;
use crate::view::{Moment, NetworkRuleView};

/// The most rules that a store is given.
const MOST: usize = 10_000;

/// The bits before an IPv4 address that is written as an IPv6 one.
const MAPPED: u8 = 96;

/// The longest note, in characters.
const LONGEST_NOTE: usize = 200;

/// Lists the bans and allowances of networks, also those that have ended.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ListNetworks {}

impl Operation for ListNetworks {
    const NAME: &'static str = "limits.networks";
    const SUMMARY: &'static str = "Lists the bans and allowances of networks.";
    const SCOPES: &'static [Scope] = &[Scope::Read, Scope::Helpdesk];
    type Reply = Vec<NetworkRuleView>;

    async fn run(self, admin: &Admin) -> Result<Vec<NetworkRuleView>, AdminError> {
        Ok(admin.engine().store().network_rules().await?.iter().map(NetworkRuleView::of).collect())
    }
}

/// Bans a network: nothing from there is answered. A ban takes the place of an allowance of the same network.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct BanNetwork {
    /// The network: an address, or CIDR such as `192.0.2.0/24`.
    pub network: String,
    /// When the ban ends; never without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// A note of at most 200 characters.
    #[serde(default)]
    pub note: String,
}

impl Operation for BanNetwork {
    const NAME: &'static str = "limits.ban";
    const SUMMARY: &'static str = "Bans a network: nothing from there is answered.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = NetworkRuleView;

    async fn run(self, admin: &Admin) -> Result<NetworkRuleView, AdminError> {
        check_all_realms(admin, Self::NAME)?;
        put(admin, NetworkRuleKind::Ban, &self.network, self.until, &self.note).await
    }
}

/// Allows a network: it is not banned with a larger one, and the limits of clients don't count it. Those of accounts do.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct AllowNetwork {
    /// The network: an address, or CIDR such as `192.0.2.0/24`.
    pub network: String,
    /// When the allowance ends; never without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// A note of at most 200 characters.
    #[serde(default)]
    pub note: String,
}

impl Operation for AllowNetwork {
    const NAME: &'static str = "limits.allow";
    const SUMMARY: &'static str =
        "Allows a network: no ban of a larger one and no limit of clients holds for it.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = NetworkRuleView;

    async fn run(self, admin: &Admin) -> Result<NetworkRuleView, AdminError> {
        check_all_realms(admin, Self::NAME)?;
        put(admin, NetworkRuleKind::Allow, &self.network, self.until, &self.note).await
    }
}

/// Ends the ban or the allowance of a network.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "faces build it")]
pub struct ReleaseNetwork {
    /// The network.
    pub network: String,
}

impl Operation for ReleaseNetwork {
    const NAME: &'static str = "limits.release";
    const SUMMARY: &'static str = "Ends the ban or the allowance of a network.";
    const SCOPES: &'static [Scope] = &[];
    type Reply = Changed;

    async fn run(self, admin: &Admin) -> Result<Changed, AdminError> {
        check_all_realms(admin, Self::NAME)?;
        let network = network_of(&self.network)?.to_string();
        let audit = admin.audit(Act::NetworkRuleRemoved, None, None, network.clone());
        let changed = admin.engine().store().remove_network_rule(&network, Some(&audit)).await?;
        admin.engine().limits().network_rules().read().await?;
        Ok(Changed { changed })
    }
}

async fn put(
    admin: &Admin,
    kind: NetworkRuleKind,
    network: &str,
    until: Option<Moment>,
    note: &str,
) -> Result<NetworkRuleView, AdminError> {
    let (network, note) = (network_of(network)?, note.trim());
    if note.chars().count() > LONGEST_NOTE || note.contains(is_control) {
        return Err(AdminError::NotAName("note"));
    }
    let (engine, until) = (admin.engine(), until.map(|Moment(until)| until));
    let made = engine.clock().now();
    if until.is_some_and(|until| until <= made) {
        return Err(AdminError::InThePast);
    }
    let rule = NetworkRule { network: network.to_string(), kind, until, made, note: note.to_owned() };
    let rules = engine.store().network_rules().await?;
    if rules.len() >= MOST && rules.iter().all(|other| other.network != rule.network) {
        return Err(AdminError::TooManyNetworks);
    }
    let act = match kind {
        NetworkRuleKind::Ban => Act::NetworkBanned,
        NetworkRuleKind::Allow => Act::NetworkAllowed,
    };
    let audit = admin.audit(act, None, None, rule.network.clone());
    engine.store().put_network_rule(&rule, Some(&audit)).await?;
    engine.limits().network_rules().read().await?;
    Ok(NetworkRuleView::of(&rule))
}

/// A network is one of all realms.
fn check_all_realms(admin: &Admin, name: &'static str) -> Result<(), AdminError> {
    if admin.operator().realm.is_some() { Err(AdminError::NotPermitted(name)) } else { Ok(()) }
}

/// The network of a text. That of all addresses is none.
fn network_of(text: &str) -> Result<IpNet, AdminError> {
    let text = text.trim();
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let network = network.map(|network| as_ipv4(network).trunc()).filter(|network| network.prefix_len() > 0);
    network.ok_or(AdminError::BadNetwork)
}

/// A network of IPv4 addresses that are written as IPv6 ones, as clients are looked up by.
fn as_ipv4(network: IpNet) -> IpNet {
    let mapped = match network {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(MAPPED)),
        IpNet::V4(_) => None,
    };
    let v4 = mapped.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    v4.map_or(network, IpNet::V4)
}

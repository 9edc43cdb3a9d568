//! How both stores write down values that are no text or number of their own: kinds, roles, protocols, lists.

mod external;

use std::net::IpAddr;

use auth_core::{
    Act, Actor, BotKind, ClientKey, CredentialKind, NameKind, NetworkRuleKind, ProtocolName, Role,
    StoreError, UserId,
};

pub(crate) use external::{ExternalColumns, IdColumn};

type Result<T> = std::result::Result<T, StoreError>;

/// The number of a name kind: its place in [`NameKind::ALL`].
pub(crate) fn number(kind: NameKind) -> i64 {
    (0..).zip(NameKind::ALL).find(|(_, known)| *known == kind).map_or(-1, |(number, _)| number)
}

/// The name kind of that number.
pub(crate) fn name_kind(wanted: i64) -> Result<NameKind> {
    let known = NameKind::ALL.into_iter().find(|kind| number(*kind) == wanted);
    known.ok_or_else(|| corrupt("an unknown kind of name"))
}

pub(crate) fn bot(name: &str) -> Result<BotKind> {
    BotKind::from_name(name).ok_or_else(|| corrupt("an unknown kind of bot"))
}

pub(crate) fn role(name: &str) -> Result<Role> {
    Role::from_name(name).ok_or_else(|| corrupt("an unknown role"))
}

/// A protocol, whether this program knows it or not.
pub(crate) fn protocol(name: &str) -> Result<ProtocolName> {
    ProtocolName::from_name(name).ok_or_else(|| corrupt("a protocol whose name is none"))
}

/// A kind of credential, whether this program knows it or not.
pub(crate) fn credential_kind(name: &str) -> Result<CredentialKind> {
    CredentialKind::from_name(name).ok_or_else(|| corrupt("a kind of credential whose name is none"))
}

/// Protocols as one text, with spaces between.
pub(crate) fn protocol_names(protocols: &[ProtocolName]) -> String {
    protocols.iter().map(ProtocolName::as_str).collect::<Vec<_>>().join(" ")
}

/// The protocols that [`protocol_names`] has written.
pub(crate) fn protocols(names: &str) -> Result<Vec<ProtocolName>> {
    names.split(' ').filter(|name| !name.is_empty()).map(protocol).collect()
}

pub(crate) fn to_json(list: &[String]) -> Result<String> {
    serde_json::to_string(list).map_err(|_| corrupt("a list that is no JSON"))
}

pub(crate) fn from_json(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|_| corrupt("a list that is no JSON"))
}

/// Reads what a [`ClientKey`] prints: an address, with `/64` behind it in IPv6.
pub(crate) fn client_key(text: &str) -> Result<ClientKey> {
    let address = text.strip_suffix("/64").unwrap_or(text);
    address.parse::<IpAddr>().map(ClientKey::of).map_err(|_| corrupt("a client key that is no address"))
}

/// The act of these words.
pub(crate) fn act(name: &str) -> Result<Act> {
    Act::from_name(name).ok_or_else(|| corrupt("an unknown act"))
}

/// The kind of a rule of a network.
pub(crate) fn network_rule_kind(name: &str) -> Result<NetworkRuleKind> {
    NetworkRuleKind::from_name(name).ok_or_else(|| corrupt("an unknown kind of rule of a network"))
}

/// An actor of its word, with the user or the name that belongs to it.
pub(crate) fn actor(word: &str, user: Option<UserId>, name: Option<String>) -> Result<Actor> {
    Actor::from_parts(word, user, name).ok_or_else(|| corrupt("an unknown actor"))
}

/// A stored value that is not what it should be.
pub(crate) fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_back() {
        for (known, name) in Role::ALL {
            assert_eq!((known.as_str(), role(name).unwrap()), (name, known));
        }
        for (known, name) in BotKind::ALL {
            assert_eq!((known.as_str(), bot(name).unwrap()), (name, known));
        }
        for (index, kind) in (0..).zip(NameKind::ALL) {
            assert_eq!((number(kind), name_kind(index).unwrap()), (index, kind));
        }
        assert!(role("king").is_err());
    }

    #[test]
    fn names_that_are_unknown_are_kept_and_those_that_are_none_are_corrupt() {
        assert_eq!(protocol("gitlab"), Ok(ProtocolName::new("gitlab")));
        assert_eq!(credential_kind("passkey"), Ok(CredentialKind::new("passkey")));
        for none in ["No Name!", ""] {
            assert!(matches!(protocol(none), Err(StoreError::Corrupt(_))), "{none:?}");
            assert!(matches!(credential_kind(none), Err(StoreError::Corrupt(_))), "{none:?}");
        }
    }
}

//! The words and numbers in which every store writes down what is no text: kinds, roles, protocols, lists.

use std::net::IpAddr;

use auth_core::{BotKind, ClientKey, NameKind, ProtocolName, Role, StoreError};

type Result<T> = std::result::Result<T, StoreError>;

/// A name kind's number: its place among all.
pub(crate) fn number(kind: NameKind) -> i64 {
    (0..).zip(NameKind::ALL).find(|(_, known)| *known == kind).map_or(-1, |(number, _)| number)
}

pub(crate) const BOTS: [(BotKind, &str); 5] = [
    (BotKind::Default, "default"),
    (BotKind::IncomingWebhook, "incoming-webhook"),
    (BotKind::OutgoingWebhook, "outgoing-webhook"),
    (BotKind::Embedded, "embedded"),
    (BotKind::App, "app"),
];

pub(crate) fn bot_name(bot: BotKind) -> &'static str {
    BOTS.iter().find(|(known, _)| *known == bot).map_or("", |(_, name)| name)
}

pub(crate) fn bot(name: &str) -> Result<BotKind> {
    let found = BOTS.iter().find(|(_, known)| *known == name);
    found.map(|(bot, _)| *bot).ok_or_else(|| corrupt("an unknown kind of bot"))
}

pub(crate) fn role(name: &str) -> Result<Role> {
    Role::from_name(name).ok_or_else(|| corrupt("an unknown role"))
}

/// The kind of name of that number.
pub(crate) fn name_kind(wanted: i64) -> Result<NameKind> {
    let known = NameKind::ALL.into_iter().find(|kind| number(*kind) == wanted);
    known.ok_or_else(|| corrupt("an unknown kind of name"))
}

pub(crate) fn protocol(name: &str) -> Result<ProtocolName> {
    ProtocolName::from_name(name).ok_or_else(|| corrupt("an unknown protocol"))
}

/// The protocols of a list that [`protocol_names`] has written.
pub(crate) fn protocols(names: &str) -> Result<Vec<ProtocolName>> {
    names.split(' ').filter(|name| !name.is_empty()).map(protocol).collect()
}

pub(crate) fn protocol_names(protocols: &[ProtocolName]) -> String {
    protocols.iter().map(|protocol| protocol.as_str()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn to_json(list: &[String]) -> Result<String> {
    serde_json::to_string(list).map_err(|_| corrupt("a list that is no JSON"))
}

pub(crate) fn from_json(text: &str) -> Result<Vec<String>> {
    serde_json::from_str(text).map_err(|_| corrupt("a list that is no JSON"))
}

/// Reads what `ClientKey` prints: an address, with `/64` behind it in IPv6.
pub(crate) fn network(text: &str) -> Result<ClientKey> {
    let address = text.strip_suffix("/64").unwrap_or(text);
    address.parse::<IpAddr>().map(ClientKey::of).map_err(|_| corrupt("a network that is none"))
}

/// A stored value that is not what it should be.
pub(crate) fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for (known, name) in Role::ALL {
            assert_eq!((known.as_str(), role(name).unwrap()), (name, known));
        }
        for (known, name) in BOTS {
            assert_eq!((bot_name(known), bot(name).unwrap()), (name, known));
        }
        for (index, kind) in (0..).zip(NameKind::ALL) {
            assert_eq!((number(kind), name_kind(index).unwrap()), (index, kind));
        }
        assert!(role("king").is_err());
    }
}

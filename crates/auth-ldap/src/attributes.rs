//! Reads a person, and whether the entry is disabled, from the attributes of an entry.

use std::collections::BTreeSet;

use auth_core::{Entry, FailureReason, Role};
use data_encoding::HEXLOWER;

use crate::config::DirectoryConfig;
use crate::entry::SearchEntry;
use crate::{filter, names};

/// Active Directory's account flags, and the flag of a disabled account.
const ACCOUNT_CONTROL: &str = "userAccountControl";
const ACCOUNT_DISABLED: i64 = 2;

/// Attributes of 16 bytes that are written as a GUID, with the first three groups in little-endian byte order.
const GUIDS: [&str; 2] = ["objectGUID", "mS-DS-ConsistencyGuid"];

/// The names of the attributes that a search requests.
pub(crate) fn requested(config: &DirectoryConfig) -> Vec<String> {
    let DirectoryConfig { names, attributes, groups, carried, access, .. } = config;
    let mut requested: BTreeSet<&str> =
        [&attributes.id, &attributes.user, &attributes.email, &attributes.full_name, &attributes.disabled]
            .map(String::as_str)
            .into();
    requested.extend(names.search_attributes.iter().map(String::as_str));
    requested.extend(access.attributes());
    requested.insert(ACCOUNT_CONTROL);
    if (!groups.roles.is_empty() && groups.base.is_empty()) || !carried.named.is_empty() {
        requested.insert(&groups.attribute);
    }
    requested.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The person described by an entry, with the role that the directory sets, if it sets one.
///
/// # Errors
/// [`FailureReason::EntryIncomplete`] if the entry has no id.
pub(crate) fn person(
    config: &DirectoryConfig,
    entry: &SearchEntry,
    role: Option<Role>,
) -> Result<Entry, FailureReason> {
    let attributes = &config.attributes;
    let user_name = entry.text(&attributes.user).map(str::to_owned);
    let email = match (&config.names.append_domain, &user_name) {
        (Some(domain), Some(user)) => Some(names::address(user, domain)),
        (Some(_), None) => None,
        (None, _) if attributes.email.is_empty() => user_name.clone().filter(|name| name.contains('@')),
        (None, _) => entry.text(&attributes.email).map(str::to_owned),
    };
    Ok(Entry {
        id: id(entry, &attributes.id).ok_or(FailureReason::EntryIncomplete)?,
        email,
        user_name,
        full_name: entry.text(&attributes.full_name).map(str::to_owned),
        role,
        groups: None,
    })
}

/// The unchanging identifier of an entry, as text: a GUID as such, other binary values in hexadecimal.
pub(crate) fn id(entry: &SearchEntry, attribute: &str) -> Option<String> {
    let value = entry.values(attribute).find(|value| !value.is_empty())?;
    if GUIDS.iter().any(|guid| guid.eq_ignore_ascii_case(attribute))
        && let Ok(bytes) = <[u8; 16]>::try_from(value)
    {
        return Some(guid(bytes));
    }
    let text = std::str::from_utf8(value).map(str::trim).ok();
    let is_plain = |text: &&str| !text.is_empty() && !text.chars().any(char::is_control);
    Some(text.filter(is_plain).map_or_else(|| HEXLOWER.encode(value), str::to_owned))
}

/// A filter for the entry with an identifier that [`id`] gave: what is written as a GUID or in hexadecimal may be bytes.
pub(crate) fn id_filter(attribute: &str, id: &str) -> String {
    let mut filter = format!("(|{}", filter::any_equals("", &[attribute.to_owned()], id));
    let bytes = guid_bytes(id).map(|bytes| bytes.to_vec()).or_else(|| HEXLOWER.decode(id.as_bytes()).ok());
    if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        filter.push_str(&format!("({attribute}={escaped})"));
    }
    filter.push(')');
    filter
}

/// Whether an entry is disabled (docs/contract/zulip.md, section 7).
pub(crate) fn is_disabled(config: &DirectoryConfig, entry: &SearchEntry) -> bool {
    let flags = entry.text(ACCOUNT_CONTROL).and_then(|flags| flags.parse::<i64>().ok());
    let attribute = &config.attributes.disabled;
    let is_yes = |text: &str| ["TRUE", "YES", "1"].iter().any(|yes| yes.eq_ignore_ascii_case(text.trim()));
    flags.is_some_and(|flags| flags & ACCOUNT_DISABLED != 0)
        || (!attribute.is_empty() && entry.texts(attribute).any(is_yes))
}

fn guid(bytes: [u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let [i, j, node @ ..] = rest;
    let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
    format!("{}-{}-{}-{}-{}", hex(&[d, c, b, a]), hex(&[f, e]), hex(&[h, g]), hex(&[i, j]), hex(&node))
}

/// The bytes of which [`guid`] makes a text; `None` for other texts.
fn guid_bytes(text: &str) -> Option<[u8; 16]> {
    let bytes = HEXLOWER.decode(text.replace('-', "").as_bytes()).ok()?;
    let [d, c, b, a, f, e, h, g, rest @ ..] = <[u8; 16]>::try_from(bytes).ok()?;
    let [i, j, k, l, m, n, o, p] = rest;
    let bytes = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
    (guid(bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sought_by_the_identifier_that_was_read() {
        for (id, filter) in [
            ("7d2f*", r"(|(entryUUID=7d2f\2a))"),
            ("0aff", r"(|(entryUUID=0aff)(entryUUID=\0a\ff))"),
            (
                "00112233-4455-6677-8899-aabbccddeeff",
                r"(|(entryUUID=00112233-4455-6677-8899-aabbccddeeff)(entryUUID=\33\22\11\00\55\44\77\66\88\99\aa\bb\cc\dd\ee\ff))",
            ),
        ] {
            assert_eq!(id_filter("entryUUID", id), filter);
        }
    }

    fn config() -> DirectoryConfig {
        let mut config = DirectoryConfig::new("corp", "dc=example");
        config.attributes.disabled = "deactivated".into();
        config.groups.roles = vec![(Role::Guest, "cn=guests,ou=groups,dc=example".into())];
        config
    }

    #[test]
    fn people_are_read_from_entries() {
        let entry = SearchEntry::for_test(
            "uid=hamlet,dc=example",
            &[
                ("entryuuid", &["7d2f"]),
                ("UID", &["hamlet", "prince"]),
                ("mail", &[" ", "hamlet@zulip.com"]),
                ("cn", &["King Hamlet"]),
            ],
        );
        let expected = Entry {
            id: "7d2f".into(),
            user_name: Some("hamlet".into()),
            email: Some("hamlet@zulip.com".into()),
            full_name: Some("King Hamlet".into()),
            role: Some(Role::Admin),
            groups: None,
        };
        assert_eq!(person(&config(), &entry, Some(Role::Admin)), Ok(expected.clone()));

        let mut appended = config();
        appended.names.append_domain = Some("acme.com".into());
        let email = Some("hamlet@acme.com".to_owned());
        assert_eq!(person(&appended, &entry, Some(Role::Admin)), Ok(Entry { email, ..expected.clone() }));

        let mut own_address = config();
        own_address.attributes.email.clear();
        own_address.attributes.user = "mail".into();
        let user_name = Some("hamlet@zulip.com".to_owned());
        assert_eq!(person(&own_address, &entry, None), Ok(Entry { user_name, role: None, ..expected }));

        let bare = SearchEntry::for_test("uid=x", &[("uid", &["x"])]);
        assert_eq!(person(&config(), &bare, None), Err(FailureReason::EntryIncomplete));
    }

    #[test]
    fn entries_are_disabled_by_a_flag_or_an_attribute() {
        for (attribute, value, disabled) in [
            ("userAccountControl", "514", true),
            ("USERACCOUNTCONTROL", "66050", true),
            ("userAccountControl", "512", false),
            ("userAccountControl", "two", false),
            ("deactivated", "TRUE", true),
            ("deactivated", "yes", true),
            ("deactivated", "FALSE", false),
            ("deactivated", "", false),
            ("disabled", "TRUE", false),
        ] {
            let entry = SearchEntry::for_test("uid=x", &[(attribute, &[value])]);
            assert_eq!(is_disabled(&config(), &entry), disabled, "{attribute}: {value}");
        }
    }

    #[test]
    fn ids_of_any_encoding_become_text() {
        let bytes: [u8; 16] =
            [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF];
        for (attribute, value, expected) in [
            ("objectGUID", &bytes[..], Some("00112233-4455-6677-8899-aabbccddeeff")),
            ("objectguid", b"0123456789abcdef", Some("33323130-3534-3736-3839-616263646566")),
            ("entryUUID", b" 7d2f ", Some("7d2f")),
            ("GUID", &[0xFF, 0x00], Some("ff00")),
            ("GUID", b"a\0", Some("6100")),
            ("entryUUID", b"", None),
        ] {
            let entry = SearchEntry::default().with_bytes(attribute, value);
            assert_eq!(id(&entry, attribute).as_deref(), expected, "{attribute}");
        }
    }

    #[test]
    fn groups_that_the_configuration_names_are_read_of_people() {
        let mut config = DirectoryConfig::new("corp", "dc=example");
        assert!(!requested(&config).contains(&"memberOf".to_owned()));
        config.carried.named = vec![("cn=staff,dc=example".into(), "staff".into())];
        assert!(requested(&config).contains(&"memberOf".to_owned()));
    }

    #[test]
    fn every_attribute_in_use_is_requested() {
        let mut config = config();
        config.access.membership_attribute = "department".into();
        let requested = requested(&config);
        for name in
            ["entryUUID", "uid", "mail", "cn", "deactivated", "userAccountControl", "memberOf", "department"]
        {
            assert!(requested.iter().any(|known| known == name), "{name}");
        }
    }
}

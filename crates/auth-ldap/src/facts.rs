//! What an entry says of a person.

use std::collections::BTreeSet;

use auth_core::{Entry, FailureReason, Role};
use data_encoding::HEXLOWER;

use crate::names;
use crate::raw::RawEntry;
use crate::settings::Settings;

/// Active Directory's flags of an account: the bit that says that it is disabled.
const ACCOUNT_CONTROL: &str = "userAccountControl";
const ACCOUNT_DISABLED: i64 = 2;

/// Attributes of 16 bytes that are written as a GUID, the first three groups in the order of Intel's bytes.
const GUIDS: [&str; 2] = ["objectGUID", "mS-DS-ConsistencyGuid"];

/// The attributes that are asked for.
pub(crate) fn wanted(settings: &Settings) -> Vec<String> {
    let Settings { naming, attributes, groups, access, .. } = settings;
    let mut wanted: BTreeSet<&str> =
        [&attributes.id, &attributes.user, &attributes.email, &attributes.full_name, &attributes.disabled]
            .map(String::as_str)
            .into();
    wanted.extend(naming.search.iter().map(String::as_str));
    wanted.extend(access.attributes());
    wanted.insert(ACCOUNT_CONTROL);
    if !groups.roles.is_empty() && groups.base.is_empty() {
        wanted.insert(&groups.attribute);
    }
    wanted.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The person that an entry is of, in the groups it lists itself and the `others`.
///
/// # Errors
/// [`FailureReason::EntryIncomplete`] without what tells it from any other.
pub(crate) fn person(settings: &Settings, raw: &RawEntry, others: &[String]) -> Result<Entry, FailureReason> {
    let attributes = &settings.attributes;
    let user_name = raw.text(&attributes.user).map(str::to_owned);
    let email = match (&settings.naming.append_domain, &user_name) {
        (Some(domain), Some(user)) => Some(names::address(user, domain)),
        (Some(_), None) => None,
        (None, _) if attributes.email.is_empty() => user_name.clone().filter(|name| name.contains('@')),
        (None, _) => raw.text(&attributes.email).map(str::to_owned),
    };
    Ok(Entry {
        id: id(raw, &attributes.id).ok_or(FailureReason::EntryIncomplete)?,
        email,
        user_name,
        full_name: raw.text(&attributes.full_name).map(str::to_owned),
        role: role(settings, raw, others),
    })
}

/// What never changes of an entry, as text.
pub(crate) fn id(raw: &RawEntry, attribute: &str) -> Option<String> {
    let value = raw.values(attribute).find(|value| !value.is_empty())?;
    if GUIDS.iter().any(|guid| guid.eq_ignore_ascii_case(attribute))
        && let Ok(bytes) = <[u8; 16]>::try_from(value)
    {
        return Some(guid(bytes));
    }
    let text = std::str::from_utf8(value).map(str::trim).ok();
    let is_plain = |text: &&str| !text.is_empty() && !text.chars().any(char::is_control);
    Some(text.filter(is_plain).map_or_else(|| HEXLOWER.encode(value), str::to_owned))
}

/// Whether an entry is disabled (zulip.md 7).
pub(crate) fn is_disabled(settings: &Settings, raw: &RawEntry) -> bool {
    let flags = raw.text(ACCOUNT_CONTROL).and_then(|flags| flags.parse::<i64>().ok());
    let own = &settings.attributes.disabled;
    let says_so = |text: &str| ["TRUE", "YES", "1"].iter().any(|yes| yes.eq_ignore_ascii_case(text.trim()));
    flags.is_some_and(|flags| flags & ACCOUNT_DISABLED != 0)
        || (!own.is_empty() && raw.texts(own).any(says_so))
}

/// The most powerful role of the groups; an ordinary member in none of them.
fn role(settings: &Settings, raw: &RawEntry, others: &[String]) -> Option<Role> {
    let groups = &settings.groups;
    if groups.roles.is_empty() {
        return None;
    }
    let listed = raw.texts(&groups.attribute).filter(|_| groups.base.is_empty());
    let names: BTreeSet<String> = listed.chain(others.iter().map(String::as_str)).map(folded_dn).collect();
    let held = groups.roles.iter().filter(|(_, group)| names.contains(&folded_dn(group)));
    Some(held.map(|(role, _)| *role).min().unwrap_or_default())
}

/// A distinguished name as it compares: without case, and without spaces around commas.
fn folded_dn(dn: &str) -> String {
    dn.split(',').map(str::trim).collect::<Vec<_>>().join(",").to_lowercase()
}

fn guid(bytes: [u8; 16]) -> String {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes;
    let [i, j, node @ ..] = rest;
    let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
    format!("{}-{}-{}-{}-{}", hex(&[d, c, b, a]), hex(&[f, e]), hex(&[h, g]), hex(&[i, j]), hex(&node))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let mut settings = Settings::new("corp", "dc=example");
        settings.attributes.disabled = "deactivated".into();
        settings.groups.roles = vec![
            (Role::Guest, "cn=guests,ou=groups,dc=example".into()),
            (Role::Admin, "cn=Admins, ou=groups, dc=example".into()),
        ];
        settings
    }

    #[test]
    fn people_are_read_from_entries() {
        let raw = RawEntry::for_test(
            "uid=hamlet,dc=example",
            &[
                ("entryuuid", &["7d2f"]),
                ("UID", &["hamlet", "prince"]),
                ("mail", &[" ", "hamlet@zulip.com"]),
                ("cn", &["King Hamlet"]),
                ("memberOf", &["cn=guests,ou=groups,dc=example", "CN=admins,OU=groups,DC=example"]),
            ],
        );
        let expected = Entry {
            id: "7d2f".into(),
            user_name: Some("hamlet".into()),
            email: Some("hamlet@zulip.com".into()),
            full_name: Some("King Hamlet".into()),
            role: Some(Role::Admin),
        };
        assert_eq!(person(&settings(), &raw, &[]), Ok(expected.clone()));

        let mut appended = settings();
        appended.naming.append_domain = Some("acme.com".into());
        let email = Some("hamlet@acme.com".to_owned());
        assert_eq!(person(&appended, &raw, &[]), Ok(Entry { email, ..expected.clone() }));

        let mut own_address = settings();
        own_address.attributes.email.clear();
        own_address.attributes.user = "mail".into();
        own_address.groups.roles.clear();
        let user_name = Some("hamlet@zulip.com".to_owned());
        assert_eq!(person(&own_address, &raw, &[]), Ok(Entry { user_name, role: None, ..expected }));

        let bare = RawEntry::for_test("uid=x", &[("uid", &["x"])]);
        assert_eq!(person(&settings(), &bare, &[]), Err(FailureReason::EntryIncomplete));
    }

    #[test]
    fn roles_come_from_the_entry_or_from_a_search() {
        let raw = RawEntry::for_test("uid=x", &[("memberOf", &["cn=admins,ou=groups,dc=example"])]);
        let guests = ["cn=guests,ou=groups,dc=example".to_owned()];
        let mut searched = settings();
        searched.groups.base = "ou=groups,dc=example".into();
        assert_eq!(role(&settings(), &raw, &[]), Some(Role::Admin));
        assert_eq!(role(&searched, &raw, &guests), Some(Role::Guest), "the entry itself isn't asked then");
        assert_eq!(role(&searched, &raw, &[]), Some(Role::Member));
    }

    #[test]
    fn disabled_entries_say_so_in_one_of_two_ways() {
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
            let raw = RawEntry::for_test("uid=x", &[(attribute, &[value])]);
            assert_eq!(is_disabled(&settings(), &raw), disabled, "{attribute}: {value}");
        }
    }

    #[test]
    fn identifiers_are_text_whatever_they_are() {
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
            let raw = RawEntry::default().with_bytes(attribute, value);
            assert_eq!(id(&raw, attribute).as_deref(), expected, "{attribute}");
        }
    }

    #[test]
    fn what_is_wanted_is_asked_for() {
        let mut settings = settings();
        settings.access.membership = "department".into();
        let wanted = wanted(&settings);
        for name in
            ["entryUUID", "uid", "mail", "cn", "deactivated", "userAccountControl", "memberOf", "department"]
        {
            assert!(wanted.iter().any(|known| known == name), "{name}");
        }
    }
}

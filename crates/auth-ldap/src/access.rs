//! Which entries may log in to which realm (docs/contract/zulip.md, section 7).

use std::collections::BTreeMap;

use auth_core::Realm;

use crate::dn::is_same_value;
use crate::entry::SearchEntry;
use crate::error::DirectoryError;

/// Which entries may log in to which realm.
///
/// An entry may log in to a realm if its `membership_attribute` lists the realm or one of the realm's `rules` matches.
/// Without a membership attribute, a realm that has no rules is open to every entry.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct RealmAccess {
    /// The attribute that lists the realms of an entry, by subdomain, or by slug for a realm without a subdomain.
    /// Empty for none.
    pub membership_attribute: String,
    /// For each realm, by slug: alternative rules. A rule maps attributes to values and matches an entry that has all
    /// of them; a distinguished name matches in every spelling. A rule without attributes matches no entry.
    pub rules: BTreeMap<String, Vec<BTreeMap<String, String>>>,
}

impl RealmAccess {
    /// Whether an entry may log in to a realm.
    ///
    /// # Errors
    /// [`DirectoryError::Cut`] if that may depend on values that the directory didn't give.
    pub(crate) fn allows(&self, realm: &Realm, entry: &SearchEntry) -> Result<bool, DirectoryError> {
        let is_allowed = self.is_allowed(realm, entry);
        let is_cut = !is_allowed && self.attributes().any(|name| entry.is_cut(name));
        if is_cut { Err(DirectoryError::Cut) } else { Ok(is_allowed) }
    }

    fn is_allowed(&self, realm: &Realm, entry: &SearchEntry) -> bool {
        let rules = self.rules.get(&realm.slug);
        let attribute = &self.membership_attribute;
        if attribute.is_empty() && rules.is_none() {
            return true;
        }
        let name = realm.subdomain.as_deref().filter(|name| !name.is_empty()).unwrap_or(&realm.slug);
        let is_member = !attribute.is_empty() && entry.texts(attribute).any(|value| value == name);
        is_member || rules.is_some_and(|rules| rules.iter().any(|rule| matches(rule, entry)))
    }

    /// The names of the attributes that decide about access.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        let in_rules = self.rules.values().flatten().flat_map(|rule| rule.keys().map(String::as_str));
        in_rules.chain([self.membership_attribute.as_str()]).filter(|name| !name.is_empty())
    }
}

/// An empty rule is a mistake in the configuration, so it must not open a realm.
fn matches(rule: &BTreeMap<String, String>, entry: &SearchEntry) -> bool {
    !rule.is_empty()
        && rule
            .iter()
            .all(|(attribute, expected)| entry.texts(attribute).any(|value| is_same_value(value, expected)))
}

#[cfg(test)]
mod tests {
    use auth_core::{RealmId, SeededRng};

    use super::*;

    fn realm(slug: &str, subdomain: Option<&str>) -> Realm {
        Realm {
            subdomain: subdomain.map(str::to_owned),
            backends: vec!["corp".into()],
            ..Realm::new(RealmId::random(&SeededRng::new(1)), slug)
        }
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn realms_are_open_or_limited_by_attribute_and_rules() {
        let rules = || {
            let rules = vec![map(&[("test1", "test"), ("test2", "testing")]), map(&[("test1", "test2")])];
            BTreeMap::from([("zulip".to_owned(), rules), ("empty".to_owned(), vec![map(&[])])])
        };
        let open = RealmAccess::default();
        let listed = RealmAccess { membership_attribute: "department".into(), rules: BTreeMap::new() };
        let ruled = RealmAccess { membership_attribute: String::new(), rules: rules() };
        let both = RealmAccess { membership_attribute: "department".into(), rules: rules() };
        let staff = map(&[("memberOf", "cn=staff\\, it,dc=x")]);
        let by_group = RealmAccess {
            membership_attribute: String::new(),
            rules: BTreeMap::from([("zulip".to_owned(), vec![staff])]),
        };
        let (zulip, other) = (realm("zulip", Some("zulip")), realm("other", None));
        let chat = realm("chat", Some("zulip"));
        let root = realm("main", Some(""));
        for (number, (access, realm, entry, allowed)) in [
            (&open, &zulip, &[][..], true),
            (&listed, &zulip, &[], false),
            (&listed, &zulip, &[("department", &["testWrongRealm"][..])], false),
            (&listed, &zulip, &[("department", &["x", "zulip"])], true),
            (&listed, &zulip, &[("DEPARTMENT", &["zulip"])], true),
            (&listed, &chat, &[("department", &["chat"])], false),
            (&listed, &chat, &[("department", &["zulip"])], true),
            (&listed, &other, &[("department", &["other"])], true),
            (&listed, &root, &[("department", &["main"])], true),
            (&listed, &root, &[("department", &[""])], false),
            (&ruled, &other, &[], true),
            (&ruled, &zulip, &[], false),
            (&ruled, &zulip, &[("test2", &["testing"])], false),
            (&ruled, &zulip, &[("test1", &["test"]), ("test2", &["testing"])], true),
            (&ruled, &zulip, &[("test1", &["test2"])], true),
            (&ruled, &realm("empty", None), &[("test1", &["test2"])], false),
            (&both, &zulip, &[("department", &["wrong"]), ("test1", &["test2"])], true),
            (&both, &zulip, &[("department", &["zulip"])], true),
            (&both, &other, &[("department", &["zulip"])], false),
            (&by_group, &zulip, &[("memberOf", &["CN=Staff\\2C IT, DC=x"])], true),
            (&by_group, &zulip, &[("memberOf", &["cn=Staff,dc=x"])], false),
        ]
        .into_iter()
        .enumerate()
        {
            let entry = SearchEntry::for_test("uid=hamlet", entry);
            assert_eq!(access.allows(realm, &entry), Ok(allowed), "row {number}");
        }
        assert_eq!(both.attributes().collect::<Vec<_>>(), ["test1", "test2", "test1", "department"]);
    }
}

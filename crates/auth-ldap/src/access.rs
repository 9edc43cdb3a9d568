//! Which entries may use which realm (zulip.md 7).

use std::collections::BTreeMap;

use auth_core::Realm;

use crate::raw::RawEntry;

/// Which entries may use which realm. A realm that nothing is said of is open to all.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the server fills it in from its configuration")]
pub struct Access {
    /// The attribute that lists the realms an entry may use, by subdomain, or by slug where a realm has none; empty
    /// for none.
    pub membership: String,
    /// By a realm's slug: maps of attributes and values, of which all of one must fit. They let in besides the
    /// attribute.
    pub rules: BTreeMap<String, Vec<BTreeMap<String, String>>>,
}

impl Access {
    /// Whether an entry may use a realm.
    pub(crate) fn allows(&self, realm: &Realm, entry: &RawEntry) -> bool {
        let rules = self.rules.get(&realm.slug);
        if self.membership.is_empty() && rules.is_none() {
            return true;
        }
        let name = realm.subdomain.as_deref().filter(|name| !name.is_empty()).unwrap_or(&realm.slug);
        let listed = !self.membership.is_empty() && entry.texts(&self.membership).any(|value| value == name);
        listed || rules.is_some_and(|rules| rules.iter().any(|all| fits(all, entry)))
    }

    /// The attributes that rules look at.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        let ruled = self.rules.values().flatten().flat_map(|all| all.keys().map(String::as_str));
        ruled.chain([self.membership.as_str()]).filter(|name| !name.is_empty())
    }
}

/// An empty rule fits nobody: it is a mistake, not an open protocol.
fn fits(all: &BTreeMap<String, String>, entry: &RawEntry) -> bool {
    !all.is_empty()
        && all.iter().all(|(attribute, wanted)| entry.texts(attribute).any(|value| value == wanted))
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
    fn realms_are_open_closed_or_ruled() {
        let rules = || {
            let rules = vec![map(&[("test1", "test"), ("test2", "testing")]), map(&[("test1", "test2")])];
            BTreeMap::from([("zulip".to_owned(), rules), ("empty".to_owned(), vec![map(&[])])])
        };
        let open = Access::default();
        let listed = Access { membership: "department".into(), rules: BTreeMap::new() };
        let ruled = Access { membership: String::new(), rules: rules() };
        let both = Access { membership: "department".into(), rules: rules() };
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
        ]
        .into_iter()
        .enumerate()
        {
            let entry = RawEntry::for_test("uid=hamlet", entry);
            assert_eq!(access.allows(realm, &entry), allowed, "row {number}");
        }
        assert_eq!(both.attributes().collect::<Vec<_>>(), ["test1", "test2", "test1", "department"]);
    }
}

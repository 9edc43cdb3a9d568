//! Groups that are carried over: which entries are groups, and who is in them.

use std::collections::HashMap;

use auth_core::EntryGroup;

use crate::config::{CarriedGroups, DirectoryConfig, MemberForm};
use crate::connection::SearchBase;
use crate::dn::GroupName;
use crate::entry::SearchEntry;
use crate::error::DirectoryError;
use crate::referral::Referral;
use crate::session::Session;
use crate::{attributes, filter};

/// The most groups of one person that are carried over at a login.
const MOST_OF_ONE: usize = 1000;

/// The groups of a directory, and what lists their members.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GroupList {
    /// The groups.
    pub groups: Vec<EntryGroup>,
    /// Whether these are all: the directory may leave some to other servers, to which no reference is followed.
    pub is_whole: bool,
    /// For each member, as groups list it, the numbers of the groups.
    members: HashMap<GroupName, Vec<usize>>,
}

impl GroupList {
    fn add(&mut self, config: &DirectoryConfig, entry: &SearchEntry) {
        let Some(group) = group_of(config, entry) else { return };
        let carried = &config.carried;
        for member in entry.texts(&carried.members) {
            self.members.entry(listed(carried, member)).or_default().push(self.groups.len());
        }
        self.groups.push(group);
    }

    /// The entries of the groups that a person is in.
    ///
    /// # Errors
    /// [`DirectoryError::Cut`] if that may depend on values that the directory didn't give.
    pub(crate) fn of_person(
        &self,
        config: &DirectoryConfig,
        person: &SearchEntry,
    ) -> Result<Vec<String>, DirectoryError> {
        let member = member_of(config, person).map(|member| listed(&config.carried, member));
        let numbers = member.and_then(|member| self.members.get(&member)).into_iter().flatten();
        let mut found: Vec<String> =
            numbers.filter_map(|number| self.groups.get(*number)).map(|group| group.entry.clone()).collect();
        found.extend(named(config, person)?.into_iter().map(|group| group.entry));
        Ok(found)
    }
}

impl Session<'_> {
    /// The groups that a person is in. `None` if none are carried over, or the directory gives only a part of them: then nobody
    /// can tell, and an account stays in its groups.
    pub(crate) async fn carried_groups(
        &mut self,
        person: &SearchEntry,
    ) -> Result<Option<Vec<EntryGroup>>, DirectoryError> {
        let config = self.config;
        let carried = &config.carried;
        if !carried.is_on() {
            return Ok(None);
        }
        let (mut found, mut is_whole) = match named(config, person) {
            Ok(found) => (found, true),
            Err(_) => (Vec::new(), false),
        };
        if !carried.base.is_empty()
            && let Some(member) = member_of(config, person)
        {
            let filter = filter::any_equals(&carried.filter, std::slice::from_ref(&carried.members), member);
            let requested = [config.attributes.id.clone(), carried.name.clone()];
            let mut add = |entry: SearchEntry| {
                if found.len() <= MOST_OF_ONE {
                    found.extend(group_of(config, &entry));
                }
            };
            match self.connection.list(&carried.base, &filter, &requested, &mut add).await {
                Ok(referrals) => is_whole &= !referrals.iter().any(Referral::may_hold_people),
                Err(DirectoryError::Cut) => is_whole = false,
                Err(error) => return Err(error),
            }
        }
        is_whole &= found.len() <= MOST_OF_ONE;
        self.trace.add(|| {
            let names: Vec<&str> = found.iter().map(|group| group.name.as_str()).collect();
            let part = if is_whole { "" } else { "; it is only a part, and the account stays in its groups" };
            format!("groups that are carried over: {}{part}", names.join(", "))
        });
        Ok(is_whole.then_some(found))
    }

    /// All groups that are carried over.
    ///
    /// # Errors
    /// [`DirectoryError::Cut`] if the server gives only a part of the list, or of the members of a group.
    pub(crate) async fn list_groups(&mut self) -> Result<GroupList, DirectoryError> {
        let config = self.config;
        let carried = &config.carried;
        let mut list = GroupList { is_whole: true, ..GroupList::default() };
        list.groups.extend(carried.named.iter().map(|(dn, name)| entry_group(dn, name)));
        if carried.base.is_empty() {
            return Ok(list);
        }
        let filter = filter::all(&carried.filter);
        let requested = [&config.attributes.id, &carried.name, &carried.members].map(String::clone);
        // The server has more members of these groups.
        let mut open = Vec::new();
        let mut sort = |entry: SearchEntry| match entry.next_range() {
            None => list.add(config, &entry),
            Some(_) => open.push(entry.dn),
        };
        let referrals = self.connection.list(&carried.base, filter, &requested, &mut sort).await?;
        list.is_whole = !referrals.iter().any(Referral::may_hold_people);
        for dn in open {
            let found = self.connection.search(SearchBase::Entry(&dn), filter, &requested).await?;
            // It may have been deleted meanwhile.
            let Some(mut entry) = found.entries.into_iter().next() else { continue };
            self.complete(&mut entry).await?;
            if entry.is_cut(&carried.members) {
                return Err(DirectoryError::Cut);
            }
            list.add(config, &entry);
        }
        Ok(list)
    }
}

/// The group of an entry; `None` for one without an id or a name.
fn group_of(config: &DirectoryConfig, entry: &SearchEntry) -> Option<EntryGroup> {
    let id = attributes::id(entry, &config.attributes.id)?;
    Some(entry_group(&id, entry.text(&config.carried.name)?))
}

fn entry_group(entry: &str, name: &str) -> EntryGroup {
    EntryGroup { entry: entry.to_owned(), name: name.to_owned() }
}

/// The groups that the person's own entry lists, of those that the configuration names.
fn named(config: &DirectoryConfig, person: &SearchEntry) -> Result<Vec<EntryGroup>, DirectoryError> {
    let (named, attribute) = (&config.carried.named, &config.groups.attribute);
    if named.is_empty() {
        return Ok(Vec::new());
    }
    if person.is_cut(attribute) {
        return Err(DirectoryError::Cut);
    }
    let held: Vec<GroupName> = person.texts(attribute).map(GroupName::of).collect();
    let is_held = |dn: &str| held.contains(&GroupName::of(dn));
    Ok(named.iter().filter(|(dn, _)| is_held(dn)).map(|(dn, name)| entry_group(dn, name)).collect())
}

/// By what groups list a person.
fn member_of<'a>(config: &DirectoryConfig, person: &'a SearchEntry) -> Option<&'a str> {
    match config.carried.member {
        MemberForm::EntryName => Some(&person.dn),
        MemberForm::UserName => person.text(&config.attributes.user),
    }
}

/// A member as groups list it, in a form that is equal for all spellings.
fn listed(carried: &CarriedGroups, member: &str) -> GroupName {
    match carried.member {
        MemberForm::EntryName => GroupName::of(member),
        MemberForm::UserName => GroupName::Text(auth_core::fold(member.trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, members: &[&str]) -> SearchEntry {
        SearchEntry::for_test(
            &format!("cn={name},ou=teams,dc=x"),
            &[("entryUUID", &[&format!("id-{name}")]), ("cn", &[name]), ("member", members)],
        )
    }

    #[test]
    fn members_are_found_in_every_spelling_and_named_groups_by_the_person_s_own_entry() {
        let mut config = DirectoryConfig::new("corp", "ou=people,dc=x");
        config.carried.base = "ou=teams,dc=x".into();
        config.carried.named = vec![("CN=Staff, dc=x".into(), "staff".into())];
        let mut list = GroupList::default();
        list.add(&config, &group("red", &["UID=Ada, OU=people,dc=x", "uid=bob,ou=people,dc=x"]));
        list.add(&config, &group("blue", &["uid=ada,ou=people,dc=x"]));
        list.add(&config, &SearchEntry::for_test("cn=nameless", &[("entryUUID", &["id"])]));
        assert_eq!(list.groups.len(), 2);
        for (dn, held, groups) in [
            ("uid=ada,ou=people,dc=x", &[][..], &["id-red", "id-blue"][..]),
            ("uid=bob,ou=people,dc=x", &["cn=staff,dc=x"], &["id-red", "CN=Staff, dc=x"]),
            ("uid=eve,ou=people,dc=x", &["cn=other,dc=x"], &[]),
        ] {
            let person = SearchEntry::for_test(dn, &[("memberOf", held)]);
            assert_eq!(list.of_person(&config, &person).unwrap(), groups, "{dn}");
        }
    }

    #[test]
    fn members_by_user_name_are_no_names_of_entries() {
        let mut config = DirectoryConfig::new("corp", "ou=people,dc=x");
        config.carried.base = "ou=teams,dc=x".into();
        config.carried.member = MemberForm::UserName;
        let mut list = GroupList::default();
        list.add(&config, &group("red", &["Ada", "uid=bob,ou=people,dc=x"]));
        for (dn, user, groups) in
            [("uid=1,dc=x", "ada", &["id-red"][..]), ("uid=bob,ou=people,dc=x", "bob", &[])]
        {
            let person = SearchEntry::for_test(dn, &[("uid", &[user])]);
            assert_eq!(list.of_person(&config, &person).unwrap(), groups, "{user}");
        }
    }
}

//! The roles that a person's groups give.

use std::collections::BTreeMap;

use auth_core::Role;

use crate::config::GroupRoles;
use crate::dn::GroupName;

/// The groups of one person, counted, and the role that they give.
#[derive(Debug)]
pub(crate) struct HeldGroups {
    /// The configured groups, each with the most powerful role that it gives.
    configured: BTreeMap<GroupName, Role>,
    role: Option<Role>,
    count: usize,
}

impl HeldGroups {
    /// A person without groups yet.
    pub(crate) fn none(groups: &GroupRoles) -> Self {
        let mut configured = BTreeMap::new();
        for (role, group) in &groups.roles {
            let known = configured.entry(GroupName::of(group)).or_insert(*role);
            *known = (*known).min(*role);
        }
        Self { configured, role: None, count: 0 }
    }

    /// Adds a group, by its distinguished name.
    pub(crate) fn add(&mut self, group: &str) {
        self.count += 1;
        if let Some(role) = self.configured.get(&GroupName::of(group)) {
            self.role = Some(self.role.map_or(*role, |held| held.min(*role)));
        }
    }

    /// The number of groups that were added.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The most powerful role that the groups give; an ordinary member if none gives a role.
    pub(crate) fn role(&self) -> Role {
        self.role.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_powerful_role_counts_however_a_group_is_spelled() {
        let roles = vec![
            (Role::Guest, "cn=guests,ou=groups,dc=example".into()),
            (Role::Admin, r"cn=Admins\, IT, ou=groups, dc=example".into()),
            (Role::Moderator, r"CN=admins\2c it,ou=groups,dc=example".into()),
            (Role::Moderator, "staff".into()),
        ];
        let groups = GroupRoles { roles, ..GroupRoles::default() };
        for (held, role) in [
            (&[][..], Role::Member),
            (&["cn=others,ou=groups,dc=example"], Role::Member),
            (&["CN=Guests,OU=groups,DC=example"], Role::Guest),
            (&["CN=Guests,OU=groups,DC=example", r"cn=admins\2C it,ou=groups,dc=example"], Role::Admin),
            (&["Staff"], Role::Moderator),
        ] {
            let mut groups = HeldGroups::none(&groups);
            held.iter().for_each(|group| groups.add(group));
            assert_eq!((groups.role(), groups.count()), (role, held.len()), "{held:?}");
        }
    }
}

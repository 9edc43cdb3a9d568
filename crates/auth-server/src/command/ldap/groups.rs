//! Groups of directories, as `ldap sync` carries them over.

use std::collections::{HashMap, HashSet};

use anyhow::bail;
use auth_admin::{DirectoryGroups, GroupChange, GroupComparison, change_groups, compare_groups};
use auth_core::{PasswordBackend, Realm};
use auth_engine::Engine;
use auth_ldap::{Directory, GroupList};

use crate::command::output::print_line;

/// For each group by its entry, the ids of the people who are in it.
pub(super) type Members = HashMap<String, HashSet<String>>;

/// The groups of a directory, and who is in them.
pub(super) struct Listed {
    directory: String,
    list: GroupList,
    members: Members,
}

/// The groups of a directory, and what is to be changed of those of the store.
pub(super) struct Compared {
    directory: String,
    /// Whether the directory shows nobody in any group.
    is_empty: bool,
    found: GroupComparison,
}

impl Listed {
    /// The groups of a directory, of which some people are in some.
    pub(super) fn new(directory: &Directory, list: GroupList, members: Members) -> Self {
        Self { directory: directory.name().to_owned(), list, members }
    }

    /// Compares the groups with those of the store.
    pub(super) async fn compare(self, engine: &Engine, realm: &Realm) -> anyhow::Result<Compared> {
        let Self { directory, list, members } = self;
        let is_empty = members.is_empty();
        let shown = DirectoryGroups { groups: list.groups, members, is_whole: list.is_whole };
        let found = compare_groups(engine, realm, &directory, &shown).await?;
        Ok(Compared { directory, is_empty, found })
    }
}

impl Compared {
    /// Refuses an answer that would end most memberships, or all because the directory shows none: that is more likely a
    /// mistake. Up to `many` may always end.
    pub(super) fn check(&self, realm: &Realm, many: usize) -> anyhow::Result<()> {
        let GroupComparison { ending, memberships, .. } = self.found;
        let is_most = ending > many as u64 && ending * 2 > memberships;
        if ending > 0 && (self.is_empty || is_most) {
            bail!(
                "realm {}: {ending} of {memberships} memberships in groups of the directory {} would end; nothing was \
                 changed. List them with --dry-run, and if the list is right, add --allow-many",
                realm.slug,
                self.directory
            );
        }
        Ok(())
    }

    /// Makes the changes, or only tells them, with a line for each.
    pub(super) async fn settle(&self, engine: &Engine, realm: &Realm, dry_run: bool) -> anyhow::Result<()> {
        let mut number = 0_u64;
        for change in &self.found.changes {
            if dry_run || change_groups(engine, &self.directory, change).await? {
                number += 1;
                print_line(described(change, dry_run))?;
            }
        }
        for (name, why) in &self.found.left_out {
            print_line(format_args!("not carried over: the group {name}, since {why}"))?;
        }
        let done = if dry_run { "would be made" } else { "made" };
        print_line(format_args!(
            "realm {}: {number} changes of groups of the directory {} {done}, {} groups not carried over",
            realm.slug,
            self.directory,
            self.found.left_out.len()
        ))?;
        Ok(())
    }
}

/// A change in words.
fn described(change: &GroupChange, dry_run: bool) -> String {
    let done = |would: &str, is: &str| if dry_run { format!("would {would}") } else { is.to_owned() };
    match change {
        GroupChange::Add(group) => format!("{}: the group {}", done("be added", "added"), group.name),
        GroupChange::Rename(group, to) => {
            format!("{}: the group {} to {to}", done("be renamed", "renamed"), group.name)
        }
        GroupChange::Remove(group) => format!("{}: the group {}", done("be removed", "removed"), group.name),
        GroupChange::Join(group, _, name) => {
            format!("{}: {name} the group {}", done("join", "joined"), group.name)
        }
        GroupChange::Leave(group, _, name) => {
            format!("{}: {name} the group {}", done("leave", "left"), group.name)
        }
        other => format!("{other:?}"),
    }
}

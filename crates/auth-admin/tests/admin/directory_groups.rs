//! Groups of a directory, compared with those of the store and carried over.

use std::collections::HashMap;

use auth_admin::{DirectoryGroups, GroupComparison, change_groups, compare_groups};
use auth_core::{Act, Actor, AuditFilter, EntryGroup, Group, GroupId, GroupSource, LogPage, Timestamp};
use auth_engine::testing::{World, config};

use crate::world;

const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"ada","directory_name":"id-ada"}
{"kind":"user","realm":"main","username":"bob","directory_name":"ID-bob"}
{"kind":"user","realm":"main","username":"eve","directory_name":"id-eve"}
{"kind":"user","realm":"main","username":"local","email":"local@zulip.com"}
"#;

async fn new() -> World {
    let world = world::empty(config()).await;
    world::import(&world, USERS).await;
    world
}

/// Groups by entry and name, with their members.
fn shown(groups: &[(&str, &str, &[&str])]) -> DirectoryGroups {
    DirectoryGroups {
        groups: groups
            .iter()
            .map(|(entry, name, _)| EntryGroup { entry: (*entry).into(), name: (*name).into() })
            .collect(),
        members: groups
            .iter()
            .map(|(entry, _, people)| {
                ((*entry).to_owned(), people.iter().map(|person| format!("id-{person}")).collect())
            })
            .collect(),
        is_whole: true,
    }
}

async fn compare(world: &World, shown: &DirectoryGroups) -> GroupComparison {
    compare_groups(&world.engine, &*world.realm("main").await, "corp", shown).await.unwrap()
}

/// Makes the groups of the store those of the directory; gives the number of changes.
async fn follow(world: &World, shown: &DirectoryGroups) -> usize {
    let found = compare(world, shown).await;
    for change in &found.changes {
        assert!(change_groups(&world.engine, "corp", change).await.unwrap(), "{change:?}");
    }
    assert!(compare(world, shown).await.changes.is_empty(), "there is nothing more to do");
    found.changes.len()
}

/// The groups of the realm with their members.
async fn groups(world: &World) -> HashMap<String, Vec<String>> {
    let realm = world.realm("main").await.id;
    let mut all = HashMap::new();
    for group in world.store.groups(realm, None, 100).await.unwrap() {
        let members = world.store.members(group.id, None, 100).await.unwrap();
        let mut names: Vec<String> =
            members.iter().filter_map(|account| account.user.user_name()).map(str::to_owned).collect();
        names.sort_unstable();
        all.insert(group.name, names);
    }
    all
}

fn expected(groups: &[(&str, &[&str])]) -> HashMap<String, Vec<String>> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    groups.iter().map(|(name, members)| ((*name).to_owned(), owned(members))).collect()
}

#[tokio::test]
async fn groups_are_added_renamed_and_removed_and_people_join_and_leave_them() {
    let world = new().await;
    // Somebody whom the directory lists and who has no account joins at the first login.
    let first =
        shown(&[("1", "Red", &["ada", "bob", "stranger"]), ("2", "Blue", &["eve"]), ("3", "Empty", &[])]);
    assert_eq!(follow(&world, &first).await, 6);
    assert_eq!(
        groups(&world).await,
        expected(&[("Red", &["ada", "bob"]), ("Blue", &["eve"]), ("Empty", &[])])
    );
    let second = shown(&[("1", "Crimson", &["ada", "eve"]), ("4", "Blue", &["bob"])]);
    let found = compare(&world, &second).await;
    assert_eq!((found.memberships, found.ending, found.left_out.len()), (3, 2, 0));
    follow(&world, &second).await;
    assert_eq!(groups(&world).await, expected(&[("Crimson", &["ada", "eve"]), ("Blue", &["bob"])]));

    let rows = world.store.audit_rows(&AuditFilter::default(), LogPage::oldest(u32::MAX)).await.unwrap();
    let rows = rows.into_iter().map(|row| row.record);
    let mut acts: Vec<(Act, String)> = rows
        .filter(|record| record.actor == Actor::Directory("corp".into()))
        .map(|record| (record.act, record.detail))
        .skip(6)
        .collect();
    acts.sort();
    let told = |act, detail: &str| (act, detail.to_owned());
    assert_eq!(
        acts,
        [
            told(Act::GroupAdded, "Blue"),
            told(Act::GroupRenamed, "Red → Crimson"),
            told(Act::GroupRemoved, "Blue"),
            told(Act::GroupRemoved, "Empty"),
            told(Act::GroupJoined, "Blue"),
            told(Act::GroupJoined, "Red"),
            told(Act::GroupLeft, "Red"),
        ]
    );
}

#[tokio::test]
async fn groups_of_operators_and_of_other_directories_are_never_changed_and_clashes_are_named() {
    let world = new().await;
    let realm = world.realm("main").await.id;
    let account = world.account("local").await.user.id;
    let source = GroupSource { directory: "club".into(), entry: "1".into() };
    for (number, name, source) in [(1, "Staff", None), (2, "Members", Some(source))] {
        let id = GroupId::from_bytes([number; 16]);
        let group = Group { id, realm, name: name.into(), source, made: Timestamp::default() };
        world.store.add_group(&group, None).await.unwrap();
        world.store.add_member(id, account, None).await.unwrap();
    }
    let all = shown(&[
        ("1", "STAFF", &["ada"]),
        ("2", "members", &["ada"]),
        ("3", "Red", &["ada"]),
        ("4", "red", &["bob"]),
        ("5", " ", &["bob"]),
    ]);
    let found = compare(&world, &all).await;
    let left_out: Vec<&str> = found.left_out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(left_out, [" ", "STAFF", "members", "red"]);
    follow(&world, &all).await;
    let staff_and_members = [("Staff", &["local"][..]), ("Members", &["local"])];
    let with_red = [&staff_and_members[..], &[("Red", &["ada"])]].concat();
    assert_eq!(groups(&world).await, expected(&with_red));
    // A group that is to have a name that is taken keeps its own, and its members are followed.
    follow(&world, &shown(&[("3", "Staff", &["eve"])])).await;
    assert_eq!(groups(&world).await, expected(&[&staff_and_members[..], &[("Red", &["eve"])]].concat()));
    follow(&world, &shown(&[])).await;
    assert_eq!(groups(&world).await, expected(&staff_and_members));
}

#[tokio::test]
async fn a_group_that_another_server_may_hold_is_not_removed() {
    let world = new().await;
    follow(&world, &shown(&[("1", "Red", &["ada", "bob"]), ("2", "Blue", &["eve"])])).await;
    let part = DirectoryGroups { is_whole: false, ..shown(&[("1", "Red", &["ada"])]) };
    follow(&world, &part).await;
    assert_eq!(groups(&world).await, expected(&[("Red", &["ada"]), ("Blue", &["eve"])]));
}

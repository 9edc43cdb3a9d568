//! The groups that a directory carries over at logins.

use std::sync::Arc;

use auth_core::{Act, Actor, AuditFilter, Entry, EntryGroup, Group, GroupId, LogPage, Timestamp};
use auth_engine::testing::World;
use auth_engine::{DirectoryConfig, group_of_entry};

use super::{THERE, directory, entry, named, refusal, warnings, with_directory, with_people};
use crate::log_lines;

fn in_groups(name: &str, groups: &[&str]) -> Entry {
    let group = |name: &&str| EntryGroup { entry: format!("id-{name}"), name: (*name).to_owned() };
    Entry { groups: Some(groups.iter().map(group).collect()), ..entry(name) }
}

async fn groups_of(world: &World, name: &str) -> Vec<String> {
    let user = named(world, name).await.user.id;
    world.store.groups_of(user).await.unwrap().into_iter().map(|group| group.name).collect()
}

/// The rows of the audit log about groups.
async fn rows(world: &World) -> Vec<(Act, String)> {
    let rows = world.store.audit_rows(&AuditFilter::default(), LogPage::oldest(u32::MAX)).await.unwrap();
    let of_groups = |act: &Act| matches!(act, Act::GroupAdded | Act::GroupJoined | Act::GroupLeft);
    let rows = rows.into_iter().map(|row| row.record).filter(|record| of_groups(&record.act));
    rows.map(|record| {
        assert_eq!(record.actor, Actor::Directory("corp".into()));
        (record.act, record.detail)
    })
    .collect()
}

/// A world over the same store, with other people in the directory.
async fn with(world: &World, entries: Vec<Entry>) -> World {
    let builder = world.builder(&world.ring, world.engine.config().clone(), 2);
    let builder = builder.backend(directory("corp", entries));
    World::open(builder, Arc::clone(&world.clock)).await
}

#[tokio::test]
async fn a_login_makes_the_groups_of_its_entry_and_follows_them() {
    let config = with_directory(DirectoryConfig::default());
    let (world, _) =
        with_people(config, vec![in_groups("linked", &["Staff", "Red"]), in_groups("newcomer", &["Staff"])])
            .await;
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    assert_eq!(refusal(&world, "newcomer", THERE).await, None);
    assert_eq!(groups_of(&world, "linked").await, ["Red", "Staff"]);
    assert_eq!(groups_of(&world, "newcomer").await, ["Staff"], "also of an account that was made just now");
    let before = rows(&world).await;
    assert_eq!(before.iter().filter(|(act, _)| *act == Act::GroupAdded).count(), 2);
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    assert_eq!(rows(&world).await, before, "what is so already is no act");

    let world = with(&world, vec![in_groups("linked", &["Staff", "Blue"])]).await;
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    assert_eq!(groups_of(&world, "linked").await, ["Blue", "Staff"]);
    let new = rows(&world).await.split_off(before.len());
    let told = |act, name: &str| (act, name.to_owned());
    assert_eq!(
        new,
        [told(Act::GroupAdded, "Blue"), told(Act::GroupLeft, "Red"), told(Act::GroupJoined, "Blue")]
    );
}

#[tokio::test]
async fn an_answer_without_groups_or_of_a_part_takes_nobody_out() {
    let config = with_directory(DirectoryConfig::default());
    let (world, _) = with_people(config, vec![in_groups("linked", &["Staff"])]).await;
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    for answer in [in_groups("linked", &[]), Entry { groups: None, ..entry("linked") }] {
        let world = with(&world, vec![answer]).await;
        assert_eq!(refusal(&world, "linked", THERE).await, None);
        assert_eq!(groups_of(&world, "linked").await, ["Staff"]);
    }
}

#[tokio::test]
async fn groups_that_operators_made_and_names_that_no_group_can_have_are_left_alone() {
    let config = with_directory(DirectoryConfig::default());
    let (world, _) = with_people(config, vec![in_groups("linked", &["staff", "Red", " ", "a\u{7}"])]).await;
    let user = named(&world, "linked").await.user;
    let group = |number: u8, name: &str| Group {
        id: GroupId::from_bytes([number; 16]),
        realm: user.realm,
        name: name.to_owned(),
        source: None,
        made: Timestamp::default(),
    };
    let (staff, club) = (group(1, "Staff"), group(2, "Club"));
    for group in [&staff, &club] {
        world.store.add_group(group, None).await.unwrap();
    }
    world.store.add_member(club.id, user.id, None).await.unwrap();
    log_lines::listen();
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    let warned = warnings();
    let [line] = &warned[..] else { panic!("{warned:?}") };
    assert!(line.contains("group=\"staff\"") && line.contains("another group has its name"), "{line}");
    assert_eq!(groups_of(&world, "linked").await, ["Club", "Red"]);
    assert!(world.store.members(staff.id, None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_that_is_not_synchronised_or_deactivated_stays_in_its_groups() {
    let unsynced = DirectoryConfig { sync_on_login: false, ..DirectoryConfig::default() };
    let (world, _) = with_people(
        with_directory(unsynced),
        vec![in_groups("linked", &["Staff"]), in_groups("off", &["Staff"])],
    )
    .await;
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    assert!(refusal(&world, "off", THERE).await.is_some());
    assert!(groups_of(&world, "linked").await.is_empty() && groups_of(&world, "off").await.is_empty());
}

#[test]
fn names_of_groups_have_a_hundred_characters_at_most() {
    let realm = auth_core::RealmId::from_bytes([1; 16]);
    for (length, is_one) in [(99, true), (100, true), (101, false), (102, false)] {
        let group = EntryGroup { entry: "id".into(), name: format!(" {} ", "ä".repeat(length)) };
        let made = group_of_entry(realm, "corp", &group, Timestamp::default());
        assert_eq!(made.is_some(), is_one, "{length}");
    }
}

#[test]
fn the_id_of_a_group_is_that_of_its_source() {
    let realm = |number| auth_core::RealmId::from_bytes([number; 16]);
    let id = |number, directory: &str, entry: &str, name: &str| {
        let group = EntryGroup { entry: entry.into(), name: name.into() };
        group_of_entry(realm(number), directory, &group, Timestamp::default()).unwrap().id
    };
    let staff = id(1, "corp", "id", "Staff");
    assert_eq!(staff, id(1, "corp", "id", "Everybody"), "whatever its name");
    for other in [id(2, "corp", "id", "Staff"), id(1, "club", "id", "Staff"), id(1, "corp", "id2", "Staff")] {
        assert_ne!(staff, other);
    }
}

//! Groups and their members.

use auth_core::{
    Act, Actor, AuditFilter, AuditRecord, Conflict, CredentialId, Group, GroupId, GroupSource, GroupStore,
    LogPage, NewRecord, RealmId, Revocation, Store, StoreError, UserId, UserStore,
};

use super::{Fixture, account, at, conflict, realm, seed, user, write};

fn record(act: Act, detail: &str) -> AuditRecord {
    AuditRecord {
        at: at(5),
        actor: Actor::Operator,
        by: None,
        act,
        realm: Some(realm("main").id),
        user: None,
        detail: detail.into(),
        client: None,
        protocol: None,
        request_id: String::new(),
    }
}

async fn rows(store: &impl Store) -> Vec<AuditRecord> {
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::oldest(99)).await.unwrap();
    rows.into_iter().map(|row| row.record).collect()
}

fn group(number: u8, realm: RealmId, name: &str) -> Group {
    Group { id: GroupId::from_bytes([number; 16]), realm, name: name.into(), source: None, made: at(7) }
}

async fn names(store: &impl Store, user: UserId) -> Vec<String> {
    store.groups_of(user).await.unwrap().into_iter().map(|group| group.name).collect()
}

pub async fn names_of_groups_are_unique_in_a_realm_whatever_their_case<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let other = realm("other");
    write(&*store, vec![NewRecord::from(other.clone())]).await.unwrap();
    let source = GroupSource { directory: "corp".into(), entry: "cn=Äpfel,dc=corp".into() };
    let one = Group { source: Some(source), ..group(1, main.id, "Äpfel") };
    let two = group(2, main.id, "birnen");
    let added = record(Act::GroupAdded, "Äpfel");
    store.add_group(&one, Some(&added)).await.unwrap();
    assert_eq!(store.add_group(&one, Some(&added)).await, Ok(()), "a repeated command");
    assert_eq!(store.add_group(&group(3, main.id, "äPFEL"), Some(&added)).await, conflict(Conflict::Group));
    assert_eq!(
        store.add_group(&group(3, RealmId::from_bytes([9; 16]), "x"), Some(&added)).await,
        Err(StoreError::Missing("realm"))
    );
    store.add_group(&two, None).await.unwrap();
    store.add_group(&group(4, other.id, "äpfel"), None).await.unwrap();
    assert_eq!(store.group(one.id).await, Ok(Some(one.clone())));
    assert_eq!(store.find_group(main.id, "ÄPFEL").await, Ok(Some(one.clone())));
    assert_eq!(store.find_group(main.id, "pflaumen").await, Ok(None));

    let renamed = record(Act::GroupRenamed, "Birnen, before Äpfel");
    assert_eq!(store.rename_group(one.id, "BIRNEN", Some(&renamed)).await, conflict(Conflict::Group));
    assert_eq!(store.rename_group(GroupId::from_bytes([9; 16]), "x", Some(&renamed)).await, Ok(false));
    assert_eq!(store.rename_group(two.id, "Birnen", None).await, Ok(true), "its own name in another case");
    assert_eq!(store.rename_group(one.id, "Pflaumen", Some(&renamed)).await, Ok(true));
    let one = Group { name: "Pflaumen".into(), ..one };
    assert_eq!(store.find_group(main.id, "pflaumen").await, Ok(Some(one.clone())));
    assert_eq!(store.find_group(main.id, "äpfel").await, Ok(None));
    assert_eq!(rows(&*store).await, [added, renamed]);
}

pub async fn lists_groups_and_members_in_pages<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 9).await;
    for (number, name) in (1..).zip(["delta", "Alpha", "charlie", "Bravo", "échelon"]) {
        store.add_group(&group(number, main.id, name), None).await.unwrap();
    }
    let (mut found, mut after) = (Vec::<String>::new(), None);
    loop {
        let page = store.groups(main.id, after.as_deref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        found.extend(page.into_iter().map(|group| group.name));
    }
    assert_eq!(found, ["Alpha", "Bravo", "charlie", "delta", "échelon"]);
    assert_eq!(store.groups(RealmId::from_bytes([9; 16]), None, 9).await, Ok(Vec::new()));

    let of = GroupId::from_bytes([1; 16]);
    let mut expected = users[..7].to_vec();
    for user in &expected {
        assert_eq!(store.add_member(of, *user, None).await, Ok(true));
    }
    expected.sort_unstable();
    let (mut found, mut after) = (Vec::<UserId>::new(), None);
    loop {
        let page = store.members(of, after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some(last.user.id);
        found.extend(page.into_iter().map(|account| account.user.id));
    }
    assert_eq!(found, expected);
    assert!(store.members(GroupId::from_bytes([2; 16]), None, 9).await.unwrap().is_empty());
}

pub async fn members_join_and_leave_with_rows_and_end_with_user_and_group<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 2).await;
    let other = realm("other");
    let stranger = user(&other, 50);
    let records = vec![NewRecord::from(other.clone()), NewRecord::User(Box::new(stranger.clone()))];
    write(&*store, records).await.unwrap();
    let (one, two) = (group(1, main.id, "one"), group(2, main.id, "two"));
    for group in [&one, &two] {
        store.add_group(group, None).await.unwrap();
    }
    let before = account(&*store, users[0]).await.user;
    let joined = AuditRecord { user: Some(users[0]), ..record(Act::GroupJoined, "one") };
    let nobody = UserId::from_bytes([99; 16]);
    assert_eq!(store.add_member(one.id, users[0], Some(&joined)).await, Ok(true));
    assert_eq!(store.add_member(one.id, users[0], Some(&joined)).await, Ok(false), "is there already");
    assert_eq!(store.add_member(one.id, nobody, Some(&joined)).await, Ok(false));
    assert_eq!(store.add_member(one.id, stranger.user.id, Some(&joined)).await, Ok(false), "another realm");
    let gone = GroupId::from_bytes([9; 16]);
    assert_eq!(store.add_member(gone, users[0], Some(&joined)).await, Ok(false));
    let left = AuditRecord { act: Act::GroupLeft, ..joined.clone() };
    assert_eq!(store.remove_member(two.id, users[0], Some(&left)).await, Ok(false));
    assert_eq!(store.remove_member(one.id, users[0], Some(&left)).await, Ok(true));
    assert_eq!(rows(&*store).await, [joined.clone(), left]);
    assert_eq!(account(&*store, users[0]).await.user, before, "no change of the user");
    let revoked = AuditRecord { by: Some(CredentialId::from_bytes([9; 16])), ..joined };
    assert_eq!(store.add_member(one.id, users[0], Some(&revoked)).await, Err(StoreError::Revoked));

    for user in &users {
        for group in [&one, &two] {
            assert_eq!(store.add_member(group.id, *user, None).await, Ok(true));
        }
    }
    let removed = record(Act::GroupRemoved, "one");
    assert_eq!(store.remove_group(one.id, Some(&removed)).await, Ok(true));
    assert_eq!(store.remove_group(one.id, Some(&removed)).await, Ok(false));
    assert_eq!(rows(&*store).await.len(), 3);
    assert_eq!(names(&*store, users[0]).await, ["two"]);
    assert!(store.members(one.id, None, 9).await.unwrap().is_empty());
    assert!(store.delete(users[0], &Revocation::NOTHING, None).await.unwrap());
    let left = store.members(two.id, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|one| one.user.id).collect::<Vec<_>>(), users[1..]);
}

pub async fn sets_the_groups_of_a_user_in_one_step<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 1).await;
    let other = realm("other");
    write(&*store, vec![NewRecord::from(other.clone())]).await.unwrap();
    let id = users[0];
    let from = |directory: &str| Some(GroupSource { directory: directory.into(), entry: "cn=staff".into() });
    let groups = [
        group(1, main.id, "made here"),
        Group { source: from("corp"), ..group(2, main.id, "corp one") },
        Group { source: from("corp"), ..group(3, main.id, "corp two") },
        Group { source: from("guests"), ..group(4, main.id, "guests") },
    ];
    for group in &groups {
        store.add_group(group, None).await.unwrap();
    }
    let foreign = group(5, other.id, "foreign");
    store.add_group(&foreign, None).await.unwrap();
    let ids = |numbers: &[usize]| numbers.iter().map(|number| groups[number - 1].id).collect::<Vec<_>>();
    let row = AuditRecord { user: Some(id), ..record(Act::ProfileUpdated, "whatever") };
    let set =
        async |numbers: &[usize], directory| store.set_groups(id, &ids(numbers), directory, Some(&row)).await;
    assert_eq!(set(&[1, 2, 4, 4], None).await, Ok(true));
    assert_eq!(names(&*store, id).await, ["corp one", "guests", "made here"]);
    assert_eq!(set(&[1, 2, 4], None).await, Ok(true));
    assert_eq!(rows(&*store).await.len(), 3, "nothing has changed");
    assert_eq!(set(&[3], Some("corp")).await, Ok(true));
    assert_eq!(names(&*store, id).await, ["corp two", "guests", "made here"], "others stay");
    let told: Vec<(Act, String)> = rows(&*store).await.drain(3..).map(|row| (row.act, row.detail)).collect();
    assert_eq!(told, [(Act::GroupLeft, "corp one".into()), (Act::GroupJoined, "corp two".into())]);
    let wrong = [foreign.id, GroupId::from_bytes([9; 16])];
    for wrong in wrong {
        let refused = store.set_groups(id, &[groups[1].id, wrong], None, Some(&row)).await;
        assert_eq!(refused, Err(StoreError::Missing("group")));
    }
    assert_eq!(names(&*store, id).await.len(), 3, "all or nothing");
    assert_eq!(rows(&*store).await.len(), 5);
    assert_eq!(set(&[], None).await, Ok(true));
    assert_eq!(names(&*store, id).await, Vec::<String>::new());
    assert_eq!(rows(&*store).await.len(), 8);
    let nobody = UserId::from_bytes([99; 16]);
    assert_eq!(store.set_groups(nobody, &[], None, Some(&row)).await, Ok(false));
}

//! Users that are added one by one.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_core::{
    Act, Actor, AdminKey, AdminKeyId, AdminKeyStore, AuditFilter, AuditRecord, AuditStore, BotKind, Conflict,
    CredentialKind, CredentialStore, Digest, ExternalId, Group, GroupId, GroupStore, LogPage, NameKind,
    NewUser, ProtocolName, RealmRemoval, RealmStore, Revocation, Role, StoreError, UserStore,
};
use tokio::task::JoinSet;

use super::{Fixture, account, at, comparable, conflict, credential, password, realm, seed, user};

pub async fn creates_a_user_with_all_that_belongs_to_it<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 2).await;
    let mut new = user(&main, 3);
    new.user.role = Role::Moderator;
    new.user.bot = Some(BotKind::App);
    new.user.active = false;
    new.user.valid_from = at(9);
    new.user.external_roles.set(ProtocolName::ZETTELSTORE, vec!["reader".into()]);
    new.user.external_ids.set(ProtocolName::ZULIP, 1.into());
    new.assign_ids = vec![ProtocolName::ZULIP];
    new.credentials = vec![credential(new.user.id, CredentialKind::TOTP, 1)];
    assert_eq!(store.create_user(&new, None).await, Ok(()));

    let created = account(&*store, new.user.id).await;
    let mut expected = new.user.clone();
    expected.external_ids.set(ProtocolName::ZULIP, 3.into());
    assert_eq!(*created.user, expected);
    assert_eq!(created.password, new.password);
    assert!(created.totp);
    let devices = store.of_user(new.user.id, CredentialKind::TOTP).await.unwrap();
    assert_eq!(devices.iter().map(comparable).collect::<Vec<_>>(), [comparable(&new.credentials[0])]);
    assert_eq!(account(&*store, users[0]).await.user.version, 1, "others are as they were");
}

pub async fn a_new_user_that_conflicts_leaves_nothing<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 1).await;
    let key = credential(users[0], CredentialKind::ZULIP_KEY, 1);
    store.add(&key, 1, None).await.unwrap();
    let mut stolen = credential(user(&main, 2).user.id, CredentialKind::ZULIP_KEY, 2);
    stolen.digest = key.digest;

    let check = async |spoil: &dyn Fn(&mut NewUser), expected: StoreError| {
        let mut bad = user(&main, 2);
        spoil(&mut bad);
        assert_eq!(store.create_user(&bad, None).await, Err(expected));
        assert!(store.user(bad.user.id).await.unwrap().is_none());
        assert_eq!(store.users(main.id, None, 100).await.unwrap().len(), 1);
    };
    let taken = StoreError::Conflict;
    check(&|new| new.user.names[0].exact = "user1".into(), taken(Conflict::Name(NameKind::UserName))).await;
    check(
        &|new| new.user.names[1].exact = "user1@example.com".into(),
        taken(Conflict::Name(NameKind::Email)),
    )
    .await;
    for (protocol, id) in [
        (ProtocolName::ZULIP, ExternalId::from(1)),
        (ProtocolName::ROCKETCHAT, "rocket1".into()),
        (ProtocolName::ZETTELSTORE, 20_240_101_000_001.into()),
    ] {
        let give = |new: &mut NewUser| new.user.external_ids.set(protocol, id.clone());
        check(&give, taken(Conflict::ExternalId(protocol))).await;
    }
    check(&|new| new.credentials = vec![stolen.clone()], taken(Conflict::Credential)).await;
    check(&|new| new.user.realm = realm("elsewhere").id, StoreError::Missing("realm")).await;
    assert_eq!(store.create_user(&user(&main, 2), None).await, Ok(()), "and nothing is in the way");
}

pub async fn takes_a_repeated_creation_for_the_one_it_repeats<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let mut new = user(&main, 2);
    new.assign_ids = vec![ProtocolName::ZULIP];
    store.create_user(&new, None).await.unwrap();
    store.set_password(new.user.id, Some(&password("changed")), &Revocation::NOTHING, None).await.unwrap();
    let before = account(&*store, new.user.id).await;
    assert_eq!(store.create_user(&new, None).await, Ok(()));
    let after = account(&*store, new.user.id).await;
    assert_eq!((after.user, after.password), (before.user, before.password));
}

pub async fn of_two_new_users_of_one_name_one_is_created<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    for round in 0..20_u32 {
        let mut tasks = JoinSet::new();
        for number in [100 + 2 * round, 101 + 2 * round] {
            let mut new = user(&main, number);
            new.user.names[0].exact = format!("rival{round}");
            let store = Arc::clone(&store);
            tasks.spawn(async move { store.create_user(&new, None).await });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
        assert!(answers.contains(&conflict(Conflict::Name(NameKind::UserName))), "{answers:?}");
    }
    assert_eq!(store.users(main.id, None, 100).await.unwrap().len(), 21);
}

pub async fn users_that_are_created_at_once_get_different_numbers<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    let mut tasks = JoinSet::new();
    for number in 2..=17 {
        let mut new = user(&main, number);
        new.user.external_ids.set(ProtocolName::ZULIP, 1.into());
        new.assign_ids = vec![ProtocolName::ZULIP];
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.create_user(&new, None).await.unwrap() });
    }
    tasks.join_all().await;
    let all = store.users(main.id, None, 100).await.unwrap();
    let numbers: BTreeSet<u64> =
        all.iter().map(|account| account.user.external_number(ProtocolName::ZULIP)).collect();
    assert_eq!(numbers, (1..=17).collect());
}

pub async fn removes_a_realm_that_has_no_user_with_its_groups_and_keys<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 1).await;
    let group = Group {
        id: GroupId::from_bytes([1; 16]),
        realm: main.id,
        name: "staff".into(),
        source: None,
        made: at(1),
    };
    store.add_group(&group, None).await.unwrap();
    let key = AdminKey {
        id: AdminKeyId::from_bytes([1; 16]),
        name: "backup".into(),
        digest: Digest::new([1; 32]),
        scope: "read".into(),
        realm: Some(main.id),
        made: at(1),
        ends: None,
        last_used: None,
    };
    store.add_admin_key(&key, None).await.unwrap();
    let row = AuditRecord {
        at: at(2),
        actor: Actor::Operator,
        by: None,
        act: Act::RealmRemoved,
        realm: Some(main.id),
        user: None,
        detail: "main".into(),
        client: None,
        protocol: None,
        request_id: String::new(),
    };
    assert_eq!(store.remove_realm(main.id, Some(&row)).await, Ok(RealmRemoval::HasUsers));
    assert!(store.delete(users[0], &Revocation::NOTHING, None).await.unwrap());
    assert_eq!(store.remove_realm(main.id, Some(&row)).await, Ok(RealmRemoval::Removed));
    assert_eq!(store.remove_realm(main.id, Some(&row)).await, Ok(RealmRemoval::NotThere));
    assert_eq!(store.realms().await, Ok(Vec::new()));
    assert_eq!((store.group(group.id).await, store.admin_keys().await), (Ok(None), Ok(Vec::new())));
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::oldest(9)).await.unwrap();
    assert_eq!(rows.into_iter().map(|row| row.record).collect::<Vec<_>>(), [row]);
}

//! The ids under which protocols show users, also those of protocols that no store knows.

use std::collections::BTreeSet;
use std::sync::Arc;

use auth_core::{
    Act, Actor, AttemptFilter, AttemptRecord, AttemptStore, AuditFilter, AuditRecord, AuditStore, ByProtocol,
    ClientKey, Conflict, CredentialKind, CredentialStore, ExternalId, LogPage, Lookup, NewId, NewRecord,
    NewUser, ProtocolName, Realm, Revocation, Scope, Store, StoreError, UserId, UserStore,
};
use tokio::task::JoinSet;

use super::{Fixture, account, conflict, credential, realm, seed, user, write};

const GITLAB: ProtocolName = ProtocolName::new("gitlab");
const OTHER: ProtocolName = ProtocolName::new("other");

fn with(realm: &Realm, number: u32, protocol: ProtocolName, id: impl Into<ExternalId>) -> NewUser {
    let mut new = user(realm, number);
    new.user.external_ids.set(protocol, id.into());
    new
}

async fn found(
    store: &impl Store,
    realm: &Realm,
    protocol: ProtocolName,
    id: impl Into<ExternalId>,
) -> Option<UserId> {
    let found = store.find(realm.id, &Lookup::ExternalId(protocol, &id.into())).await.unwrap();
    found.map(|account| account.user.id)
}

pub async fn keeps_the_ids_and_roles_of_any_protocol<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (one, two) = (realm("one"), realm("two"));
    let mut users = [
        with(&one, 1, GITLAB, 7),
        with(&one, 2, OTHER, 7),
        with(&one, 3, GITLAB, "7"),
        with(&two, 4, GITLAB, 7),
        // Forms that differ from those of the three known protocols.
        with(&one, 5, ProtocolName::ZULIP, "text \0 \u{1}"),
        with(&one, 6, ProtocolName::ROCKETCHAT, 6),
        with(&one, 7, GITLAB, u64::MAX),
    ];
    users[0].user.external_roles = ByProtocol::from([
        (GITLAB, vec!["maintainer".to_owned(), "\0".to_owned()]),
        (OTHER, vec![]),
        (ProtocolName::ZETTELSTORE, vec!["two".to_owned(), "roles".to_owned()]),
    ]);
    let mut bare = user(&one, 8);
    bare.user.external_ids = ByProtocol::new();
    let mut second_bare = user(&one, 9);
    second_bare.user.external_ids = ByProtocol::new();
    let all = users.iter().chain([&bare, &second_bare]).cloned();
    let records = [&one, &two].map(|realm| NewRecord::from(realm.clone())).into_iter();
    write(&*store, records.chain(all.clone().map(|new| NewRecord::User(Box::new(new)))).collect())
        .await
        .unwrap();

    for new in all {
        assert_eq!(*account(&*store, new.user.id).await.user, new.user);
        let listed = store.users(new.user.realm, None, 100).await.unwrap();
        assert!(listed.iter().any(|account| *account.user == new.user), "{:?}", new.user);
        for (protocol, id) in new.user.external_ids.iter() {
            let realm = if new.user.realm == one.id { &one } else { &two };
            assert_eq!(
                found(&*store, realm, protocol, id.clone()).await,
                Some(new.user.id),
                "{protocol} {id}"
            );
        }
    }
    assert_eq!(found(&*store, &two, OTHER, 7).await, None);
    assert_eq!(found(&*store, &one, GITLAB, 8).await, None);
    assert_eq!(found(&*store, &one, ProtocolName::new("unknown"), 7).await, None);

    assert!(store.delete(users[0].user.id, &Revocation::NOTHING, None).await.unwrap());
    assert_eq!(found(&*store, &one, GITLAB, 7).await, None);
    let again = with(&one, 10, GITLAB, 7);
    assert_eq!(store.create_user(&again, None).await, Ok(()), "what was deleted is free");
}

/// Another program may know more protocols, and write rows of them into the same store.
pub async fn reads_rows_of_protocols_that_do_not_exist<F: Fixture>(fixture: &F) {
    const NOWHERE: ProtocolName = ProtocolName::new("nowhere");
    let store = fixture.open().await;
    let main = realm("main");
    let mut new = with(&main, 1, NOWHERE, 7);
    new.user.external_roles = ByProtocol::from([(NOWHERE, vec!["role".to_owned()])]);
    let kind = CredentialKind::new("nowhere-token");
    let mut token = credential(new.user.id, kind, 1);
    token.scope = Scope { protocols: vec![NOWHERE], ..Scope::default() };
    let records = vec![NewRecord::from(main.clone()), NewRecord::User(Box::new(new.clone()))];
    write(&*store, records).await.unwrap();
    assert_eq!(store.add(&token, 9, None).await, Ok(true));
    let at = token.created;
    store.record(AttemptRecord {
        at,
        protocol: NOWHERE,
        realm: main.id,
        user: Some(new.user.id),
        name: String::new(),
        client_key: ClientKey::default(),
        outcome: "granted".into(),
    });
    let audit = AuditRecord {
        at,
        actor: Actor::Owner,
        by: None,
        act: Act::PasswordSet,
        realm: Some(main.id),
        user: Some(new.user.id),
        detail: String::new(),
        client: None,
        protocol: Some(NOWHERE),
        request_id: String::new(),
    };
    store.write_audit(&audit).await.unwrap();

    let read = account(&*store, new.user.id).await.user;
    assert_eq!(read.external_ids.get(NOWHERE), Some(&ExternalId::Number(7)));
    assert_eq!(read.external_roles, new.user.external_roles);
    assert_eq!(found(&*store, &main, NOWHERE, 7).await, Some(new.user.id));
    let tokens = store.of_user(new.user.id, kind).await.unwrap();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].scope, token.scope);
    let attempts = store.attempts(&AttemptFilter::default(), LogPage::newest(9)).await.unwrap();
    assert_eq!(attempts.iter().map(|row| row.record.protocol).collect::<Vec<_>>(), [NOWHERE]);
    let rows = store.audit_rows(&AuditFilter::default(), LogPage::newest(9)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.record.protocol).collect::<Vec<_>>(), [Some(NOWHERE)]);
}

pub async fn keeps_ids_unique_in_a_realm<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 1).await;
    for (number, id) in [(2, ExternalId::Number(7)), (3, "seven".into())] {
        store.create_user(&with(&main, number, GITLAB, id.clone()), None).await.unwrap();
        let taken = StoreError::Conflict(Conflict::ExternalId(GITLAB));
        let second = with(&main, 10 + number, GITLAB, id);
        assert_eq!(store.create_user(&second, None).await, Err(taken.clone()));
        let import = write(&*store, vec![NewRecord::User(Box::new(second))]).await.unwrap_err();
        assert_eq!((import.record, import.error), (Some(0), Some(taken)));
    }
    let other = realm("other");
    let records = vec![NewRecord::from(other.clone())];
    write(&*store, records).await.unwrap();
    assert_eq!(store.create_user(&with(&other, 20, GITLAB, 7), None).await, Ok(()));
}

pub async fn assigns_numbers_of_any_protocol<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let main = realm("main");
    let assigned = |number, wish: Option<u64>| {
        let mut new = user(&main, number);
        new.assign_ids = vec![GITLAB];
        if let Some(wish) = wish {
            new.user.external_ids.set(GITLAB, wish.into());
        }
        new
    };
    let users = [
        assigned(1, None),
        assigned(2, Some(1)),
        with(&main, 3, GITLAB, 9),
        assigned(4, Some(5)),
        assigned(5, None),
        with(&main, 6, GITLAB, "text"),
        assigned(7, Some(5)),
    ];
    let records = users.into_iter().map(|new| NewRecord::User(Box::new(new)));
    write(&*store, std::iter::once(NewRecord::from(main.clone())).chain(records).collect()).await.unwrap();
    write(&*store, vec![NewRecord::User(Box::new(assigned(8, Some(2))))]).await.unwrap();
    store.create_user(&assigned(9, Some(2)), None).await.unwrap();
    store.create_user(&assigned(10, Some(3)), None).await.unwrap();
    store.create_user(&assigned(11, Some(0)), None).await.unwrap();
    store.create_user(&assigned(12, Some(0)), None).await.unwrap();
    let numbers =
        [(1, 1), (2, 2), (3, 9), (4, 5), (5, 10), (7, 11), (8, 12), (9, 13), (10, 3), (11, 0), (12, 14)];
    for (number, expected) in numbers {
        let user = account(&*store, user(&main, number).user.id).await.user;
        assert_eq!(user.external_number(GITLAB), expected, "user {number}");
        assert_eq!(found(&*store, &main, GITLAB, expected).await, Some(user.id));
    }
}

pub async fn gives_a_user_one_id_and_keeps_it<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 5).await;
    let before = account(&*store, users[0]).await.user;
    let ensure =
        async |user: UserId, protocol, wish: NewId| store.ensure_external_id(user, protocol, &wish).await;
    let exactly = |id: &str| NewId::Exactly(id.into());
    // An id that the user has stays, whatever is asked for.
    assert_eq!(ensure(users[0], ProtocolName::ZULIP, NewId::Next).await, Ok(Some(1.into())));
    assert_eq!(ensure(users[0], ProtocolName::ZULIP, NewId::Exactly(2.into())).await, Ok(Some(1.into())));
    assert_eq!(account(&*store, users[0]).await.user, before);

    assert_eq!(ensure(users[0], OTHER, exactly("a")).await, Ok(Some("a".into())));
    assert_eq!(ensure(users[0], OTHER, exactly("b")).await, Ok(Some("a".into())));
    assert_eq!(ensure(users[1], OTHER, exactly("a")).await, conflict(Conflict::ExternalId(OTHER)));
    for (user, wish, given) in [
        (users[0], NewId::Next, 1),
        (users[1], NewId::Preferably(1), 2),
        (users[2], NewId::Preferably(7), 7),
        (users[3], NewId::Next, 8),
        (users[3], NewId::Preferably(1), 8),
    ] {
        assert_eq!(ensure(user, GITLAB, wish).await, Ok(Some(given.into())));
        assert_eq!(found(&*store, &main, GITLAB, given).await, Some(user));
    }
    assert_eq!(
        ensure(users[4], GITLAB, NewId::Exactly(2.into())).await,
        conflict(Conflict::ExternalId(GITLAB))
    );
    let after = account(&*store, users[0]).await.user;
    assert!(after.version > before.version);
    let mut expected = (*before).clone();
    expected.version = after.version;
    expected.external_ids.set(OTHER, "a".into());
    expected.external_ids.set(GITLAB, 1.into());
    assert_eq!(*after, expected, "nothing else is changed");
    assert_eq!(ensure(UserId::from_bytes([9; 16]), GITLAB, NewId::Next).await, Ok(None));
}

pub async fn gives_users_without_ids_those_of_every_protocol<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, _) = seed(&*store, 3).await;
    let mut new = user(&main, 4);
    new.user.external_ids = ByProtocol::new();
    store.create_user(&new, None).await.unwrap();
    for (protocol, wish, given) in [
        (ProtocolName::ZULIP, NewId::Next, ExternalId::Number(4)),
        (ProtocolName::ROCKETCHAT, NewId::Exactly("rocket4".into()), "rocket4".into()),
        (ProtocolName::ZETTELSTORE, NewId::Preferably(20_240_101_000_002), 20_240_101_000_004.into()),
    ] {
        assert_eq!(store.ensure_external_id(new.user.id, protocol, &wish).await, Ok(Some(given.clone())));
        assert_eq!(found(&*store, &main, protocol, given).await, Some(new.user.id));
    }
    let mut bare = user(&main, 5);
    bare.user.external_ids = ByProtocol::new();
    store.create_user(&bare, None).await.unwrap();
    for (protocol, taken) in [
        (ProtocolName::ZULIP, ExternalId::Number(4)),
        (ProtocolName::ROCKETCHAT, "rocket4".into()),
        (ProtocolName::ZETTELSTORE, 20_240_101_000_001.into()),
    ] {
        let refused = store.ensure_external_id(bare.user.id, protocol, &NewId::Exactly(taken)).await;
        assert_eq!(refused, conflict(Conflict::ExternalId(protocol)));
    }
    assert!(account(&*store, bare.user.id).await.user.external_ids.is_empty());
}

pub async fn gives_different_numbers_to_users_that_ask_at_once<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 16).await;
    let mut tasks = JoinSet::new();
    // Each asks twice, at once.
    for user in users.iter().chain(&users).copied() {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            (user, store.ensure_external_id(user, GITLAB, &NewId::Next).await.unwrap().unwrap())
        });
    }
    let given: BTreeSet<_> = tasks.join_all().await.into_iter().collect();
    assert_eq!(given.len(), 16, "both got the same: {given:?}");
    let numbers: BTreeSet<_> = given.into_iter().map(|(_, id)| id).collect();
    assert_eq!(numbers, (1..=16).map(ExternalId::Number).collect());
}

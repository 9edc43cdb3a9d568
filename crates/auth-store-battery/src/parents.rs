//! Credentials that came from others, with which they end; and credentials that succeed others.

use std::sync::Arc;

use auth_core::{
    Conflict, Credential, CredentialId, CredentialKind, CredentialStore, Revocation, UserId, UserStore,
};

use super::{Fixture, account, at, comparable, conflict, credential, ids, seed, user};

const PARENT: CredentialKind = CredentialKind::APP_PASSWORD;
const CHILD: CredentialKind = CredentialKind::ROCKETCHAT_TOKEN;
const GRANDCHILD: CredentialKind = CredentialKind::REMEMBERED_FACTOR;

/// Credential `number` that came from another.
fn child(user: UserId, kind: CredentialKind, number: u32, parent: CredentialId) -> Credential {
    Credential { parent: Some(parent), ..credential(user, kind, number) }
}

/// Adds a credential, one that came from it, and one that came from that.
async fn family(store: &impl CredentialStore, user: UserId, number: u32) -> [Credential; 3] {
    let parent = Credential { expires: Some(at(50)), ..credential(user, PARENT, number) };
    let next = child(user, CHILD, number + 1, parent.id);
    let last = Credential { clear_only: true, ..child(user, GRANDCHILD, number + 2, next.id) };
    for new in [&parent, &next, &last] {
        assert!(store.add(new, 99, None).await.unwrap());
    }
    [parent, next, last]
}

pub async fn ends_what_came_from_a_credential_with_it<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 2).await;
    let user_id = users[0];
    let bystander = credential(user_id, CHILD, 1);
    store.add(&bystander, 99, None).await.unwrap();
    let other = family(&*store, users[1], 10).await;
    let kinds = [CHILD, PARENT];
    for way in 0..7 {
        let [parent, next, last] = family(&*store, user_id, 100 + 10 * way).await;
        for written in [&parent, &next, &last] {
            let (read, _) = store.by_digest(written.kind, &written.digest.unwrap()).await.unwrap().unwrap();
            assert_eq!(comparable(&read), comparable(written));
        }
        let version = account(&*store, user_id).await.user.version;
        let revocation = Revocation { valid_from: None, kinds: &[PARENT], except: None };
        match way {
            0 => assert!(store.remove(parent.id, None).await.unwrap()),
            1 => {
                // All of a kind are counted, whatever goes along with which.
                let ended = store.remove_of_user(user_id, &[PARENT, CHILD], Some(bystander.id), None).await;
                assert_eq!(ended, Ok(2));
            }
            2 => assert!(store.exchange(user_id, &[PARENT], None, &[], None).await.unwrap()),
            3 => assert!(store.set_password(user_id, None, &revocation, None).await.unwrap()),
            4 => assert!(store.set_active(user_id, true, &revocation, None).await.unwrap()),
            5 => assert!(store.revoke(user_id, &revocation, None).await.unwrap()),
            _ => assert!(store.purge(at(60)).await.unwrap() >= 1),
        }
        assert!(account(&*store, user_id).await.user.version > version, "{way}");
        for kind in kinds {
            let expected = if kind == CHILD { vec![bystander.id] } else { vec![] };
            assert_eq!(ids(&*store, user_id, kind).await, expected, "{way}");
        }
        assert_eq!(ids(&*store, user_id, GRANDCHILD).await, [], "{way}");
        for gone in [&parent, &next, &last] {
            assert!(store.by_digest(gone.kind, &gone.digest.unwrap()).await.unwrap().is_none(), "{way}");
        }
        if way < 6 {
            assert_eq!(ids(&*store, users[1], GRANDCHILD).await, [other[2].id], "{way}");
        }
    }

    // The child alone goes alone; and a new user may bring a whole family.
    let [parent, next, _] = family(&*store, user_id, 200).await;
    assert!(store.remove(next.id, None).await.unwrap());
    assert_eq!(ids(&*store, user_id, PARENT).await, [parent.id]);
    let mut new = user(&main, 9);
    let brought = credential(new.user.id, PARENT, 300);
    new.credentials = vec![brought.clone(), child(new.user.id, CHILD, 301, brought.id)];
    store.create_user(&new, None).await.unwrap();
    assert!(store.remove(brought.id, None).await.unwrap());
    assert_eq!(ids(&*store, new.user.id, CHILD).await, []);
    assert!(store.delete(user_id, &Revocation::NOTHING, None).await.unwrap());
}

pub async fn adds_nothing_that_came_from_a_credential_that_is_gone<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let [parent, ..] = family(&*store, users[0], 1).await;
    let strangers = child(users[1], CHILD, 10, parent.id);
    let orphan = child(users[0], CHILD, 11, CredentialId::from_bytes([9; 16]));
    for new in [&strangers, &orphan] {
        assert_eq!(store.add(new, 9, None).await, Ok(false));
        assert!(store.ensure(new).await.unwrap().is_none());
        assert_eq!(
            store.exchange(new.user, &[PARENT], None, std::slice::from_ref(new), None).await,
            Ok(false)
        );
        assert!(store.by_digest(new.kind, &new.digest.unwrap()).await.unwrap().is_none());
    }
    assert_eq!(ids(&*store, users[0], PARENT).await, [parent.id], "a failed exchange changes nothing");
}

pub async fn keeps_and_ensures_by_parent<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    let parents = [credential(users[0], PARENT, 1), credential(users[0], PARENT, 2)];
    for parent in &parents {
        store.add(parent, 9, None).await.unwrap();
    }
    let made = |number: u32, parent: Option<CredentialId>| Credential {
        parent,
        ..credential(users[0], CHILD, number)
    };
    let lines = [None, Some(parents[0].id), Some(parents[1].id)];
    let mut newest = Vec::new();
    for (number, parent) in (10..).zip([lines, lines, lines].concat()) {
        assert!(store.add(&made(number, parent), 2, None).await.unwrap());
        if number >= 13 {
            newest.push(made(number, parent).id);
        }
    }
    assert_eq!(ids(&*store, users[0], CHILD).await, newest, "two of each line");
    assert!(store.add(&made(30, None), 1, None).await.unwrap());
    let left: Vec<_> = newest.iter().copied().filter(|id| ![newest[0], newest[3]].contains(id)).collect();
    assert_eq!(ids(&*store, users[0], CHILD).await, [left, vec![made(30, None).id]].concat());

    let key = |number: u32, parent: Option<CredentialId>| Credential {
        parent,
        ..credential(users[0], CredentialKind::ZULIP_KEY, number)
    };
    for (number, parent) in (40..).zip(lines) {
        for repeated in 0..2 {
            let own = store.ensure(&key(number + 10 * repeated, parent)).await.unwrap().unwrap();
            assert_eq!(own.id, key(number, parent).id);
        }
    }
}

pub async fn keeps_the_one_that_was_added_last_whatever_the_clock_says<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    // Made before the clock was set back.
    let ahead = [credential(users[0], CHILD, 500), credential(users[0], CHILD, 501)];
    for old in &ahead {
        assert!(store.add(old, 9, None).await.unwrap());
    }
    let (second, third) = (credential(users[0], CHILD, 1), credential(users[0], CHILD, 2));
    assert!(store.add(&second, 2, None).await.unwrap());
    assert_eq!(ids(&*store, users[0], CHILD).await, [second.id, ahead[1].id]);
    assert!(store.add(&third, 1, None).await.unwrap());
    assert_eq!(ids(&*store, users[0], CHILD).await, [third.id]);
}

pub async fn what_was_revoked_has_no_successor<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let first = credential(users[0], CHILD, 1);
    store.add(&first, 9, None).await.unwrap();
    let second = credential(users[0], CHILD, 2);
    for _ in 0..2 {
        assert_eq!(store.succeed(first.id, &second).await, Ok(true), "also repeated");
    }
    assert_eq!(ids(&*store, users[0], CHILD).await, [first.id, second.id]);
    let mut same = credential(users[0], CHILD, 3);
    same.digest = second.digest;
    assert_eq!(store.succeed(first.id, &same).await, conflict(Conflict::Credential));
    assert_eq!(store.succeed(first.id, &credential(users[1], CHILD, 4)).await, Ok(false), "another user");
    store.remove(first.id, None).await.unwrap();
    assert_eq!(store.succeed(first.id, &credential(users[0], CHILD, 5)).await, Ok(false));
    assert_eq!(ids(&*store, users[0], CHILD).await, [second.id]);
    assert_eq!(ids(&*store, users[1], CHILD).await, []);
}

pub async fn of_a_revocation_and_an_addition_at_once_nothing_is_left<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    for round in 0..8 {
        let [parent, next, _] = family(&*store, users[0], 100 * round).await;
        let adding = (10..20).map(|number| {
            let (store, user, round) = (Arc::clone(&store), users[0], 100 * round);
            let (parent, next) = (parent.id, next.id);
            tokio::spawn(async move {
                store.add(&child(user, CHILD, round + number, parent), 99, None).await.unwrap();
                store.succeed(next, &child(user, CHILD, round + 50 + number, parent)).await.unwrap();
            })
        });
        let adding: Vec<_> = adding.collect();
        if round % 2 == 0 {
            assert!(store.remove(parent.id, None).await.unwrap());
        } else {
            store.remove_of_user(users[0], &[PARENT], None, None).await.unwrap();
        }
        for one in adding {
            one.await.unwrap();
        }
        assert_eq!(ids(&*store, users[0], CHILD).await, []);
    }
}

//! When users were last seen.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{
    Activity, ActivityStore, AttemptRecord, AttemptStore, ChangeFeed, ChangeListener, ClientKey,
    CredentialKind, CredentialStore, NewRecord, Place, ProtocolName, RealmId, Revocation, Store, Timestamp,
    Unseen, UserId, UserStore,
};

use super::{Fixture, account, at, credential, realm, seed, user, write};

fn attempt(user: UserId, at: Timestamp, outcome: &'static str) -> AttemptRecord {
    AttemptRecord {
        at,
        protocol: ProtocolName::ZULIP,
        realm: RealmId::from_bytes([1; 16]),
        user: Some(user),
        name: String::new(),
        client_key: ClientKey::of([192, 0, 2, 1].into()),
        outcome: outcome.into(),
    }
}

async fn activity(store: &impl Store, user: UserId) -> Activity {
    // Attempts that were recorded are written first.
    store.known_clients(0, 0).await.unwrap();
    let found = store.activities(&[user]).await.unwrap();
    assert_eq!(found.len(), 1);
    found[0].1
}

pub async fn a_new_user_was_seen_when_it_was_created_or_a_credential_used<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let main = realm("main");
    let used = |number, last: &[i64]| {
        let mut new = user(&main, number);
        new.user.joined = at(100);
        new.credentials = (number * 10..)
            .zip(last)
            .map(|(number, last)| {
                let mut one = credential(new.user.id, CredentialKind::ROCKETCHAT_TOKEN, number);
                one.last_used = (*last > 0).then(|| at(*last));
                one
            })
            .collect();
        new
    };
    let imported = [used(1, &[]), used(2, &[0, 300, 200]), used(3, &[50])];
    let created = used(4, &[400]);
    let ids = [1, 2, 3, 4].map(|number| user(&main, number).user.id);
    let mut records = vec![NewRecord::from(main.clone())];
    records.extend(imported.map(|new| NewRecord::User(Box::new(new))));
    write(&*store, records).await.unwrap();
    store.create_user(&created, None).await.unwrap();
    let expected = [(None, 100), (Some(300), 300), (Some(50), 100), (Some(400), 400)];
    for (id, (last_use, seen)) in ids.into_iter().zip(expected) {
        let expected = Activity { last_login: None, last_use: last_use.map(at), seen: at(seen) };
        assert_eq!(activity(&*store, id).await, expected, "{seen}");
    }
    let nobody = UserId::from_bytes([99; 16]);
    let mut found = store.activities(&[ids[0], nobody, ids[3]]).await.unwrap();
    found.sort_by_key(|(_, activity)| activity.seen);
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[0], ids[3]]);
    assert!(store.delete(ids[0], &Revocation::NOTHING, None).await.unwrap());
    assert_eq!(store.activities(&ids[..1]).await, Ok(Vec::new()));
}

#[derive(Default)]
struct Heard(Mutex<Vec<UserId>>);

impl ChangeListener for Heard {
    fn changed(&self, user: UserId) {
        self.0.lock().unwrap().push(user);
    }
}

pub async fn logins_and_uses_are_noted_and_are_no_change_of_the_user<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let main = realm("main");
    let (mut new, other) = (user(&main, 1), user(&main, 2));
    let (id, other_id) = (new.user.id, other.user.id);
    let token = credential(id, CredentialKind::ROCKETCHAT_TOKEN, 1);
    let key = credential(id, CredentialKind::ZULIP_KEY, 2);
    // Imported, since word of any other change may come late.
    new.credentials = vec![token.clone(), key.clone()];
    let users = [new, other].map(|new| NewRecord::User(Box::new(new)));
    write(&*store, [NewRecord::from(main)].into_iter().chain(users).collect()).await.unwrap();
    let before = account(&*store, id).await.user;
    let heard = Arc::new(Heard::default());
    let listener: Arc<dyn ChangeListener> = Arc::clone(&heard) as _;
    store.listen(Arc::downgrade(&listener));
    let is = async |last_login: Option<i64>, last_use: Option<i64>, seen, what: &str| {
        let expected =
            Activity { last_login: last_login.map(at), last_use: last_use.map(at), seen: at(seen) };
        assert_eq!(activity(&*store, id).await, expected, "{what}");
    };
    store.record(attempt(id, at(50), "wrong-password"));
    store.record(attempt(id, at(60), "grantedly"));
    is(None, None, 0, "refusals").await;
    store.record(attempt(id, at(10), "granted"));
    store.record(attempt(id, at(30), "granted"));
    store.record(attempt(id, at(20), "granted"));
    store.record(attempt(UserId::from_bytes([99; 16]), at(70), "granted"));
    is(Some(30), None, 30, "the last of several").await;
    store.record(attempt(id, at(40), "granted x 7"));
    is(Some(40), None, 40, "a sum").await;
    store.set_last_used(&[(token.id, at(35)), (key.id, at(25))]).await.unwrap();
    is(Some(40), Some(35), 40, "the last use of both").await;
    store.set_last_used(&[(key.id, at(80))]).await.unwrap();
    is(Some(40), Some(80), 80, "a use after the login").await;
    store.set_last_used(&[(token.id, at(70)), (key.id, at(60))]).await.unwrap();
    store.record(attempt(id, at(5), "granted"));
    is(Some(40), Some(80), 80, "nothing goes back").await;
    store.record(attempt(id, at(90), "granted"));
    is(Some(90), Some(80), 90, "a login after the use").await;

    assert_eq!(account(&*store, id).await.user, before);
    assert_eq!(*heard.0.lock().unwrap(), []);
    assert_eq!(activity(&*store, other_id).await.seen, at(0), "nobody else was seen");
}

pub async fn many_logins_and_uses_at_once_are_all_noted<F: Fixture>(fixture: &F) {
    let stores = [fixture.open().await, fixture.open().await];
    let (_, users) = seed(&*stores[0], 20).await;
    let mut tokens = Vec::new();
    for (user, number) in users.iter().zip(1..) {
        let token = credential(*user, CredentialKind::ROCKETCHAT_TOKEN, number);
        stores[0].add(&token, 9, None).await.unwrap();
        tokens.push(token.id);
    }
    let racing = stores.clone().map(|store| {
        let (users, tokens) = (users.clone(), tokens.clone());
        tokio::spawn(async move {
            for round in 1..=20 {
                for (index, user) in users.iter().enumerate() {
                    let user = if round % 2 == 0 { user } else { &users[users.len() - 1 - index] };
                    store.record(attempt(*user, at(round), "granted"));
                }
                let uses: Vec<_> = tokens.iter().map(|token| (*token, at(100 + round))).collect();
                store.set_last_used(&uses).await.unwrap();
            }
            store.known_clients(0, 0).await.unwrap();
        })
    });
    for one in racing {
        tokio::time::timeout(Duration::from_secs(60), one).await.unwrap().unwrap();
    }
    let all = stores[0].activities(&users).await.unwrap();
    let expected = Activity { last_login: Some(at(20)), last_use: Some(at(120)), seen: at(120) };
    assert_eq!(all.len(), users.len());
    assert!(all.iter().all(|(_, activity)| *activity == expected), "{all:?}");
}

pub async fn lists_users_that_were_not_seen_since_a_moment_in_pages<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, other) = (realm("main"), realm("other"));
    let mut records = vec![NewRecord::from(main.clone()), NewRecord::from(other.clone())];
    let mut expected = Vec::new();
    for number in 1..=40_u32 {
        let mut new = user(if number % 3 == 0 { &other } else { &main }, number);
        // Several at a moment.
        let seen = at(i64::from(number * 7 % 10));
        new.user.joined = seen;
        expected.push((seen, new.user.realm, new.user.id));
        records.push(NewRecord::User(Box::new(new)));
    }
    write(&*store, records).await.unwrap();
    for realm in [None, Some(main.id), Some(other.id), Some(RealmId::from_bytes([9; 16]))] {
        for since in [0, 4, 10] {
            let mut wanted: Vec<_> = expected.clone();
            wanted.retain(|(seen, of, _)| *seen < at(since) && realm.is_none_or(|realm| realm == *of));
            let mut found: Vec<Unseen> = Vec::new();
            loop {
                let after: Option<Place> = found.last().map(|last| last.place);
                let page = store.unseen_since(realm, at(since), after, 3).await.unwrap();
                assert!(page.len() <= 3);
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            assert!(found.is_sorted_by(|one, next| one.place < next.place));
            let mut found: Vec<_> = found
                .into_iter()
                .map(|one| {
                    assert_eq!((one.place.at, one.activity.last_login), (one.activity.seen, None));
                    (one.activity.seen, one.account.user.realm, one.account.user.id)
                })
                .collect();
            found.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{realm:?} {since}");
        }
    }
    // A user who is seen leaves the list, and one who is gone is no hindrance to the next page.
    let first = store.unseen_since(Some(main.id), at(10), None, 2).await.unwrap();
    let ids: Vec<UserId> = first.iter().map(|one| one.account.user.id).collect();
    assert!(first[0].account.password.is_some() && first[0].account.user.names.len() == 2);
    store.record(attempt(ids[0], at(1000), "granted"));
    store.known_clients(0, 0).await.unwrap();
    assert!(store.delete(ids[1], &Revocation::NOTHING, None).await.unwrap());
    let behind = store.unseen_since(Some(main.id), at(10), Some(first[1].place), 100).await.unwrap();
    let anew = store.unseen_since(Some(main.id), at(10), None, 100).await.unwrap();
    let ids = |list: &[Unseen]| list.iter().map(|one| one.account.user.id).collect::<Vec<_>>();
    assert_eq!(ids(&behind), ids(&anew));
}

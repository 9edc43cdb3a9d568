//! Records after the store was closed, and as other openings see them.

use std::sync::Arc;

use auth_core::{CredentialKind, CredentialStore, MetaStore, RealmStore, Revocation, UserStore};
use tokio::task::JoinSet;

use super::{Fixture, account, comparable, credential, ids, password, seed};

const NOTHING: Revocation<'static> = Revocation::NOTHING;

pub async fn survives_reopening<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (main, users) = seed(&*store, 2).await;
    let token = credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, 1);
    store.add(&token, 9, None).await.unwrap();
    store.set_password(users[1], Some(&password("new")), &NOTHING, None).await.unwrap();
    store.set_meta_once("ring", b"value").await.unwrap();
    let before = account(&*store, users[0]).await;
    drop(store);

    let store = fixture.open().await;
    assert_eq!(store.realms().await.unwrap(), [main]);
    assert_eq!(account(&*store, users[0]).await.user, before.user);
    assert_eq!(account(&*store, users[1]).await.password, Some(password("new")));
    assert_eq!(store.meta("ring").await, Ok(Some(b"value".to_vec())));
    let (read, _) = store.by_digest(token.kind, &token.digest.unwrap()).await.unwrap().unwrap();
    assert_eq!(comparable(&read), comparable(&token));
}

pub async fn acknowledges_a_thousand_concurrent_writes<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 4).await;
    let mut tasks = JoinSet::new();
    for number in 0..1000_u32 {
        let store = Arc::clone(&store);
        let user = users[usize::try_from(number % 4).unwrap()];
        tasks.spawn(async move {
            // Every third takes a digest that another has: it fails, and must fail alone.
            let mut token = credential(user, CredentialKind::ROCKETCHAT_TOKEN, number);
            let spoilt = number % 3 == 2;
            if spoilt {
                token.digest = credential(user, CredentialKind::ROCKETCHAT_TOKEN, 3000).digest;
            }
            (token.id, spoilt, store.add(&token, 1000, None).await)
        });
    }
    let mut acknowledged: Vec<_> = tasks
        .join_all()
        .await
        .into_iter()
        .filter_map(|(id, spoilt, answer)| {
            assert!(spoilt || answer == Ok(true), "{answer:?}");
            answer.is_ok().then_some(id)
        })
        .collect();
    assert_eq!(acknowledged.len(), 667 + 1, "one of the spoilt ones was the first");
    drop(store);

    let store = fixture.open().await;
    let mut kept = Vec::new();
    for user in users {
        kept.extend(ids(&*store, user, CredentialKind::ROCKETCHAT_TOKEN).await);
    }
    kept.sort();
    acknowledged.sort();
    assert_eq!(kept, acknowledged);
}

pub async fn shows_every_opening_what_another_has_written<F: Fixture>(fixture: &F) {
    let (one, two) = (fixture.open().await, fixture.open().await);
    let (_, users) = seed(&*one, 1).await;
    let token = credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, 1);
    assert!(two.add(&token, 9, None).await.unwrap());
    assert!(one.remove(token.id, None).await.unwrap());
    assert!(!two.remove(token.id, None).await.unwrap());
    assert!(ids(&*two, users[0], token.kind).await.is_empty());
}

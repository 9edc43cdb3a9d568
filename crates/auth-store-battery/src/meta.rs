//! Values that belong to the store as a whole.

use std::sync::Arc;

use auth_core::MetaStore;
use tokio::task::JoinSet;

use super::Fixture;

pub async fn sets_meta_values_once<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    assert_eq!(store.meta("ring").await, Ok(None));
    let mut tasks = JoinSet::new();
    for number in 0..16_u8 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.set_meta_once("ring", &[number]).await.unwrap() });
    }
    let given = tasks.join_all().await;
    let kept = store.meta("ring").await.unwrap().unwrap();
    assert!(given.iter().all(|value| *value == kept));
    assert_eq!(store.set_meta_once("other", b"").await, Ok(vec![]));
    assert_eq!(store.meta("other").await, Ok(Some(vec![])));
}

pub async fn replaces_meta_values_only_while_they_are_the_old_ones<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let replace =
        async |old: Option<&[u8]>, new: Option<&[u8]>| store.replace_meta("a", old, new, None).await.unwrap();
    assert!(replace(None, None).await);
    assert!(!replace(Some(b"1"), Some(b"2")).await);
    assert!(replace(None, Some(b"1")).await);
    assert!(!replace(None, Some(b"2")).await);
    assert!(!replace(None, None).await);
    assert!(replace(Some(b"1"), Some(b"2")).await);
    assert_eq!(store.meta("a").await.unwrap().as_deref(), Some(&b"2"[..]));
    assert!(!replace(Some(b"1"), None).await);
    assert!(replace(Some(b"2"), None).await);
    assert_eq!(store.meta("a").await.unwrap(), None);

    store.set_meta_once("race", b"0").await.unwrap();
    let mut tasks = JoinSet::new();
    for number in 1..=16_u8 {
        let store = Arc::clone(&store);
        tasks.spawn(
            async move { store.replace_meta("race", Some(b"0"), Some(&[number]), None).await.unwrap() },
        );
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|replaced| *replaced).count(), 1);
}

pub async fn lists_meta_values_by_the_beginning_of_their_names<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    for name in ["node/b", "node/a", "node", "nodes", "other", "node/%"] {
        store.set_meta_once(name, name.as_bytes()).await.unwrap();
    }
    let found = store.metas("node/").await.unwrap();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["node/%", "node/a", "node/b"]);
    assert!(found.iter().all(|(name, value)| name.as_bytes() == value));
    assert!(store.metas("none/").await.unwrap().is_empty());
}

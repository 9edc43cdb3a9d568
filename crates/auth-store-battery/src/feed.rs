//! The change feed: by what caches know that a record has changed.

use std::sync::{Arc, Mutex};

use auth_core::{ChangeFeed, ChangeListener, CredentialKind, CredentialStore, Revocation, UserId, UserStore};

use super::{Fixture, account, credential, password, seed};

const NOTHING: Revocation<'static> = Revocation::NOTHING;

/// Notes which users have changed.
#[derive(Default)]
struct Heard(Mutex<Vec<UserId>>);

impl ChangeListener for Heard {
    fn changed(&self, user: UserId) {
        self.0.lock().unwrap().push(user);
    }
}

pub async fn the_counter_moves_with_each_change_and_with_nothing_else<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let token = credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, 1);
    let mut before = store.change_counter().await.unwrap();
    // A store may have no counter: whatever follows it compares all versions then.
    let has_counter = before.is_some();
    let mut moved = async |what: &str| {
        let now = store.change_counter().await.unwrap();
        assert_eq!(now != before, has_counter, "{what}");
        before = now;
    };
    store.add(&token, 9, None).await.unwrap();
    moved("a new credential").await;
    store.set_password(users[1], Some(&password("new")), &NOTHING, None).await.unwrap();
    moved("a new password").await;
    store.set_active(users[1], false, &NOTHING, None).await.unwrap();
    moved("a deactivation").await;
    store.remove(token.id, None).await.unwrap();
    moved("a credential that is gone").await;
    store.delete(users[1], &NOTHING, None).await.unwrap();
    moved("a user who is gone").await;

    let before = store.change_counter().await.unwrap();
    account(&*store, users[0]).await;
    store.of_user(users[0], CredentialKind::ROCKETCHAT_TOKEN).await.unwrap();
    store.versions(&users).await.unwrap();
    assert_eq!(store.change_counter().await.unwrap(), before, "what only reads");
}

pub async fn versions_are_those_of_the_users_there_are<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 3).await;
    store.set_email_second_factor(users[1], true, &NOTHING, None).await.unwrap();
    store.delete(users[2], &NOTHING, None).await.unwrap();
    let mut expected = Vec::new();
    for user in &users[..2] {
        expected.push((*user, account(&*store, *user).await.user.version));
    }
    assert_ne!(expected[0].1, expected[1].1, "one of them has changed");
    expected.sort();
    let mut versions = store.versions(&users).await.unwrap();
    versions.sort();
    assert_eq!(versions, expected, "each user that there is, once");
    assert_eq!(store.versions(&[]).await, Ok(vec![]));
}

pub async fn listeners_hear_of_a_change_before_it_is_acknowledged<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let heard = Arc::new(Heard::default());
    let listener: Arc<dyn ChangeListener> = Arc::clone(&heard) as _;
    store.listen(Arc::downgrade(&listener));
    let token = credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, 1);
    let hears = |user: UserId, what: &str| {
        let heard = std::mem::take(&mut *heard.0.lock().unwrap());
        assert!(heard.contains(&user), "{what}: {heard:?}");
        assert!(!heard.contains(&users[1]) || user == users[1], "{what}: {heard:?}");
    };
    store.add(&token, 9, None).await.unwrap();
    store.set_password(users[0], Some(&password("new")), &NOTHING, None).await.unwrap();
    hears(users[0], "a new password");
    store.set_active(users[0], false, &NOTHING, None).await.unwrap();
    hears(users[0], "a deactivation");
    store.remove(token.id, None).await.unwrap();
    hears(users[0], "a credential that is gone");
    store.delete(users[1], &NOTHING, None).await.unwrap();
    hears(users[1], "a user who is gone");
    drop(listener);
}

//! What is sealed under the key ring, and values that are replaced.

use auth_core::{
    Credential, CredentialId, CredentialKind, CredentialStore, Digest, MailId, MetaStore, Outbox,
    OutgoingMail, SealedStore, UserStore,
};
use tokio::task::JoinSet;

use super::{Fixture, at, bytes, credential, facts, seed};

pub async fn pages_through_sealed_credentials_by_id<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 3).await;
    let mut expected = Vec::new();
    for (number, (user, kind, sealed)) in (1..).zip([
        (users[0], CredentialKind::ZULIP_KEY, true),
        (users[1], CredentialKind::ZULIP_KEY, true),
        (users[2], CredentialKind::TOTP, true),
        (users[0], CredentialKind::ROCKETCHAT_TOKEN, false),
        (users[0], CredentialKind::BACKUP_CODE, true),
        (users[0], CredentialKind::BACKUP_CODE, false),
    ]) {
        let mut new = credential(user, kind, number);
        new.sealed = sealed.then(|| vec![u8::try_from(number).unwrap()]);
        store.add(&new, 9).await.unwrap();
        if kind != CredentialKind::ROCKETCHAT_TOKEN {
            expected.push(new);
        }
    }
    expected.sort_by_key(|credential| credential.id);
    for limit in [1, 2, 100] {
        let (mut found, mut after): (Vec<Credential>, Option<CredentialId>) = (Vec::new(), None);
        loop {
            let page = store.sealed_credentials(after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= usize::try_from(limit).unwrap());
            after = Some(last.id);
            found.extend(page);
        }
        let seen = |all: &[Credential]| all.iter().map(facts).collect::<Vec<_>>();
        assert_eq!(seen(&found), seen(&expected), "in pages of {limit}");
    }
}

pub async fn reseals_a_credential_only_while_it_is_the_old_one<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    let key = credential(users[0], CredentialKind::ZULIP_KEY, 1);
    store.add(&key, 1).await.unwrap();
    let version = store.user(users[0]).await.unwrap().unwrap().user.version;
    let digest = Digest::new([7; 32]);
    let reseal = async |old: &[u8], new: &[u8]| {
        store.reseal_credential(key.id, old, new, Some(&digest)).await.unwrap()
    };
    assert!(!reseal(&[9], &[4]).await);
    assert!(reseal(&[1, 2, 3], &[4]).await);
    assert!(!reseal(&[1, 2, 3], &[5]).await);
    let (found, _) = store.by_digest(key.kind, &digest).await.unwrap().expect("under its new digest");
    assert_eq!((found.id, found.sealed.as_deref()), (key.id, Some(&[4][..])));
    assert!(store.by_digest(key.kind, &key.digest.unwrap()).await.unwrap().is_none());
    assert_eq!(store.user(users[0]).await.unwrap().unwrap().user.version, version, "nothing has changed");
    let nobodys = CredentialId::from_bytes([9; 16]);
    assert!(!store.reseal_credential(nobodys, &[4], &[5], None).await.unwrap());
}

pub async fn reseals_mail_in_pages_by_id<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let mut ids: Vec<MailId> = (1..=3).map(|seed| MailId::from_bytes(bytes(seed))).collect();
    for (days, id) in (0..).zip(&ids) {
        let (to, subject) = ("iago@zulip.com".to_owned(), "Code".to_owned());
        let due = at(86_400 * days);
        let mail = OutgoingMail { id: *id, to, subject, body: vec![1], due, failures: 0 };
        store.post(&mail).await.unwrap();
    }
    ids.sort();
    let found = async |after, limit| {
        let mails = store.sealed_mails(after, limit).await.unwrap();
        mails.into_iter().map(|mail| (mail.id, mail.body)).collect::<Vec<_>>()
    };
    assert_eq!(found(None, 2).await, [(ids[0], vec![1]), (ids[1], vec![1])]);
    assert!(store.reseal_mail(ids[2], &[1], &[2]).await.unwrap());
    assert!(!store.reseal_mail(ids[2], &[1], &[3]).await.unwrap());
    assert_eq!(found(Some(ids[1]), 2).await, [(ids[2], vec![2])]);
}

pub async fn replaces_meta_values_only_while_they_are_the_old_ones<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let replace =
        async |old: Option<&[u8]>, new: Option<&[u8]>| store.replace_meta("a", old, new).await.unwrap();
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
        let store = std::sync::Arc::clone(&store);
        tasks.spawn(async move { store.replace_meta("race", Some(b"0"), Some(&[number])).await.unwrap() });
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

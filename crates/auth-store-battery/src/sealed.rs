//! Records encrypted under the key ring.

use auth_core::{
    Credential, CredentialId, CredentialKind, CredentialStore, Digest, MailId, Outbox, OutgoingMail,
    SealedStore, UserStore,
};

use super::{Fixture, at, bytes, comparable, credential, seed};

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
        store.add(&new, 9, None).await.unwrap();
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
        let seen = |all: &[Credential]| all.iter().map(comparable).collect::<Vec<_>>();
        assert_eq!(seen(&found), seen(&expected), "in pages of {limit}");
    }
}

pub async fn reseals_a_credential_only_while_it_is_the_old_one<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 1).await;
    let key = credential(users[0], CredentialKind::ZULIP_KEY, 1);
    store.add(&key, 1, None).await.unwrap();
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

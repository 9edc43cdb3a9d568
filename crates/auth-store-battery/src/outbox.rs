//! Outgoing mail.

use auth_core::{CredentialKind, CredentialStore, MailId, Outbox, OutgoingMail, UserId};

use super::{Fixture, at, credential, seed};

pub async fn keeps_mail_until_it_is_settled<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let mail = |number: u8, due| OutgoingMail {
        id: MailId::from_bytes([number; 16]),
        to: format!("user{number}@example.com"),
        subject: "Your code".into(),
        body: vec![0, number, 255],
        due: at(due),
        failures: 0,
    };
    let due = async |now, limit| store.due(at(now), limit).await.unwrap();
    let mails = [mail(1, 30), mail(2, 10), mail(3, 20)];
    for mail in &mails {
        store.post(mail).await.unwrap();
    }
    store.post(&mails[0]).await.unwrap();
    assert_eq!(due(9, 10).await, []);
    assert_eq!(due(20, 10).await, [mails[1].clone(), mails[2].clone()]);
    assert_eq!(due(99, 1).await, [mails[1].clone()]);

    assert!(store.put_off(mails[1].id, at(50)).await.unwrap());
    let later = OutgoingMail { due: at(50), failures: 1, ..mails[1].clone() };
    assert_eq!(due(99, 10).await, [mails[2].clone(), mails[0].clone(), later]);
    assert!(store.settle(mails[2].id).await.unwrap());
    assert!(!store.settle(mails[2].id).await.unwrap());
    assert!(!store.put_off(mails[2].id, at(50)).await.unwrap());
    assert_eq!(due(99, 10).await.len(), 2);
}

pub async fn takes_a_mail_with_the_credential_that_it_tells_of<F: Fixture>(fixture: &F) {
    let store = fixture.open().await;
    let (_, users) = seed(&*store, 2).await;
    let mail = |number: u8| OutgoingMail {
        id: MailId::from_bytes([number; 16]),
        to: "user@example.com".into(),
        subject: "Your code".into(),
        body: vec![number],
        due: at(10),
        failures: 0,
    };
    let ids = async |user, kind| {
        let own = store.of_user(user, kind).await.unwrap();
        own.into_iter().map(|credential| credential.id).collect::<Vec<_>>()
    };
    let codes = [1, 2].map(|number| credential(users[0], CredentialKind::MAILED_CODE, number));
    let token = credential(users[0], CredentialKind::ROCKETCHAT_TOKEN, 3);
    store.add(&token, 9, None).await.unwrap();
    for (number, code) in (1..).zip(&codes) {
        assert_eq!(store.post_with(code, &mail(number)).await, Ok(true));
        assert_eq!(ids(users[0], CredentialKind::MAILED_CODE).await, [code.id], "one code is good");
    }
    assert_eq!(ids(users[0], CredentialKind::ROCKETCHAT_TOKEN).await, [token.id]);
    let nobodys = credential(UserId::from_bytes([9; 16]), CredentialKind::MAILED_CODE, 4);
    assert_eq!(store.post_with(&nobodys, &mail(3)).await, Ok(false));
    let due = store.due(at(99), 9).await.unwrap();
    assert_eq!(due.iter().map(|mail| mail.body[0]).collect::<Vec<_>>(), [1, 2]);
}

//! Outgoing mail, and what is deleted in time.

use std::time::Duration;

use auth_core::{
    AttemptRecord, ClientKey, Clock, CredentialKind, MailId, Outbox, OutgoingMail, ProtocolName, RealmId,
    SeededRng,
};
use auth_engine::Purged;
use auth_engine::testing::World;

use crate::world;

const MINUTE: Duration = Duration::from_secs(60);

/// A world in which a code was mailed.
async fn mailed() -> World {
    let world = world::new().await;
    world.log_in_with_code("mail", None).await.unwrap_err();
    world
}

#[tokio::test]
async fn mailed_code_is_read_from_its_mail_and_lets_in() {
    let world = mailed().await;
    let due = world.engine.mail().due(10).await.unwrap();
    let [mail] = &due[..] else { panic!("{due:?}") };
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("mail@zulip.com", "Authentication code"));
    let text = mail.text.as_deref().unwrap();
    let code: String = text.chars().filter(|symbol| symbol.is_ascii_digit() || *symbol == '-').collect();
    assert!(world.log_in_with_code("mail", Some(&code)).await.is_ok(), "{text}");
    assert!(!format!("{mail:?}").contains(&code));

    world.engine.mail().sent(mail).await.unwrap();
    assert!(world.engine.mail().due(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn mail_that_fails_is_put_off_longer_each_time_and_given_up_after_a_day() {
    let world = mailed().await;
    let start = world.clock.now();
    for (failures, pause) in [1, 5, 30, 60, 120, 240, 480, 504].into_iter().enumerate() {
        let mail = world.engine.mail().due(10).await.unwrap().pop().unwrap();
        assert_eq!(mail.failures as usize, failures);
        let until = world.engine.mail().failed(&mail, MINUTE, "no answer").await.unwrap();
        assert_eq!(until, Some(world.clock.now() + pause * MINUTE));
        world.clock.advance(pause * MINUTE - Duration::from_millis(1));
        assert!(world.engine.mail().due(10).await.unwrap().is_empty());
        world.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(world.clock.now(), start + 24 * 60 * MINUTE);
    let mail = world.engine.mail().due(10).await.unwrap().pop().unwrap();
    assert_eq!(world.engine.mail().failed(&mail, MINUTE, "no answer").await.unwrap(), None);
    world.clock.advance(1000 * 60 * MINUTE);
    assert!(world.engine.mail().due(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn mail_whose_text_can_not_be_read_is_handed_out_without_it() {
    let world = world::new().await;
    let mail = OutgoingMail {
        id: MailId::random(&SeededRng::new(1)),
        to: "a@b.example".to_owned(),
        subject: "Authentication code".to_owned(),
        body: b"sealed by somebody else".to_vec(),
        due: world.clock.now(),
        failures: 0,
    };
    Outbox::post(&*world.store, &mail).await.unwrap();
    let mail = world.engine.mail().due(10).await.unwrap().pop().unwrap();
    assert_eq!(mail.text, None);
    world.engine.mail().give_up(&mail, "unreadable").await.unwrap();
    assert!(world.engine.mail().due(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn need_for_mail_shows_in_accounts_and_in_the_outbox() {
    let world = mailed().await;
    assert!(world.engine.mail().is_needed().await.unwrap());
    assert!(world.engine.mail().has_due().await.unwrap());
    let empty = world::empty(auth_engine::testing::config()).await;
    world::import(
        &empty,
        "{\"kind\":\"realm\",\"realm\":\"main\"}\n{\"kind\":\"user\",\"realm\":\"main\",\"username\":\"a\"}",
    )
    .await;
    assert!(!empty.engine.mail().is_needed().await.unwrap());
    assert!(!empty.engine.mail().has_due().await.unwrap());
}

#[tokio::test]
async fn purge_deletes_what_has_ended_and_is_too_old_and_nothing_else() {
    const KEEP: Duration = Duration::from_secs(90 * 86_400);

    let world = mailed().await;
    let attempt = |at| AttemptRecord {
        at,
        protocol: ProtocolName::ROCKETCHAT,
        realm: RealmId::from_bytes([0; 16]),
        user: None,
        name: String::new(),
        client_key: ClientKey::default(),
        outcome: "granted".into(),
    };
    let before = world.store.attempts(100).await.unwrap().len();
    world.store.record(attempt(world.clock.now() - KEEP));
    world.store.record(attempt(world.clock.now() - KEEP - Duration::from_millis(1)));
    let purged = world.engine.purger().purge(KEEP, KEEP).await.unwrap();
    assert_eq!(purged, Purged { credentials: 0, attempts: 1, audit: 0, mails: 0 });
    assert_eq!(world.store.attempts(100).await.unwrap().len(), before + 1);

    // A code lives for an hour; its mail is worth a try for a day.
    world.clock.advance(61 * MINUTE);
    assert_eq!(
        world.engine.purger().purge(KEEP, KEEP).await.unwrap(),
        Purged { credentials: 1, attempts: 1, audit: 0, mails: 0 }
    );
    let user = world.account("mail").await.user.id;
    assert!(world.store.of_user(user, CredentialKind::MAILED_CODE).await.unwrap().is_empty());
    world.clock.advance(24 * 60 * MINUTE);
    assert_eq!(
        world.engine.purger().purge(KEEP, KEEP).await.unwrap(),
        Purged { credentials: 0, attempts: 0, audit: 0, mails: 1 }
    );
}

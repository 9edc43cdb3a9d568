//! Outgoing mail, and what is deleted in time.

use std::time::Duration;

use auth_core::{
    Act, AdminKey, AdminKeyId, AttemptFilter, AttemptRecord, AuditFilter, ClientKey, Clock, CredentialKind,
    Digest, Exact, Language, LogPage, LoginAttempt, MailId, NetworkRule, NetworkRuleKind, Outbox,
    OutgoingMail, OwnAccount, OwnChange, Password, PasswordReset, ProfileUpdate, ProtocolName, RealmId,
    Revocation, SeededRng, Token,
};
use auth_crypto::keyring::Purpose;
use auth_engine::rules::NO_CHANGE_NOTICES;
use auth_engine::testing::{PASSWORD, World, config, peer, result, ring};
use auth_engine::{NoticeConfig, Purged};

use crate::signed_in::{SignedIn, mails, none};
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
async fn mail_is_in_the_language_of_the_account_else_of_the_request_else_of_the_server() {
    use Language::{English, German};
    for (of_account, of_request, of_server, expected) in [
        (None, None, English, English),
        (None, None, German, German),
        (None, Some(English), German, English),
        (None, Some(German), English, German),
        (Some(German), None, English, German),
        (Some(German), Some(English), English, German),
        (Some(English), Some(German), German, English),
    ] {
        let mut site = config();
        site.mail.language = of_server;
        site.mail.site_name = Some("Example".to_owned());
        let world = world::with(site).await;
        let account = world.account("mail").await;
        let update = ProfileUpdate {
            language: of_account,
            ..ProfileUpdate::with_names(&account.user, account.user.names.clone())
        };
        world.store.update_profile(account.user.id, &update, &Revocation::NOTHING, None).await.unwrap();
        world.engine.forgot_password(account.user.realm, "mail@zulip.com", of_request).await.unwrap();
        let mail = world.engine.mail().due(10).await.unwrap().pop().unwrap();
        let subject = match expected {
            German => "Example: Passwort zurücksetzen",
            English => "Example: Password reset",
        };
        assert_eq!((mail.language, mail.subject.as_str()), (expected, subject));
        let text = mail.text.unwrap();
        assert!(text.starts_with(if expected == German { "Jemand " } else { "Somebody " }), "{}", *text);
    }
}

#[tokio::test]
async fn the_next_mail_is_in_the_language_that_the_owner_has_chosen() {
    let world = world::new().await;
    let session = SignedIn::new(&world, "iago").await;
    let nothing = none();
    let caller = session.caller(&nothing);
    for (language, asked, subject) in [
        (Some(Language::German), Some(Language::English), "Passwort zurücksetzen"),
        (Some(Language::English), Some(Language::German), "Password reset"),
        (None, Some(Language::German), "Passwort zurücksetzen"),
    ] {
        let change = OwnChange { language: Some(language), ..OwnChange::default() };
        let changed = world.engine.change_own_account(&caller, &change).await.unwrap();
        assert_eq!(changed.user.language, language);
        let row = world
            .store
            .audit_rows(&AuditFilter::default(), LogPage::newest(1))
            .await
            .unwrap()
            .remove(0)
            .record;
        assert_eq!(row.act, Act::LanguageChosen);
        world.engine.forgot_password(changed.realm.id, "iago@zulip.com", asked).await.unwrap();
        let mail = world.engine.mail().due(10).await.unwrap().remove(0);
        assert_eq!(mail.subject, subject);
        world.engine.mail().sent(&mail).await.unwrap();
    }
    // What is so already is no act.
    let rows =
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(u32::MAX)).await.unwrap().len();
    let change = OwnChange { language: Some(None), ..OwnChange::default() };
    world.engine.change_own_account(&caller, &change).await.unwrap();
    assert_eq!(
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(u32::MAX)).await.unwrap().len(),
        rows
    );
}

#[tokio::test]
async fn a_point_of_zulip_silences_what_people_change_there_and_nothing_else() {
    for (exact, protocol, told) in [
        (false, ProtocolName::ZULIP, 1),
        (true, ProtocolName::ZULIP, 0),
        (true, ProtocolName::WEB, 1),
        (true, ProtocolName::ROCKETCHAT, 1),
    ] {
        let mut site = config();
        site.mail.notices = NoticeConfig { changes: true, new_places: false };
        site.zulip.exact = Exact::only(exact.then_some(NO_CHANGE_NOTICES));
        let world = world::with(site).await;
        let realm = world.realm("main").await.id;
        world.engine.forgot_password(realm, "iago@zulip.com", None).await.unwrap();
        let link = Token::new(&mails(&world).await[0].split_once("/reset-password/").unwrap().1[..43]);
        let (new, from) = (Password::new("a-better-horse-battery-1234"), peer("192.0.2.1"));
        world.engine.reset_password(realm, &link, &new, &from, protocol).await.unwrap();
        let of_change =
            mails(&world).await.iter().filter(|text| text.contains("set anew with a link")).count();
        assert_eq!(of_change, told, "{exact} {protocol}");
    }
}

#[tokio::test]
async fn a_new_place_is_told_of_once_and_only_where_the_account_is_older_than_a_day() {
    let mut site = config();
    site.mail.notices = NoticeConfig { changes: false, new_places: true };
    let world = world::with(site).await;
    for (wait, from, told) in [
        (Duration::ZERO, "198.51.100.1", 0),
        (24 * 60 * MINUTE, "198.51.100.2", 0),
        (Duration::from_millis(1), "198.51.100.1", 0),
        (Duration::ZERO, "198.51.100.3", 1),
        (Duration::ZERO, "198.51.100.3", 1),
        (Duration::ZERO, "198.51.100.4", 2),
    ] {
        world.clock.advance(wait);
        let attempt = LoginAttempt {
            peer: peer(from),
            ..world.attempt("main", ProtocolName::ZETTELSTORE, "iago", PASSWORD).await
        };
        result(world.ask(attempt).await).unwrap();
        assert_eq!(mails(&world).await.len(), told, "{from}");
    }
}

#[tokio::test]
async fn mail_that_an_earlier_version_queued_is_in_english() {
    let world = world::new().await;
    let id = MailId::random(&SeededRng::new(1));
    for (text, language, read) in [
        ("de\nHallo\n", Language::German, "Hallo\n"),
        ("en\nHello\n", Language::English, "Hello\n"),
        ("Your code is 1-2.\n", Language::English, "Your code is 1-2.\n"),
        ("fr\nBonjour\n", Language::English, "fr\nBonjour\n"),
    ] {
        let body = ring().seal(Purpose::Mail, id.as_bytes(), text.as_bytes(), &SeededRng::new(2));
        let (to, subject) = ("a@b.example".to_owned(), "S".to_owned());
        let mail = OutgoingMail { id, to, subject, body, due: world.clock.now(), failures: 0 };
        Outbox::post(&*world.store, &mail).await.unwrap();
        let mail = world.engine.mail().due(10).await.unwrap().pop().unwrap();
        assert_eq!((mail.language, mail.text.as_ref().map(|text| text.as_str())), (language, Some(read)));
        world.engine.mail().sent(&mail).await.unwrap();
    }
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
    let empty = world::empty(config()).await;
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
    let before = world.store.attempts(&AttemptFilter::default(), LogPage::newest(100)).await.unwrap().len();
    world.store.record(attempt(world.clock.now() - KEEP));
    world.store.record(attempt(world.clock.now() - KEEP - Duration::from_millis(1)));
    let purged = world.engine.purger().purge(KEEP, KEEP).await.unwrap();
    assert_eq!(purged, Purged { credentials: 0, attempts: 1, audit: 0, mails: 0 });
    assert_eq!(
        world.store.attempts(&AttemptFilter::default(), LogPage::newest(100)).await.unwrap().len(),
        before + 1
    );

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

#[tokio::test]
async fn ended_network_rules_and_admin_keys_are_shown_for_thirty_days() {
    const DAY: Duration = Duration::from_secs(86_400);

    let world = mailed().await;
    let (now, store) = (world.clock.now(), &world.store);
    let rule = NetworkRule {
        network: "192.0.2.1/32".into(),
        kind: NetworkRuleKind::Ban,
        until: Some(now + DAY),
        made: now,
        note: String::new(),
    };
    let key = AdminKey {
        id: AdminKeyId::from_bytes([1; 16]),
        name: "nightly".into(),
        digest: Digest::new([1; 32]),
        scope: "read".into(),
        realm: None,
        made: now,
        ends: Some(now + DAY),
        last_used: None,
    };
    store.put_network_rule(&rule, None).await.unwrap();
    store.add_admin_key(&key, None).await.unwrap();
    for (wait, left) in [(31 * DAY, 1), (Duration::from_millis(1), 0)] {
        world.clock.advance(wait);
        world.engine.purger().purge(DAY, DAY).await.unwrap();
        let counts = (store.network_rules().await.unwrap().len(), store.admin_keys().await.unwrap().len());
        assert_eq!(counts, (left, left), "{wait:?}");
    }
}

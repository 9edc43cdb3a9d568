//! What a directory changes of the accounts of its people.

use std::time::Duration;

use auth_core::{
    Act, Actor, AuditFilter, AuditRecord, ClientKey, Clock, CredentialKind, Entry, GrantKind, LogPage,
    LoginAttempt, LoginError, LoginMethod, LoginName, NameKind, OneTimeCode, OwnAccount, Password, Peer,
    ProfileUpdate, ProtocolName, RequestId, Revocation, Role, SecondStep,
};
use auth_engine::DirectoryConfig;
use auth_engine::testing::{result, token};

use crate::signed_in::{SignedIn, none};

use super::{THERE, code_at, entry, named, refusal, with_directory, with_people};

#[tokio::test]
async fn logins_bring_accounts_up_to_date() {
    let moved = Entry {
        user_name: Some("renamed".into()),
        email: Some("renamed@acme.com".into()),
        full_name: Some("Another Name".into()),
        role: Some(Role::Moderator),
        ..entry("linked")
    };
    let unsynced = DirectoryConfig { sync_on_login: false, ..DirectoryConfig::default() };
    for (given, name, role) in
        [(DirectoryConfig::default(), "renamed", Role::Moderator), (unsynced, "linked", Role::Member)]
    {
        let (world, _) = with_people(with_directory(given), vec![moved.clone()]).await;
        let id = named(&world, "linked").await.user.id;
        assert_eq!(refusal(&world, "renamed", THERE).await, None);
        let after = named(&world, name).await;
        assert_eq!((after.user.id, after.user.role), (id, role));
        assert_eq!(after.user.full_name == "Another Name", name == "renamed");
    }

    // What the directory no longer has stays.
    let (world, people) =
        with_people(with_directory(DirectoryConfig::default()), vec![entry("linked")]).await;
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    *people.entries.lock().unwrap() = vec![Entry { full_name: None, email: None, ..entry("linked") }];
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    let after = named(&world, "linked@zulip.com").await;
    assert_eq!((after.user.full_name.as_str(), after.user.user_name()), ("The linked", Some("linked")));

    // A name that another account has can't be taken: the login goes on all the same.
    let thief = Entry { user_name: Some("iago".into()), ..entry("linked") };
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), vec![thief]).await;
    assert_eq!(refusal(&world, "linked@zulip.com", THERE).await, None);
    let after = named(&world, "linked@zulip.com").await;
    assert_eq!(after.user.user_name(), Some("linked"));
}

#[tokio::test]
async fn names_that_an_account_was_given_besides_stay_each_once() {
    let moved = Entry { email: Some("second@zulip.com".into()), ..entry("linked") };
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), vec![moved]).await;
    let user = named(&world, "linked").await.user;
    let besides = [("second@zulip.com", false), ("third@zulip.com", true)]
        .map(|(exact, verified)| LoginName { kind: NameKind::Email, exact: exact.to_owned(), verified });
    let update = ProfileUpdate {
        version: user.version,
        names: user.names.iter().cloned().chain(besides).collect(),
        full_name: user.full_name.clone(),
        role: user.role,
        language: None,
        must_change_password: false,
    };
    assert!(world.store.update_profile(user.id, &update, &Revocation::NOTHING, None).await.unwrap());
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    let mut names: Vec<_> = named(&world, "linked").await.user.names.clone();
    names.sort_by_key(|name| name.kind != NameKind::Email);
    let names: Vec<_> = names.iter().map(|name| (name.exact.as_str(), name.verified)).collect();
    // The first address is the directory's.
    let expected =
        [("second@zulip.com", true), ("third@zulip.com", true), ("linked", false), ("id-linked", false)];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_deactivated_account_stays_as_it_is() {
    let moved = Entry { email: Some("moved@acme.com".into()), ..entry("off") };
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), vec![moved]).await;
    let before = named(&world, "off").await.user;
    assert_eq!(refusal(&world, "off", THERE).await, Some(LoginError::UserInactive));
    let after = named(&world, "off").await.user;
    assert_eq!((&after.names, &after.full_name), (&before.names, &before.full_name));
}

#[tokio::test]
async fn a_ticket_lets_a_person_go_on_with_the_account_that_is_its_own_and_takes_nothing_from_it() {
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), vec![entry("totp")]).await;
    let user = named(&world, "totp").await.user.id;
    let other = world.engine.credentials().credential(user, CredentialKind::ROCKETCHAT_TOKEN, None);
    assert!(world.store.add(&other, 9, None).await.unwrap());
    let rows = async || world.store.audit_rows(&AuditFilter::default(), LogPage::newest(100)).await.unwrap();
    let asked = LoginAttempt {
        protocol: ProtocolName::WEB,
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        ..world.attempt("main", ProtocolName::ROCKETCHAT, "totp", THERE).await
    };
    let refused = result(world.ask(asked.clone()).await).err();
    let Some(LoginError::SecondFactorRequired(challenge)) = refused else { panic!("{refused:?}") };
    let before = rows().await.len();
    let method = LoginMethod::Ticket(challenge.ticket.unwrap());
    let second_step = SecondStep::Offered(Some(OneTimeCode::new(code_at(world.clock.now()))));
    assert!(result(world.ask(LoginAttempt { method, second_step, ..asked }).await).is_ok());
    assert_eq!(rows().await.len(), before, "it was linked before");
    assert_eq!(world.store.of_user(user, CredentialKind::ROCKETCHAT_TOKEN).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_password_of_somebody_else_who_has_an_accounts_name_is_not_its_owners() {
    let own = Entry { id: "id-other".into(), ..entry("namesake") };
    let (world, people) =
        with_people(with_directory(DirectoryConfig::default()), vec![own, entry("linked")]).await;
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "namesake", THERE).await;
    let grant = result(world.ask(attempt).await).unwrap();
    let namesake = SignedIn::with(&world, "namesake", token(&grant)).await;
    let (none, there) = (none(), Password::new(THERE));
    let caller = namesake.caller(&none);
    assert_eq!(world.engine.show_password(&caller, &there).await.result, Ok(()));

    // The directory has another person of that name now.
    *people.entries.lock().unwrap() = vec![entry("namesake")];
    assert!(world.engine.show_password(&caller, &there).await.result.is_err());
}

#[tokio::test]
async fn what_was_mailed_to_a_former_address_is_good_no_longer() {
    let merging = || with_directory(DirectoryConfig { merge_existing: true, ..DirectoryConfig::default() });
    let moved = Entry { email: Some("moved@acme.com".into()), ..entry("linked") };
    let promoted = Entry { role: Some(Role::Moderator), ..entry("linked") };
    let other =
        Entry { user_name: Some("prince".into()), email: Some("iago@zulip.com".into()), ..entry("new") };
    for (entry, before, logs_in_as, stays) in [
        (moved, "linked", "linked", false),
        (promoted, "linked", "linked", true),
        (other, "iago", "prince", false),
    ] {
        let (world, _) = with_people(merging(), vec![entry]).await;
        let user = named(&world, before).await.user.id;
        let factory = world.engine.credentials();
        let mailed = [CredentialKind::MAILED_CODE, CredentialKind::PASSWORD_RESET];
        for kind in [mailed[0], mailed[1], CredentialKind::ROCKETCHAT_TOKEN] {
            assert!(world.store.add(&factory.credential(user, kind, None), 9, None).await.unwrap());
        }
        assert_eq!(refusal(&world, logs_in_as, THERE).await, None);
        assert_eq!(named(&world, logs_in_as).await.user.id, user);
        for kind in mailed {
            let left = world.store.of_user(user, kind).await.unwrap();
            assert_eq!(!left.is_empty(), stays, "{kind:?} of {before}, {logs_in_as}");
        }
        assert!(!world.store.of_user(user, CredentialKind::ROCKETCHAT_TOKEN).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_account_that_is_given_to_another_entry_keeps_nothing_of_the_former_person() {
    let relinking = DirectoryConfig { relink_by_name: true, ..DirectoryConfig::default() };
    let again = Entry { id: "id-again".into(), ..entry("linked") };
    let (world, _) = with_people(with_directory(relinking), vec![again]).await;
    let before = named(&world, "linked").await.user;
    let kinds = [
        CredentialKind::ROCKETCHAT_TOKEN,
        CredentialKind::ZULIP_KEY,
        CredentialKind::PERSONAL_TOKEN,
        CredentialKind::APP_PASSWORD,
        CredentialKind::PASSWORD_RESET,
    ];
    for kind in kinds {
        let former = world.engine.credentials().credential(before.id, kind, None);
        assert!(world.store.add(&former, 9, None).await.unwrap());
    }
    assert_eq!(refusal(&world, "linked", THERE).await, None);
    let after = named(&world, "linked").await.user;
    assert_eq!(after.id, before.id);
    assert!(after.valid_from > before.valid_from, "signed tokens end");
    for kind in kinds {
        let left = world.store.of_user(before.id, kind).await.unwrap().len();
        // The login that relinked it has a token of its own.
        assert_eq!(left, usize::from(kind == CredentialKind::ROCKETCHAT_TOKEN), "{kind:?}");
    }
}

#[tokio::test]
async fn a_person_of_a_directory_made_again_refuses_signed_tokens_from_before() {
    let (world, _) = with_people(with_directory(DirectoryConfig::default()), vec![entry("new")]).await;
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(10));
        world.log_in(ProtocolName::ZETTELSTORE, "new", THERE).await.unwrap();
        let made = named(&world, "new").await;
        assert_eq!(made.user.valid_from, world.clock.now());
        assert!(world.store.delete(made.user.id, &Revocation::NOTHING, None).await.unwrap());
    }
}

#[tokio::test]
async fn what_a_directory_does_to_accounts_is_in_the_audit_log() {
    let merging = DirectoryConfig { merge_existing: true, ..DirectoryConfig::default() };
    let there = vec![entry("hamlet"), entry("linked"), entry("iago")];
    let (world, _) = with_people(with_directory(merging), there).await;
    let rows = async || world.store.audit_rows(&AuditFilter::default(), LogPage::newest(100)).await.unwrap();
    let before = rows().await.len();
    let acts = [("hamlet", Act::UserCreated), ("linked", Act::ProfileUpdated), ("iago", Act::AccountLinked)];
    for (number, (who, act)) in (1..).zip(acts) {
        let request_id = RequestId::given(&format!("request-{number}")).unwrap();
        let mut attempt = world.attempt("main", ProtocolName::ROCKETCHAT, who, THERE).await;
        attempt.peer = Peer::of_request("192.0.2.1".parse().unwrap(), request_id);
        result(world.ask(attempt).await).unwrap();
        let user = named(&world, who).await.user;
        let row = AuditRecord {
            at: world.clock.now(),
            actor: Actor::Directory("corp".into()),
            by: None,
            act,
            realm: Some(user.realm),
            user: Some(user.id),
            detail: String::new(),
            client: Some(ClientKey::of("192.0.2.1".parse().unwrap())),
            protocol: Some(ProtocolName::ROCKETCHAT),
            request_id: request_id.to_string(),
        };
        // Nothing is new at the second login.
        world.log_in(ProtocolName::ROCKETCHAT, who, THERE).await.unwrap();
        let written = rows().await;
        assert_eq!((written.len(), &written[0].record), (before + number, &row));
    }
}

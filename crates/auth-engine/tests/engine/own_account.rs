//! What users change about their own accounts, and the proof of an address.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Act, ActionError, Actor, AddressVerification, AuditFilter, Caller, CredentialKind, FactorMethod, LogPage,
    LoginError, NameKind, OwnAccount, OwnChange, Password, PasswordReset, PersonalTokens, Profile,
    ProtocolName, Revocation, Token,
};
use auth_engine::testing::{PASSWORD, World, config, limited, token};

use crate::signed_in::{SignedIn, by, mails, none, password_code};
use crate::world;

const NEW: &str = "a-better-horse-battery-1234";

const MORE_USERS: &str = r#"
{"kind":"user","realm":"main","email":"ada@example.org","email_verified":true,"full_name":"Ada Lovelace","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"ADA.lovelace","password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"due","must_change_password":true,"password":"correct-horse-battery-9876"}
{"kind":"user","realm":"main","username":"unproved","email":"unproved@example.org","password":"correct-horse-battery-9876"}
"#;

async fn new_world() -> World {
    let world = world::new().await;
    world::import(&world, MORE_USERS).await;
    world
}

/// A session of the user who has an address and no user name.
async fn nameless(world: &World) -> SignedIn {
    let who = auth_core::Identifier::email("ada@example.org");
    let attempt = crate::signed_in::attempt_as(world, who, PASSWORD).await;
    let grant = auth_engine::testing::result(world.ask(attempt).await).unwrap();
    SignedIn::with(world, "ada@example.org", token(&grant)).await
}

async fn choose(world: &World, caller: &Caller<'_>, name: &str) -> Result<Profile, ActionError> {
    let change = OwnChange { user_name: Some(name), ..OwnChange::default() };
    world.engine.change_own_account(caller, &change).await
}

async fn set_password(world: &World, caller: &Caller<'_>, new: &Password) -> Result<Profile, ActionError> {
    let change = OwnChange { password: Some(new), ..OwnChange::default() };
    world.engine.change_own_account(caller, &change).await
}

async fn last_act(world: &World) -> (Act, Actor) {
    let row =
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(1)).await.unwrap().remove(0).record;
    (row.act, row.actor)
}

#[tokio::test]
async fn user_name_is_suggested_and_chosen_once() {
    let world = new_world().await;
    let (session, nothing) = (nameless(&world).await, none());
    let caller = session.caller(&nothing);
    assert_eq!(world.engine.create_personal_token(&caller, "bot", false).await.err(), None);
    // The first suggestion folds like another user's name.
    assert_eq!(world.engine.suggest_user_name(&caller).await, Ok("alovelace".to_owned()));
    let taken = choose(&world, &caller, "ada.LOVELACE").await.err();
    assert_eq!(taken, Some(ActionError::UserNameTaken));
    for bad in ["", "ada lovelace", "ada@example.org", "all"] {
        let told = choose(&world, &caller, bad).await.err();
        assert_eq!(told, Some(ActionError::BadUserName), "{bad}");
    }
    let chosen = choose(&world, &caller, "alovelace").await.unwrap();
    assert_eq!(chosen.user.user_name(), Some("alovelace"));
    assert_eq!(last_act(&world).await, (Act::UserNameChosen, Actor::Owner));
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "alovelace", PASSWORD).await.is_ok());
    // The same name again changes nothing, and another one is refused.
    assert!(choose(&world, &caller, "alovelace").await.is_ok());
    let told = choose(&world, &caller, "countess").await.err();
    assert_eq!(told, Some(ActionError::NotOffered));
}

#[tokio::test]
async fn of_two_user_names_chosen_at_a_time_one_is_kept() {
    let world = new_world().await;
    let (session, nothing) = (nameless(&world).await, none());
    let caller = session.caller(&nothing);
    let (first, second) =
        tokio::join!(choose(&world, &caller, "alovelace"), choose(&world, &caller, "countess"));
    let kept = world.store.user(session.principal.profile.user.id).await.unwrap().unwrap().user;
    let names = kept.names.iter().filter(|name| name.kind == NameKind::UserName).count();
    assert_eq!((names, first.is_ok()), (1, second.is_err()));
    assert_eq!(kept.user_name(), Some(if first.is_ok() { "alovelace" } else { "countess" }));
}

#[tokio::test]
async fn a_change_of_which_one_part_is_refused_changes_nothing() {
    let world = new_world().await;
    let (session, shown) = (nameless(&world).await, by(FactorMethod::Password, Some(&password_code())));
    let caller = session.caller(&shown);
    let (weak, good) = (Password::new("12345678"), Password::new(NEW));
    for (name, password) in [("alovelace", &weak), ("ADA.lovelace", &good)] {
        let change = OwnChange { user_name: Some(name), password: Some(password), ..OwnChange::default() };
        assert!(world.engine.change_own_account(&caller, &change).await.is_err(), "{name}");
        let user = world.store.user(session.principal.profile.user.id).await.unwrap().unwrap().user;
        assert_eq!((user.user_name(), session.is_good(&world).await), (None, true), "{name}");
    }
    let change = OwnChange { user_name: Some("alovelace"), password: Some(&good), ..OwnChange::default() };
    assert_eq!(
        world.engine.change_own_account(&caller, &change).await.unwrap().user.user_name(),
        Some("alovelace")
    );
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "alovelace", NEW).await.is_ok());
}

#[tokio::test]
async fn password_that_must_be_changed_is_changed_and_the_calling_token_stays() {
    let world = new_world().await;
    let (own, other) = (SignedIn::new(&world, "due").await, SignedIn::new(&world, "due").await);
    assert!(own.principal.profile.user.must_change_password);
    let nothing = none();
    let change = |new: &str| {
        let new = Password::new(new);
        let (world, own, nothing) = (&world, &own, &nothing);
        async move { set_password(world, &own.caller(nothing), &new).await.map(|profile| profile.user) }
    };
    assert_eq!(change(PASSWORD).await.err(), Some(ActionError::SamePassword));
    assert_eq!(change("12345678").await.err(), Some(ActionError::WeakPassword(Vec::new())));
    assert!(world.account("due").await.user.must_change_password);
    assert!(!change(NEW).await.unwrap().must_change_password);
    assert_eq!(last_act(&world).await, (Act::PasswordChanged, Actor::Owner));
    assert_eq!((own.is_good(&world).await, other.is_good(&world).await), (true, false));
    for (password, accepted) in [(PASSWORD, false), (NEW, true)] {
        assert_eq!(world.log_in(ProtocolName::ROCKETCHAT, "due", password).await.is_ok(), accepted);
    }
    // From now on the account must show its password.
    let told = change("one-more-horse-battery-1234").await.err();
    assert!(matches!(told, Some(ActionError::SecondFactorRequired(_))), "{told:?}");
}

#[tokio::test]
async fn tokens_of_programs_change_no_password_without_proof_and_do_not_outlive_the_change() {
    let world = new_world().await;
    let own = SignedIn::new(&world, "due").await;
    let kinds = [
        (CredentialKind::PERSONAL_TOKEN, None),
        (CredentialKind::ROCKETCHAT_TOKEN, own.principal.credential),
    ];
    for (kind, parent) in kinds {
        let mut program = SignedIn::new(&world, "due").await;
        (program.principal.kind, program.principal.parent) = (Some(kind), parent);
        let nothing = none();
        let told = set_password(&world, &program.caller(&nothing), &Password::new(NEW)).await.err();
        assert!(matches!(told, Some(ActionError::SecondFactorRequired(_))), "{kind:?}: {told:?}");
    }
    let mut program = SignedIn::new(&world, "due").await;
    program.principal.kind = Some(CredentialKind::PERSONAL_TOKEN);
    let shown = by(FactorMethod::Password, Some(&password_code()));
    assert!(set_password(&world, &program.caller(&shown), &Password::new(NEW)).await.is_ok());
    assert!(!program.is_good(&world).await);
}

#[tokio::test]
async fn no_user_name_is_chosen_where_a_directory_names_people() {
    let world = new_world().await;
    let mut session = nameless(&world).await;
    Arc::make_mut(&mut session.principal.profile.realm).backends = vec!["local".into(), "corp".into()];
    let nothing = none();
    let told = choose(&world, &session.caller(&nothing), "ceo").await.err();
    assert_eq!(told, Some(ActionError::NotOffered));
}

#[tokio::test]
async fn other_passwords_are_changed_by_whoever_shows_a_factor_or_the_present_one() {
    let world = new_world().await;
    let session = SignedIn::new(&world, "iago").await;
    let (nothing, new) = (none(), Password::new(NEW));
    let told = set_password(&world, &session.caller(&nothing), &new).await.err();
    assert!(matches!(told, Some(ActionError::SecondFactorRequired(_))), "{told:?}");
    let shown = by(FactorMethod::Password, Some(&password_code()));
    assert!(set_password(&world, &session.caller(&shown), &new).await.is_ok());
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", NEW).await.is_ok());
    assert!(session.is_good(&world).await);
}

#[tokio::test]
async fn people_of_a_directory_change_no_password_here() {
    let world = new_world().await;
    let line = r#"{"kind":"user","realm":"main","username":"corp","directory_name":"corp","must_change_password":true,"password":"correct-horse-battery-9876"}"#;
    world::import(&world, line).await;
    let session = SignedIn::new(&world, "corp").await;
    let nothing = none();
    let told = set_password(&world, &session.caller(&nothing), &Password::new(NEW)).await.err();
    assert_eq!(told, Some(ActionError::NotOffered));
}

#[tokio::test]
async fn mails_of_one_kind_leave_those_of_other_kinds_their_share() {
    let world = world::with(limited()).await;
    world::import(&world, MORE_USERS).await;
    let (realm, address) = (world.realm("main").await.id, "unproved@example.org");
    for _ in 0..10 {
        assert!(world.engine.mail_address_proof(realm, address).await.is_ok());
    }
    assert_eq!(mails(&world).await.len(), 5);
    assert!(world.engine.forgot_password(realm, address, None).await.is_ok());
    assert_eq!(mails(&world).await.len(), 6);
}

#[tokio::test]
async fn mailed_link_verifies_the_address_until_its_end() {
    let mut site = config();
    site.rocketchat.site_url = "https://chat.example.com".to_owned();
    site.rocketchat.email_verification = true;
    let world = world::with(site).await;
    world::import(&world, MORE_USERS).await;
    let realm = world.realm("main").await.id;
    let refused = world.log_in(ProtocolName::ROCKETCHAT, "unproved", PASSWORD).await;
    assert_eq!(refused.err(), Some(LoginError::EmailUnverified));

    let start = auth_core::Clock::now(&*world.clock);
    for address in ["UNPROVED@example.org", "iago@zulip.com", "nobody@example.org", ""] {
        let told = world.engine.mail_address_proof(realm, address).await;
        assert_eq!(told, Ok(start + Duration::from_millis(250)), "{address}");
    }
    let sent = mails(&world).await;
    let [mail] = &sent[..] else { panic!("one mail: {sent:?}") };
    let link = mail.split_once("\nhttps://chat.example.com/verify-email/").unwrap().1;
    let link = Token::new(&link[..43]);
    let verify = |link: Token| {
        let world = &world;
        let peer = auth_engine::testing::peer("192.0.2.1");
        async move { world.engine.verify_address(realm, &link, &peer, ProtocolName::ROCKETCHAT).await }
    };
    assert_eq!(verify(Token::new("wrong")).await, Err(ActionError::WrongToken));
    assert_eq!(verify(link.clone()).await, Ok(()));
    assert_eq!(last_act(&world).await, (Act::AddressVerified, Actor::MailedLink));
    let rows = world.store.audit_rows(&AuditFilter::default(), LogPage::newest(1000)).await.unwrap().len();
    assert_eq!(verify(link.clone()).await, Ok(()), "whoever opens the link again is told the same");
    assert_eq!(
        world.store.audit_rows(&AuditFilter::default(), LogPage::newest(1000)).await.unwrap().len(),
        rows,
        "and nothing is changed"
    );
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "unproved", PASSWORD).await.is_ok());

    world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(verify(link).await, Err(ActionError::WrongToken));
}

#[tokio::test]
async fn newer_link_ends_the_older_and_none_outlives_its_address() {
    let world = new_world().await;
    let realm = world.realm("main").await.id;
    for _ in 0..2 {
        world.engine.mail_address_proof(realm, "unproved@example.org").await.unwrap();
    }
    let links: Vec<_> = mails(&world).await;
    let links: Vec<_> =
        links.iter().map(|text| Token::new(&text.split_once("/verify-email/").unwrap().1[..43])).collect();
    let peer = auth_engine::testing::peer("192.0.2.1");
    let verify = |link| world.engine.verify_address(realm, link, &peer, ProtocolName::ROCKETCHAT);
    assert_eq!(verify(&links[0]).await, Err(ActionError::WrongToken));

    let account = world.account("unproved").await;
    let mut update = auth_engine::with_verified_addresses(&account.user, |_| false);
    for name in update.names.iter_mut().filter(|name| name.kind == NameKind::Email) {
        name.exact = "another@example.org".to_owned();
    }
    assert!(world.store.update_profile(account.user.id, &update, &Revocation::NOTHING, None).await.unwrap());
    assert_eq!(verify(&links[1]).await, Err(ActionError::WrongToken));
}

//! Accounts, logins and sessions as an application with its own log-in page asks for them.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Act, AuditFilter, BadRealm, Challenge, Clock, FactorMethod, LogPage, NameError, NameKind, Principal,
    Realm, Revocation, Stopwatch, SystemStopwatch, Timestamp, Token,
};
use auth_crypto::totp;
use auth_engine::testing::{PASSWORD, TOTP_SECRET, World, config, limited, peer};
use auth_engine::{
    AccountError, Config, Engine, FailureDelay, LoginOutcome, NewAccount, PasswordConfig, PasswordError,
    SignedIn,
};

use crate::world;

async fn log_in(world: &World, name: &str, password: &str) -> LoginOutcome {
    let answer = world.engine.log_in_with_password("main", name, password, &peer("192.0.2.1")).await;
    answer.unwrap().released().await
}

async fn signed_in(world: &World, name: &str, password: &str) -> SignedIn {
    match log_in(world, name, password).await {
        LoginOutcome::SignedIn(login) => login,
        other => panic!("{other:?}"),
    }
}

async fn session(engine: &Engine, token: &Token) -> Option<Principal> {
    engine.check_session("main", token, &peer("192.0.2.1")).await.unwrap()
}

fn challenge(outcome: LoginOutcome) -> Challenge {
    match outcome {
        LoginOutcome::SecondFactorRequired(challenge) | LoginOutcome::SecondFactorWrong(challenge) => {
            challenge
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_account_logs_in_by_name_and_address_until_its_session_is_ended() {
    let world = world::empty(config()).await;
    world.engine.ensure_realm("main").await.unwrap();
    let new = NewAccount::new("ada", PASSWORD).full_name("Ada L.").address("ada@example.org");
    let made = world.engine.create_account("main", &new).await.unwrap();
    assert_eq!((made.user.full_name.as_str(), made.has_password()), ("Ada L.", true));
    assert!(!made.user.email().unwrap().verified);

    for name in ["ada", "Ada", "ada@example.org"] {
        let login = signed_in(&world, name, PASSWORD).await;
        assert_eq!(login.profile.user.id, made.user.id);
        assert_eq!(login.session.expose().len(), 32);
        let found = session(&world.engine, &login.session).await.unwrap();
        assert_eq!((found.profile.user.id, found.expires), (made.user.id, login.expires));
        world.engine.end_session(&found).await.unwrap();
        assert!(session(&world.engine, &login.session).await.is_none());
    }
    assert!(matches!(log_in(&world, "ada", "wrong").await, LoginOutcome::WrongCredentials));
    assert!(matches!(log_in(&world, "nobody", PASSWORD).await, LoginOutcome::WrongCredentials));
}

#[tokio::test]
async fn a_realm_is_made_once() {
    let world = world::empty(config()).await;
    let first = world.engine.ensure_realm("main").await.unwrap();
    assert_eq!(world.engine.ensure_realm("main").await.unwrap(), first);
    assert_eq!(world.store.realms().await.unwrap(), [Realm::clone(&first)]);
    let bad = world.engine.ensure_realm("Main Street").await;
    assert!(matches!(bad, Err(AccountError::BadRealm(BadRealm::Slug))), "{bad:?}");
}

#[tokio::test]
async fn an_account_that_cant_be_made_leaves_nothing() {
    let world = world::new().await;
    let make = async |new: NewAccount| world.engine.create_account("main", &new).await.unwrap_err();
    assert!(matches!(make(NewAccount::new("IAGO", PASSWORD)).await, AccountError::Taken));
    let taken = NewAccount::new("new", PASSWORD).address("iago@zulip.com");
    assert!(matches!(make(taken).await, AccountError::Taken));
    let weak = make(NewAccount::new("new", "password")).await;
    assert!(matches!(weak, AccountError::Password(PasswordError::TooWeak(_))), "{weak:?}");
    let empty = make(NewAccount::new("", PASSWORD)).await;
    assert!(matches!(empty, AccountError::BadName(NameKind::UserName, NameError::Empty)), "{empty:?}");
    let address = make(NewAccount::new("new", PASSWORD).address("new")).await;
    assert!(
        matches!(address, AccountError::BadName(NameKind::Email, NameError::NotAnAddress)),
        "{address:?}"
    );
    assert!(world.find("main", "new").await.is_none());
    let nowhere = world.engine.create_account("nowhere", &NewAccount::new("new", PASSWORD)).await;
    assert!(matches!(nowhere, Err(AccountError::NoRealm)));
}

#[tokio::test]
async fn a_user_name_that_is_an_address_is_the_only_one() {
    let world = world::new().await;
    let made =
        world.engine.create_account("main", &NewAccount::new("ada@example.org", PASSWORD)).await.unwrap();
    assert_eq!(made.user.email().map(|email| email.address), Some("ada@example.org"));
    assert_eq!(signed_in(&world, "ada@example.org", PASSWORD).await.profile.user.id, made.user.id);
    let two = NewAccount::new("bob@example.org", PASSWORD).address("bob@example.net");
    let refused = world.engine.create_account("main", &two).await;
    assert!(
        matches!(refused, Err(AccountError::BadName(NameKind::UserName, NameError::AtSign))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_an_application_makes_is_in_the_audit_log() {
    let world = world::empty(config()).await;
    let realm = world.engine.ensure_realm("main").await.unwrap();
    let made = world.engine.create_account("main", &NewAccount::new("ada", PASSWORD)).await.unwrap();
    let rows = world.store.audit_rows(&AuditFilter::default(), LogPage::newest(10)).await.unwrap();
    let acts: Vec<_> = rows.iter().map(|row| (row.record.act, row.record.realm, row.record.user)).collect();
    let (user, realm) = (Some(made.user.id), Some(realm.id));
    assert_eq!(acts, [(Act::UserCreated, realm, user), (Act::RealmWritten, realm, None)]);
}

#[tokio::test]
async fn a_second_factor_is_shown_with_the_ticket() {
    let world = world::new().await;
    let asked = challenge(log_in(&world, "totp", PASSWORD).await);
    assert_eq!(asked.method, FactorMethod::Totp);
    let (ticket, client) = (asked.ticket.unwrap(), peer("192.0.2.1"));
    let go_on = async |code| {
        let answer = world.engine.log_in_with_code("main", &ticket, Some(code), &client).await;
        answer.unwrap().released().await
    };
    assert!(matches!(go_on("000000").await, LoginOutcome::SecondFactorWrong(_)));
    let code = totp::code(&totp::from_base32(TOTP_SECRET).unwrap(), totp::step_at(world.clock.now()));
    let LoginOutcome::SignedIn(login) = go_on(code.expose()).await else { panic!("the code is right") };
    assert_eq!(login.profile.user.user_name(), Some("totp"));
    let foreign = Token::new("not-a-ticket");
    let answer = world.engine.log_in_with_code("main", &foreign, Some(code.expose()), &client).await.unwrap();
    assert!(matches!(answer.into_outcome(), LoginOutcome::WrongCredentials));
}

#[tokio::test]
async fn a_deactivated_account_is_named_after_the_right_password_alone() {
    let world = world::new().await;
    assert!(matches!(log_in(&world, "cordelia", PASSWORD).await, LoginOutcome::Deactivated));
    assert!(matches!(log_in(&world, "cordelia", "wrong").await, LoginOutcome::WrongCredentials));
    let login = signed_in(&world, "iago", PASSWORD).await;
    let iago = login.profile.user.id;
    world.store.set_active(iago, false, &Revocation::NOTHING, None).await.unwrap();
    assert!(session(&world.engine, &login.session).await.is_none());
}

#[tokio::test]
async fn a_limit_says_until_when() {
    let world = world::with(limited()).await;
    let mut outcome = log_in(&world, "iago", "wrong").await;
    for _ in 0..10 {
        assert!(matches!(outcome, LoginOutcome::WrongCredentials), "{outcome:?}");
        outcome = log_in(&world, "iago", "wrong").await;
    }
    let LoginOutcome::Limited { until } = outcome else { panic!("{outcome:?}") };
    assert!(until > world.clock.now());
    world.clock.advance(until.since(world.clock.now()) + Duration::from_millis(1));
    let outcome = log_in(&world, "iago", "wrong").await;
    assert!(matches!(outcome, LoginOutcome::WrongCredentials), "{outcome:?}");
}

#[tokio::test]
async fn a_wrong_password_is_not_answered_before_its_moment() {
    let width = Duration::from_millis(40);
    let passwords = PasswordConfig { failure_delay: FailureDelay::Fixed(width), ..config().passwords };
    let world = world::with(Config { passwords, ..config() }).await;
    let started: Timestamp = world.clock.now();
    let client = peer("192.0.2.1");
    let answer = world.engine.log_in_with_password("main", "iago", "wrong", &client).await.unwrap();
    assert_eq!(answer.not_before(), Some(started + width));
    let stopwatch = SystemStopwatch::start();
    assert!(matches!(answer.released().await, LoginOutcome::WrongCredentials));
    assert!(stopwatch.elapsed() >= width);
    let right = world.engine.log_in_with_password("main", "iago", PASSWORD, &client).await.unwrap();
    assert_eq!(right.not_before(), None);
}

#[tokio::test]
async fn an_unknown_realm_is_a_mistake_of_the_application() {
    let world = world::new().await;
    let client = peer("192.0.2.1");
    assert!(world.engine.log_in_with_password("nowhere", "iago", PASSWORD, &client).await.is_err());
    assert!(world.engine.check_session("nowhere", &Token::new("x"), &client).await.is_err());
    let login = signed_in(&world, "iago", PASSWORD).await;
    assert!(world.engine.check_session("other", &login.session, &client).await.unwrap().is_none());
}

#[tokio::test]
async fn maintenance_follows_the_store_until_it_is_stopped() {
    let world = world::new().await;
    let engine = Arc::new(world.engine);
    let maintenance = engine.spawn_maintenance();
    let client = peer("192.0.2.1");
    let answer = engine.log_in_with_password("main", "iago", PASSWORD, &client).await.unwrap();
    let LoginOutcome::SignedIn(login) = answer.released().await else { panic!("the password is right") };
    assert!(session(&engine, &login.session).await.is_some());
    maintenance.stop().await;
    // What was noted of the session's use is written at the end.
    let user = login.profile.user.id;
    let kept = world.store.of_user(user, auth_core::CredentialKind::WEB_SESSION).await.unwrap();
    assert!(kept.iter().all(|session| session.last_used.is_some()), "{kept:?}");
    assert_eq!(Arc::strong_count(&engine), 1, "no task holds the engine");
}

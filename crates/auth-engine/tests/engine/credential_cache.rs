//! The credential cache behind checks and resumes, over a store in memory that can be made to fail.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{
    Act, Authenticator, ClientKey, FailureReason, Grant, InternalErrorKind, LoginAttempt, LoginError,
    LoginMethod, ManualClock, NamedSecrets, Password, ProtocolName, SecretCheck, Store, StoreError, Token,
    TokenError,
};
use auth_crypto::opaque;
use auth_engine::Config;
use auth_engine::testing::{
    PASSWORD, START, World, builder, config, peer, result, ring, rocketchat_token, token,
};

const ROCKETCHAT: ProtocolName = ProtocolName::ROCKETCHAT;

/// A world with one user, and its store.
async fn world(config: Config) -> (World, Arc<MemoryStore>) {
    let realm = RealmBuilder::new("main").build();
    let iago = UserBuilder::new("iago").email("iago@zulip.com").realm(realm.id).new_user(None);
    let memory = Arc::new(MemoryStore::new().with_realm(realm).with_user(iago));
    let store: Arc<dyn Store> = Arc::clone(&memory) as _;
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), config, 1), clock).await;
    let (iago, password) = (world.account("iago").await, Password::new(PASSWORD));
    let audit = world.engine.auditor().by_command(Act::PasswordSet, None, None, "");
    world.engine.passwords().set(&iago, &password, false, ClientKey::default(), &audit).await.unwrap();
    world.engine.refresh_caches().await.unwrap();
    (world, memory)
}

fn down() -> Option<StoreError> {
    Some(StoreError::Unavailable("no answer".to_owned()))
}

async fn resumption(world: &World, token: &Token) -> LoginAttempt {
    let attempt = world.attempt("main", ROCKETCHAT, "", "").await;
    LoginAttempt { method: LoginMethod::Resume(token.clone()), ..attempt }
}

async fn resume(world: &World, token: &Token) -> Result<Grant, LoginError> {
    result(world.engine.log_in(resumption(world, token).await).await)
}

async fn check(world: &World, id: &str, token: &Token) -> Option<TokenError> {
    world.check("main", ROCKETCHAT, rocketchat_token(id, token.clone())).await.result.err()
}

fn unknown<T>(told: Result<T, LoginError>) -> bool {
    matches!(told, Err(LoginError::Credentials(FailureReason::UnknownToken)))
}

#[tokio::test]
async fn after_a_check_of_a_token_its_resume_reads_nothing_and_the_other_way_about() {
    for check_first in [true, false] {
        let (world, store) = world(config()).await;
        let id = world.rocketchat_id("iago").await;
        let token = token(&world.log_in(ROCKETCHAT, "iago", PASSWORD).await.unwrap());
        store.set_outage(down());
        assert!(matches!(resume(&world, &token).await, Err(LoginError::Internal(_))), "not cached yet");
        store.set_outage(None);
        if check_first {
            assert_eq!(check(&world, &id, &token).await, None);
        } else {
            resume(&world, &token).await.unwrap();
        }
        store.set_outage(down());
        for _ in 0..2 {
            resume(&world, &token).await.unwrap();
            assert_eq!(check(&world, &id, &token).await, None);
        }
    }
}

#[tokio::test]
async fn a_cached_secret_with_a_name_is_good_without_the_store_and_another_is_not_called_wrong() {
    let (world, store) = world(config()).await;
    let Ok(Grant::ApiKey(key)) = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await else {
        panic!("no key")
    };
    let password = opaque::app_password(&**world.engine.rng());
    let iago = world.account("iago").await.user.id;
    let stored = world.engine.credentials().app_password(iago, "phone", &password);
    assert!(world.store.add(&stored, u32::MAX, None).await.unwrap());
    let check = async |secret: &str| {
        let check = SecretCheck {
            protocol: ProtocolName::FORWARD,
            realm: world.realm("main").await,
            name: "iago@zulip.com".to_owned(),
            secret: Password::new(secret),
            takes_passwords: false,
            peer: peer("192.0.2.1"),
        };
        world.engine.check_secret(check).await.result
    };
    for is_down in [false, true] {
        store.set_outage(is_down.then(down).flatten());
        for secret in [key.expose(), password.expose()] {
            assert!(check(secret).await.is_ok(), "down: {is_down}, {} symbols", secret.len());
        }
    }
    let refused = check("wrong").await;
    let Err(LoginError::Internal(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.kind(), InternalErrorKind::Unavailable);
}

#[tokio::test]
async fn a_revocation_is_felt_at_once_by_check_and_resume() {
    let (world, _) = world(config()).await;
    let id = world.rocketchat_id("iago").await;
    let tokens =
        [(); 2].map(|()| async { token(&world.log_in(ROCKETCHAT, "iago", PASSWORD).await.unwrap()) });
    let [revoked, other] = <[Token; 2]>::try_from(futures_util::future::join_all(tokens).await).unwrap();
    for token in [&revoked, &other] {
        resume(&world, token).await.unwrap();
    }
    let presented = rocketchat_token(&id, revoked.clone());
    let principal = world.check("main", ROCKETCHAT, presented).await.result.unwrap();
    world.engine.revoke(&principal).await.unwrap();
    assert!(unknown(resume(&world, &revoked).await));
    assert_eq!(check(&world, &id, &revoked).await, Some(TokenError::Invalid));
    resume(&world, &other).await.unwrap();

    let (iago, password) = (world.account("iago").await, Password::new("a-better-horse-battery-1234"));
    let audit = world.engine.auditor().by_command(Act::PasswordSet, None, None, "");
    world.engine.passwords().set(&iago, &password, false, ClientKey::default(), &audit).await.unwrap();
    assert!(unknown(resume(&world, &other).await));
}

#[tokio::test]
async fn in_an_outage_cached_credentials_are_trusted_as_long_as_the_operator_allows() {
    for outage in [0, 60] {
        let (world, store) = world(Config { outage: Duration::from_secs(outage), ..config() }).await;
        let mut attempts = Vec::new();
        // A new token is a change of its user, after which nothing of that user is cached.
        for is_cached in [false, true] {
            let token = token(&world.log_in(ROCKETCHAT, "iago", PASSWORD).await.unwrap());
            if is_cached {
                resume(&world, &token).await.unwrap();
            }
            attempts.push((resumption(&world, &token).await, is_cached));
        }
        store.set_outage(down());
        let mut now = 0;
        for seconds in [0, 1, 59, 60, 61, 3600] {
            world.clock.advance(Duration::from_secs(seconds - now));
            now = seconds;
            for (attempt, is_cached) in &attempts {
                let told = world.engine.log_in(attempt.clone()).await.result;
                let is_good = *is_cached && seconds <= outage;
                assert_eq!(told.is_ok(), is_good, "after {seconds} of {outage} seconds: {told:?}");
                if let Err(error) = told {
                    let LoginError::Internal(error) = error else { panic!("{error:?}") };
                    assert_eq!(error.kind(), InternalErrorKind::Unavailable);
                }
            }
        }
        store.set_outage(None);
        world.engine.refresh_caches().await.unwrap();
        for (attempt, _) in attempts {
            assert!(world.ask(attempt).await.result.is_ok());
        }
    }
}

//! Logins that a front vouches for, second factors without a password, and logins that go on elsewhere.

use std::time::Duration;

use auth_core::{
    Clock, CredentialKind, FailureReason, Grant, GrantKind, Identifier, LoginAttempt, LoginError,
    LoginMethod, OneTimeCode, ProtocolName, SecondStep, Token,
};
use auth_crypto::assertion::AssertionConfig;
use auth_crypto::jwt::{Algorithm, Key, sign};
use auth_engine::testing::{PASSWORD, World, config, peer, result, token};

use crate::signed_in::device_code;
use crate::world;

const KEY: &[u8] = b"a key that is shared with another system";

/// An attempt of whoever a front names.
async fn vouched(world: &World, realm: &str, who: &str, grant: CredentialKind) -> LoginAttempt {
    LoginAttempt {
        protocol: ProtocolName::ZULIP,
        realm: world.realm(realm).await,
        method: LoginMethod::Vouched { who: Identifier::email(who) },
        second_step: SecondStep::Offered(None),
        grant: GrantKind::Token(grant),
        peer: peer("192.0.2.1"),
    }
}

async fn handed_over(world: &World, who: &str) -> Token {
    token(&result(world.ask(vouched(world, "main", who, CredentialKind::HANDOVER).await).await).unwrap())
}

async fn go_on(world: &World, realm: &str, token: &Token) -> Result<Grant, LoginError> {
    let attempt = vouched(world, realm, "", CredentialKind::WEB_SESSION).await;
    result(world.ask(LoginAttempt { method: LoginMethod::Handover(token.clone()), ..attempt }).await)
}

#[tokio::test]
async fn a_vouched_name_leads_to_its_account_whatever_the_case() {
    let world = world::new().await;
    for (who, expected) in [
        ("iago@zulip.com", None),
        ("IAGO@ZULIP.COM", None),
        ("othello@zulip.com", None),
        ("cordelia@zulip.com", Some(LoginError::UserInactive)),
        ("nobody@zulip.com", Some(LoginError::Credentials(FailureReason::UnknownUser))),
    ] {
        let attempt = vouched(&world, "main", who, CredentialKind::WEB_SESSION).await;
        assert_eq!(result(world.ask(attempt).await).err(), expected, "{who}");
    }
    let closed = vouched(&world, "closed", "ghost@zulip.com", CredentialKind::WEB_SESSION).await;
    assert_eq!(result(world.ask(closed).await).err(), Some(LoginError::RealmInactive));
}

#[tokio::test]
async fn who_comes_without_a_password_is_asked_for_a_second_factor_where_there_is_a_second_step() {
    let mut believing = config();
    let rule =
        AssertionConfig { key: KEY.to_vec().into(), algorithms: vec![Algorithm::Hs256], require_exp: false };
    believing.zulip.assertions.insert("main".to_owned(), rule);
    let world = world::with(believing).await;
    let assertion = sign(&Key::new(Algorithm::Hs256, KEY), r#"{"email":"totp@zulip.com"}"#);
    for method in
        [LoginMethod::Vouched { who: Identifier::email("totp@zulip.com") }, LoginMethod::Assertion(assertion)]
    {
        let asked = LoginAttempt {
            method,
            ..vouched(&world, "main", "totp@zulip.com", CredentialKind::WEB_SESSION).await
        };
        let without = LoginAttempt { second_step: SecondStep::NotOffered, ..asked.clone() };
        assert!(result(world.ask(without).await).is_ok(), "a protocol that asks for none");
        for code in [None, Some("000000")] {
            let second_step = SecondStep::Offered(code.map(OneTimeCode::new));
            let refused = result(world.ask(LoginAttempt { second_step, ..asked.clone() }).await);
            assert!(
                matches!(
                    refused,
                    Err(LoginError::SecondFactorRequired(_) | LoginError::SecondFactorInvalid(_))
                ),
                "{refused:?}"
            );
        }
        let code = OneTimeCode::new(device_code(world.clock.now()));
        let shown = LoginAttempt { second_step: SecondStep::Offered(Some(code)), ..asked };
        assert!(result(world.ask(shown).await).is_ok());
        world.clock.advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_login_goes_on_once_within_15_seconds() {
    let world = world::new().await;
    let token = handed_over(&world, "iago@zulip.com").await;
    assert_eq!(token.expose().len(), 32);
    assert!(token.expose().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    world.clock.advance(Duration::from_millis(14_999));
    assert!(matches!(go_on(&world, "main", &token).await, Ok(Grant::Token { .. })));
    let used = Some(LoginError::Credentials(FailureReason::UnknownToken));
    assert_eq!(go_on(&world, "main", &token).await.err(), used);

    let late = handed_over(&world, "iago@zulip.com").await;
    world.clock.advance(Duration::from_secs(15));
    let ended = Some(LoginError::Credentials(FailureReason::ExpiredToken));
    assert_eq!(go_on(&world, "main", &late).await.err(), ended);
}

#[tokio::test]
async fn of_parallel_attempts_with_one_token_at_two_servers_one_goes_on() {
    let world = world::new().await;
    let token = handed_over(&world, "iago@zulip.com").await;
    let other = world.beside(config()).await;
    let attempt = vouched(&world, "main", "", CredentialKind::WEB_SESSION).await;
    let attempt = LoginAttempt { method: LoginMethod::Handover(token), ..attempt };
    let tries = (0..4).flat_map(|_| [&world.engine, &other]).map(|engine| {
        let attempt = attempt.clone();
        async move { auth_core::Authenticator::log_in(engine, attempt).await.result.is_ok() }
    });
    let told = futures_util::future::join_all(tries).await;
    assert_eq!(told.iter().filter(|went_on| **went_on).count(), 1);
}

#[tokio::test]
async fn a_token_that_comes_to_another_realm_is_used_up() {
    let world = world::new().await;
    let token = handed_over(&world, "iago@zulip.com").await;
    assert_eq!(go_on(&world, "other", &token).await.err(), Some(LoginError::OtherRealm));
    let used = Some(LoginError::Credentials(FailureReason::UnknownToken));
    assert_eq!(go_on(&world, "main", &token).await.err(), used);
}

#[tokio::test]
async fn what_ends_logins_ends_those_that_are_to_go_on() {
    let world = world::new().await;
    let token = handed_over(&world, "iago@zulip.com").await;
    let iago = world.account("iago").await.user.id;
    let kinds = world.engine.revocations().kinds(auth_engine::RevocationEvent::NewPassword);
    world.store.remove_of_user(iago, &kinds, None, None).await.unwrap();
    assert!(go_on(&world, "main", &token).await.is_err());
    // A token of another kind is no login that goes on.
    let session = world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap();
    assert!(go_on(&world, "main", &auth_engine::testing::token(&session)).await.is_err());
}

//! The sessions of Zulip's pages: how they are given, how long they live, and what counts against which limit.

use std::time::Duration;

use auth_core::{
    ActionError, Authenticator, Caller, Clock, CredentialCheck, CredentialKind, GrantKind, Identifier,
    LoginAttempt, LoginError, LoginMethod, OneTimeCode, OwnAccount, OwnCredentials, Password,
    PresentedCredential, PresentedFactor, Principal, ProtocolName, Quota, RequestLimits, SecondStep, Token,
    TokenError,
};
use auth_crypto::opaque;
use auth_engine::testing::{IAGO_KEY, PASSWORD, World, config, password, peer, result, token};
use auth_engine::{Config, ZulipConfig};

use crate::signed_in::device_code;
use crate::world;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An attempt to sign in at Zulip's log-in page.
async fn attempt(world: &World, address: &str, typed: &str) -> LoginAttempt {
    LoginAttempt {
        protocol: ProtocolName::ZULIP,
        realm: world.realm("main").await,
        method: LoginMethod::Password { who: Identifier::email(address), secret: password(typed) },
        second_step: SecondStep::Offered(None),
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        peer: peer("192.0.2.1"),
    }
}

async fn check(world: &World, token: &Token) -> Result<Box<Principal>, TokenError> {
    let kinds = &[CredentialKind::WEB_SESSION];
    let presented = PresentedCredential::Token { kinds, owner: None, token: token.clone() };
    world.check("main", ProtocolName::ZULIP, presented).await.result
}

async fn sign_in(world: &World, address: &str) -> Token {
    token(&result(world.ask(attempt(world, address, PASSWORD).await).await).unwrap())
}

fn caller<'a>(
    principal: &'a Principal,
    factor: &'a PresentedFactor,
    peer: &'a auth_core::Peer,
) -> Caller<'a> {
    Caller { principal, peer, protocol: ProtocolName::ZULIP, factor }
}

#[tokio::test]
async fn session_has_thirty_two_small_letters_and_digits_and_lives_for_two_weeks() {
    let world = world::new().await;
    let token = sign_in(&world, "iago@zulip.com").await;
    let text = token.expose();
    assert_eq!(text.len(), 32);
    assert!(text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{text}");
    for _ in 0..13 {
        world.clock.advance(DAY);
        assert!(check(&world, &token).await.is_ok(), "its use doesn't move its end");
    }
    world.clock.advance(DAY);
    assert_eq!(check(&world, &token).await.err(), Some(TokenError::Invalid));
}

#[tokio::test]
async fn second_factor_is_shown_with_a_ticket_at_zulips_pages() {
    let world = world::new().await;
    let asked = attempt(&world, "totp@zulip.com", PASSWORD).await;
    let refused = result(world.ask(asked.clone()).await).err();
    let Some(LoginError::SecondFactorRequired(challenge)) = refused else { panic!("{refused:?}") };
    let code = OneTimeCode::new(device_code(world.clock.now()));
    let with_code = LoginAttempt {
        method: LoginMethod::Ticket(challenge.ticket.unwrap()),
        second_step: SecondStep::Offered(Some(code)),
        ..asked
    };
    assert!(result(world.ask(with_code).await).is_ok());
    // The API has no second step.
    assert!(world.log_in(ProtocolName::ZULIP, "totp@zulip.com", PASSWORD).await.is_err());
}

#[tokio::test]
async fn app_password_gives_a_key_and_no_session() {
    let world = world::new().await;
    let user = world.account("iago").await.user.id;
    let app_password = opaque::app_password(&**world.engine.rng());
    let stored = world.engine.credentials().app_password(user, "phone", &app_password);
    assert!(world.store.add(&stored, u32::MAX, None).await.unwrap());
    assert!(world.log_in(ProtocolName::ZULIP, "iago@zulip.com", app_password.expose()).await.is_ok());
    let refused = result(world.ask(attempt(&world, "iago@zulip.com", app_password.expose()).await).await);
    assert!(matches!(refused, Err(LoginError::Credentials(_))), "{refused:?}");
}

#[tokio::test]
async fn session_of_another_realm_is_told_from_one_that_is_not_there() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"realm","realm":"other","subdomain":"other"}"#).await;
    let token = sign_in(&world, "iago@zulip.com").await;
    let check = |token: Token, realm| CredentialCheck {
        protocol: ProtocolName::ZULIP,
        realm: Some(realm),
        credential: PresentedCredential::Token { kinds: &[CredentialKind::WEB_SESSION], owner: None, token },
        peer: peer("192.0.2.1"),
    };
    let other = world.realm("other").await;
    let found = world.engine.check(check(token, other.clone())).await.result.err();
    assert_eq!(found, Some(TokenError::OtherRealm));
    let found = world.engine.check(check(Token::new("x"), other)).await.result.err();
    assert_eq!(found, Some(TokenError::Invalid));
}

#[tokio::test]
async fn present_password_tells_of_the_limit_of_logins_and_calls_of_that_of_calls() {
    let zulip = ZulipConfig {
        login_limit: Some(Quota { attempts: 5, window: Duration::from_secs(1800) }),
        api_limit: Some(Quota { attempts: 200, window: Duration::from_secs(60) }),
        ..ZulipConfig::default()
    };
    let world = world::with(Config { zulip, ..config() }).await;
    let token = sign_in(&world, "iago@zulip.com").await;
    let principal = check(&world, &token).await.unwrap();
    let (factor, from) = (PresentedFactor::default(), peer("192.0.2.1"));
    let caller = caller(&principal, &factor, &from);
    let (right, wrong) = (Password::new(PASSWORD), Password::new("wrong"));
    let reply = world.engine.show_password(&caller, &right).await;
    assert!(reply.result.is_ok());
    let before = reply.rate_limit.unwrap();
    let reply = world.engine.show_password(&caller, &wrong).await;
    assert!(matches!(reply.result, Err(ActionError::SecondFactorInvalid(_))), "{reply:?}");
    assert_eq!(reply.rate_limit.unwrap().remaining, before.remaining);
    for _ in 0..before.remaining {
        world.engine.show_password(&caller, &wrong).await;
    }
    let reply = world.engine.show_password(&caller, &right).await;
    assert!(matches!(reply.result, Err(ActionError::TooManyAttempts(_))), "{reply:?}");
    // It is the bucket of logins.
    let refused = result(world.ask(attempt(&world, "iago@zulip.com", PASSWORD).await).await);
    assert!(matches!(refused, Err(LoginError::AccountLimited { .. })), "{refused:?}");
    let one = world.engine.admit_user(ProtocolName::ZULIP, &principal).unwrap();
    let two = world.engine.admit_user(ProtocolName::ZULIP, &principal).unwrap();
    assert_eq!(two.remaining + 1, one.remaining);
}

#[tokio::test]
async fn session_changes_its_token_and_nothing_else() {
    let world = world::new().await;
    let old = sign_in(&world, "iago@zulip.com").await;
    world.clock.advance(DAY);
    let principal = check(&world, &old).await.unwrap();
    let (factor, from) = (PresentedFactor::default(), peer("192.0.2.1"));
    let new = token(&world.engine.rotate_web_session(&caller(&principal, &factor, &from)).await.unwrap());
    assert_eq!(check(&world, &old).await.err(), Some(TokenError::Invalid));
    let rotated = check(&world, &new).await.unwrap();
    assert_eq!((rotated.issued, rotated.expires), (principal.issued, principal.expires));
    let user = rotated.profile.user.id;
    let stored = world.store.of_user(user, CredentialKind::WEB_SESSION).await.unwrap();
    let origin = stored.first().and_then(|session| session.origin.clone());
    assert_eq!(origin.map(|origin| origin.client), Some(from.client_key()), "the list of sessions shows it");
    let again = world.engine.rotate_web_session(&caller(&principal, &factor, &from)).await.err();
    assert_eq!(again, Some(ActionError::NotPermitted), "a token is rotated once");
}

#[tokio::test]
async fn fresh_session_gets_the_accounts_one_key() {
    let world = world::new().await;
    let token = sign_in(&world, "iago@zulip.com").await;
    let principal = check(&world, &token).await.unwrap();
    let (factor, from) = (PresentedFactor::default(), peer("192.0.2.1"));
    let key = world.engine.api_key(&caller(&principal, &factor, &from)).await.unwrap();
    assert_eq!(key.expose(), IAGO_KEY);
    world.clock.advance(Duration::from_secs(15 * 60));
    let refused = world.engine.api_key(&caller(&principal, &factor, &from)).await.err();
    assert!(matches!(refused, Some(ActionError::SecondFactorRequired(_))), "{refused:?}");
}

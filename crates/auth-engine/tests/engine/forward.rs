//! What forward authentication asks: names with secrets, sessions that come from web sessions, and groups.

use std::time::Duration;

use auth_core::{
    AttemptFilter, Authenticator, Caller, Clock, CredentialKind, ForwardSessions, Grant, GrantKind, Group,
    GroupId, LogPage, LoginAttempt, LoginError, Memberships, NamedSecrets, Password, PresentedCredential,
    PresentedFactor, Principal, ProtocolName, Scope, SecondStep, SecretCheck, SecretReply, Token, TokenError,
};
use auth_crypto::opaque;
use auth_engine::RevocationEvent;
use auth_engine::testing::{IAGO_KEY, PASSWORD, World, peer, result, token};

use crate::world;

const MINUTE: Duration = Duration::from_secs(60);

/// A secret of Iago's, as a client sends it.
async fn check(world: &World, name: &str, secret: &str, takes_passwords: bool, client: &str) -> SecretReply {
    let check = SecretCheck {
        protocol: ProtocolName::FORWARD,
        realm: world.realm("main").await,
        name: name.to_owned(),
        secret: Password::new(secret),
        takes_passwords,
        peer: peer(client),
    };
    world.engine.check_secret(check).await
}

async fn is_good(world: &World, name: &str, secret: &str) -> bool {
    check(world, name, secret, false, "192.0.2.1").await.result.is_ok()
}

async fn attempts(world: &World) -> usize {
    world.store.attempts(&AttemptFilter::default(), LogPage::newest(1000)).await.unwrap().len()
}

async fn app_password(world: &World, protocols: &[ProtocolName]) -> Password {
    let password = opaque::app_password(&**world.engine.rng());
    let iago = world.account("iago").await.user.id;
    let label = format!("{protocols:?}");
    let mut stored = world.engine.credentials().app_password(iago, &label, &password);
    stored.scope = Scope { protocols: protocols.to_vec(), ..stored.scope };
    assert!(world.store.add(&stored, u32::MAX, None).await.unwrap());
    password
}

#[tokio::test]
async fn keys_and_app_passwords_are_taken_with_a_name_of_their_owner_and_nothing_is_written() {
    let world = world::new().await;
    let Ok(Grant::ApiKey(key)) = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await else {
        panic!("no key")
    };
    let everywhere = app_password(&world, &[]).await;
    let here = app_password(&world, &[ProtocolName::FORWARD]).await;
    let elsewhere = app_password(&world, &[ProtocolName::ZETTELSTORE]).await;
    let before = attempts(&world).await;
    for (name, secret, expected) in [
        ("iago@zulip.com", key.expose(), true),
        ("IAGO@zulip.com", key.expose(), true),
        ("iago", key.expose(), false),
        ("iago", everywhere.expose(), true),
        ("Iago@Zulip.com", here.expose(), true),
        ("iago", elsewhere.expose(), false),
        ("cordelia", everywhere.expose(), false),
        ("", everywhere.expose(), false),
        ("iago", PASSWORD, false),
        ("iago", "", false),
        ("nobody", "x", false),
    ] {
        assert_eq!(is_good(&world, name, secret).await, expected, "{name} {secret}");
    }
    assert_eq!(attempts(&world).await, before);
    world.engine.refresh_caches().await.unwrap();
    let iago = world.account("iago").await.user.id;
    let kinds = [CredentialKind::ZULIP_KEY, CredentialKind::APP_PASSWORD];
    world.store.remove_of_user(iago, &kinds, None, None).await.unwrap();
    for (name, secret) in [("iago@zulip.com", key.expose()), ("iago", everywhere.expose())] {
        assert!(!is_good(&world, name, secret).await, "at once after its revocation: {secret}");
    }
}

#[tokio::test]
async fn a_password_is_judged_once_and_remembered_for_its_client_until_its_login_ends() {
    let world = world::new().await;
    let good = async |client: &str| check(&world, "iago", PASSWORD, true, client).await.result.is_ok();
    for (client, rows) in [("192.0.2.1", 1), ("192.0.2.1", 1), ("192.0.2.2", 2), ("192.0.2.1", 2)] {
        assert!(good(client).await);
        assert_eq!(attempts(&world).await, rows, "{client}");
    }
    for (name, secret) in [("iago", "wrong"), ("Iago2", PASSWORD)] {
        let refused = check(&world, name, secret, true, "192.0.2.1").await.result;
        assert!(matches!(refused, Err(LoginError::Credentials(_))), "{name}: {refused:?}");
    }
    assert_eq!(attempts(&world).await, 4, "each is judged as at a login");

    world.clock.advance(14 * MINUTE);
    assert!(good("192.0.2.1").await);
    assert_eq!(attempts(&world).await, 4);
    world.clock.advance(MINUTE);
    assert!(good("192.0.2.1").await);
    assert_eq!(attempts(&world).await, 5, "after a quarter of an hour it is judged anew");

    world.engine.refresh_caches().await.unwrap();
    let iago = world.account("iago").await.user;
    let kinds = world.engine.revocations().kinds(RevocationEvent::TokensRevoked);
    world.store.remove_of_user(iago.id, &kinds, None, None).await.unwrap();
    assert!(good("192.0.2.1").await);
    assert_eq!(attempts(&world).await, 6, "what ends the tokens of logins ends what is remembered");
    let off = check(&world, "iago", PASSWORD, false, "192.0.2.1").await.result;
    assert!(off.is_err(), "remembered or not, passwords are taken where they are asked for");
}

#[tokio::test]
async fn an_account_with_a_second_factor_is_not_let_through_by_its_password() {
    let world = world::new().await;
    for _ in 0..2 {
        let refused = check(&world, "totp", PASSWORD, true, "192.0.2.1").await.result;
        assert!(matches!(refused, Err(LoginError::Credentials(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_secret_that_is_right_is_refused_for_the_state_of_its_account_and_realm() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"realm","realm":"closed","subdomain":"closed","active":false}"#).await;
    let (cordelia, ghost) = (world.account("cordelia").await, world.find("closed", "ghost").await.unwrap());
    let passwords = [(); 2].map(|()| opaque::app_password(&**world.engine.rng()));
    for (account, password) in [cordelia, ghost].iter().zip(&passwords) {
        let stored = world.engine.credentials().app_password(account.user.id, "phone", password);
        assert!(world.store.add(&stored, u32::MAX, None).await.unwrap());
    }
    let [of_cordelia, of_ghost] = passwords;
    for (realm, name, secret, expected) in [
        ("main", "cordelia", of_cordelia.expose(), LoginError::UserInactive),
        ("closed", "ghost", of_ghost.expose(), LoginError::RealmInactive),
        ("other", "iago@zulip.com", IAGO_KEY, LoginError::OtherRealm),
        ("main", "webhook@zulip.com", "fA1kT6yP0zWq8rXc3vB5nM7uJ2hG9sDe", LoginError::Forbidden),
    ] {
        for takes_passwords in [false, true] {
            let check = SecretCheck {
                protocol: ProtocolName::FORWARD,
                realm: world.realm(realm).await,
                name: name.to_owned(),
                secret: Password::new(secret),
                takes_passwords,
                peer: peer("192.0.2.1"),
            };
            let refused = world.engine.check_secret(check).await.result.err();
            assert_eq!(refused, Some(expected.clone()), "{name} in {realm}");
        }
    }
}

/// Signs in at the pages.
async fn sign_in(world: &World) -> (Token, Box<Principal>) {
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "iago", PASSWORD).await;
    let attempt = LoginAttempt {
        protocol: ProtocolName::WEB,
        second_step: SecondStep::Offered(None),
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        ..attempt
    };
    let token = token(&result(world.ask(attempt).await).unwrap());
    let principal = by_token(world, CredentialKind::WEB_SESSION, &token).await.unwrap();
    (token, principal)
}

async fn by_token(world: &World, kind: CredentialKind, token: &Token) -> Result<Box<Principal>, TokenError> {
    let kinds: &'static [CredentialKind] = match kind {
        CredentialKind::WEB_SESSION => &[CredentialKind::WEB_SESSION],
        _ => &[CredentialKind::FORWARD_SESSION],
    };
    let presented = PresentedCredential::Token { kinds, owner: None, token: token.clone() };
    world.check("main", ProtocolName::FORWARD, presented).await.result
}

async fn forward_session(world: &World, principal: &Principal) -> Token {
    let (from, factor) = (peer("192.0.2.1"), PresentedFactor::default());
    let caller = Caller { principal, peer: &from, protocol: ProtocolName::FORWARD, factor: &factor };
    token(&world.engine.forward_session(&caller).await.unwrap())
}

#[tokio::test]
async fn a_forward_session_is_good_for_nothing_else_and_ends_with_its_web_session() {
    let world = world::new().await;
    let (web, principal) = sign_in(&world).await;
    let forward = forward_session(&world, &principal).await;
    let (other_web, other) = sign_in(&world).await;
    let kept = forward_session(&world, &other).await;
    let of = async |token: &Token| by_token(&world, CredentialKind::FORWARD_SESSION, token).await;
    let found = of(&forward).await.unwrap();
    assert_eq!((found.parent, found.kind), (principal.credential, Some(CredentialKind::FORWARD_SESSION)));
    assert!(found.expires <= principal.expires);
    assert_eq!(
        by_token(&world, CredentialKind::WEB_SESSION, &forward).await.err(),
        Some(TokenError::Invalid)
    );
    assert_eq!(of(&web).await.err(), Some(TokenError::Invalid));

    world.engine.refresh_caches().await.unwrap();
    world.engine.revoke(&principal).await.unwrap();
    assert_eq!(of(&forward).await.err(), Some(TokenError::Invalid), "at once");
    assert!(of(&kept).await.is_ok());
    let (from, factor) = (peer("192.0.2.1"), PresentedFactor::default());
    let gone =
        Caller { principal: &principal, peer: &from, protocol: ProtocolName::FORWARD, factor: &factor };
    assert!(world.engine.forward_session(&gone).await.is_err(), "none comes from a session that is gone");
    let by_forward = of(&kept).await.unwrap();
    let caller = Caller { principal: &by_forward, ..gone };
    assert!(world.engine.forward_session(&caller).await.is_err(), "nor from one of its own kind");
    assert!(by_token(&world, CredentialKind::WEB_SESSION, &other_web).await.is_ok());
}

#[tokio::test]
async fn whoever_is_there_by_a_forward_session_keeps_the_web_session_in_use() {
    let world = world::new().await;
    let (web, principal) = sign_in(&world).await;
    let forward = forward_session(&world, &principal).await;
    let iago = principal.profile.user.id;
    for _ in 0..3 {
        world.clock.advance(10 * 24 * 60 * MINUTE);
        assert!(by_token(&world, CredentialKind::FORWARD_SESSION, &forward).await.is_ok());
        world.engine.purger().write_uses().await.unwrap();
    }
    let used = world.store.of_user(iago, CredentialKind::WEB_SESSION).await.unwrap()[0].last_used;
    assert_eq!(used, Some(world.clock.now()));
    assert!(by_token(&world, CredentialKind::WEB_SESSION, &web).await.is_ok());
}

#[tokio::test]
async fn a_forward_session_that_nobody_used_for_two_weeks_is_refused_and_brings_no_web_session_back() {
    let world = world::new().await;
    let (web, principal) = sign_in(&world).await;
    let forward = forward_session(&world, &principal).await;
    world.clock.advance(15 * 24 * 60 * MINUTE);
    for _ in 0..2 {
        for (kind, token) in
            [(CredentialKind::FORWARD_SESSION, &forward), (CredentialKind::WEB_SESSION, &web)]
        {
            assert_eq!(by_token(&world, kind, token).await.err(), Some(TokenError::Invalid), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn groups_are_told_from_memory_and_a_change_is_noticed_by_the_next_comparison() {
    let world = world::new().await;
    let iago = world.account("iago").await.user;
    let group = |name: &str, id| Group {
        id: GroupId::from_bytes([id; 16]),
        realm: iago.realm,
        name: name.to_owned(),
        source: None,
        made: world.clock.now(),
    };
    for (name, id) in [("staff", 1), ("crew", 2)] {
        world.store.add_group(&group(name, id), None).await.unwrap();
        world.store.add_member(GroupId::from_bytes([id; 16]), iago.id, None).await.unwrap();
    }
    world.engine.refresh_caches().await.unwrap();
    let groups = async || world.engine.groups_of(iago.id).await.unwrap();
    let first = groups().await;
    assert_eq!(*first, ["crew", "staff"]);
    assert!(std::sync::Arc::ptr_eq(&first, &groups().await), "from memory");
    world.store.remove_member(GroupId::from_bytes([2; 16]), iago.id, None).await.unwrap();
    world.engine.refresh_caches().await.unwrap();
    assert_eq!(*groups().await, ["staff"]);
    world.clock.advance(Duration::from_secs(1));
    let again = groups().await;
    assert!(!std::sync::Arc::ptr_eq(&again, &groups().await), "without comparisons nothing is trusted");
}

//! Keys and tokens: granted, presented, renewed, ended.

use std::time::Duration;

use auth_core::{
    Act, ApiKeys, Authenticator, Caller, ClientKey, CredentialCheck, FailureReason, Grant, GrantKind,
    LoginAttempt, LoginError, LoginMethod, Password, PresentedFactor, ProtocolName, Quota, Token, TokenError,
    TokenForm, TokenRenewal,
};
use auth_engine::testing::{
    IAGO_KEY, PASSWORD, World, api_key, config, header, peer, result, rocketchat_token, token,
};

use auth_crypto::opaque;
use data_encoding::BASE64;

use crate::world;

#[tokio::test]
async fn zulip_key_is_judged_in_the_documented_order() {
    let world = world::new().await;
    for (realm, email, secret, refusal) in [
        ("main", "iago@zulip.com", IAGO_KEY, None),
        ("main", "IAGO@Zulip.com", IAGO_KEY, None),
        ("main", "othello@zulip.com", IAGO_KEY, Some(TokenError::Invalid)),
        ("main", "iago@zulip.com", "gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZw", Some(TokenError::Invalid)),
        ("other", "iago@zulip.com", IAGO_KEY, Some(TokenError::OtherRealm)),
        ("main", "webhook@zulip.com", "fA1kT6yP0zWq8rXc3vB5nM7uJ2hG9sDe", Some(TokenError::WebhookBot)),
    ] {
        let reply = world.check(realm, ProtocolName::ZULIP, api_key(email, secret)).await;
        assert_eq!(reply.result.err(), refusal, "{email} in {realm}");
    }
}

#[tokio::test]
async fn zulip_key_is_the_same_at_each_login_until_it_is_regenerated() {
    let world = world::new().await;
    let log_in = async || match world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.unwrap() {
        Grant::ApiKey(key) => key.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!([log_in().await, log_in().await], [IAGO_KEY, IAGO_KEY]);
    let reply = world.check("main", ProtocolName::ZULIP, api_key("iago@zulip.com", IAGO_KEY)).await;
    let principal = reply.result.unwrap();
    let caller = Caller {
        principal: &principal,
        peer: &peer("192.0.2.1"),
        protocol: ProtocolName::ZULIP,
        factor: &PresentedFactor::default(),
    };
    let new = world.engine.regenerate_api_key(&caller).await.unwrap();
    assert_ne!(new.expose(), IAGO_KEY);
    assert_eq!(log_in().await, new.expose());
    let old = world.check("main", ProtocolName::ZULIP, api_key("iago@zulip.com", IAGO_KEY)).await;
    assert_eq!(old.result.err(), Some(TokenError::Invalid));
    assert!(
        world
            .check("main", ProtocolName::ZULIP, api_key("iago@zulip.com", new.expose()))
            .await
            .result
            .is_ok()
    );
}

#[tokio::test]
async fn calls_with_a_zulip_key_are_limited_per_user() {
    let mut limited = config();
    limited.zulip.api_limit = Some(Quota { attempts: 3, window: Duration::from_secs(60) });
    let world = world::with(limited).await;
    for remaining in [2, 1, 0] {
        let reply = world.check("main", ProtocolName::ZULIP, api_key("iago@zulip.com", IAGO_KEY)).await;
        assert_eq!(reply.rate_limit.unwrap().remaining, remaining);
    }
    let reply = world.check("main", ProtocolName::ZULIP, api_key("iago@zulip.com", IAGO_KEY)).await;
    assert_eq!(reply.result.err(), Some(TokenError::Limited));
    let bad = world.check("main", ProtocolName::ZULIP, api_key("iago@zulip.com", &"x".repeat(32))).await;
    assert_eq!(bad.result.err(), Some(TokenError::Invalid), "a bad key is bad, limited or not");
}

#[tokio::test]
async fn rocketchat_token_works_with_its_own_id_until_it_is_revoked() {
    let world = world::new().await;
    let granted = world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap();
    let id = world.rocketchat_id("iago").await;
    let present = |user_id: &str| rocketchat_token(user_id, token(&granted));
    let reply = world.check("main", ProtocolName::ROCKETCHAT, present(&id)).await;
    let principal = reply.result.unwrap();
    for (realm, user_id) in [("main", "somebody-else"), ("other", id.as_str())] {
        let reply = world.check(realm, ProtocolName::ROCKETCHAT, present(user_id)).await;
        assert_eq!(reply.result.err(), Some(TokenError::Invalid), "{user_id} in {realm}");
    }
    world.engine.revoke(&principal).await.unwrap();
    let reply = world.check("main", ProtocolName::ROCKETCHAT, present(&id)).await;
    assert_eq!(reply.result.err(), Some(TokenError::Invalid));
}

async fn resume(world: &World, presented: Token) -> Result<Grant, LoginError> {
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "", "").await;
    result(world.ask(LoginAttempt { method: LoginMethod::Resume(presented), ..attempt }).await)
}

#[tokio::test]
async fn resume_keeps_the_token_and_needs_no_second_factor() {
    let world = world::new().await;
    let granted = world.log_in_with_code("totp", Some("aBcD2345")).await.unwrap();
    let resumed = resume(&world, token(&granted)).await.unwrap();
    assert_eq!(token(&resumed), token(&granted));
    let unknown = resume(&world, Token::new("never-issued")).await.unwrap_err();
    assert_eq!(unknown, LoginError::Credentials(FailureReason::UnknownToken));
}

#[tokio::test]
async fn rocketchat_token_ends_after_ninety_days() {
    let world = world::new().await;
    let granted = world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap();
    let user_id = world.rocketchat_id("iago").await;
    world.clock.advance(Duration::from_secs(90 * 86_400));
    let refused = resume(&world, token(&granted)).await.unwrap_err();
    assert_eq!(refused, LoginError::Credentials(FailureReason::ExpiredToken));
    let presented = rocketchat_token(&user_id, token(&granted));
    let reply = world.check("main", ProtocolName::ROCKETCHAT, presented).await;
    assert_eq!(reply.result.err(), Some(TokenError::Invalid));
}

#[tokio::test]
async fn only_the_fifty_newest_login_tokens_are_kept() {
    let world = world::new().await;
    let mut tokens = Vec::new();
    for _ in 0..51 {
        world.clock.advance(Duration::from_secs(1));
        tokens.push(token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap()));
    }
    assert!(resume(&world, tokens[0].clone()).await.is_err());
    assert!(resume(&world, tokens[1].clone()).await.is_ok());
}

async fn renew(world: &World, presented: &Token) -> Result<Grant, TokenError> {
    let check = CredentialCheck {
        protocol: ProtocolName::ZETTELSTORE,
        realm: Some(world.realm("main").await),
        credential: header(presented.clone()),
        peer: peer("192.0.2.1"),
    };
    world.engine.renew(check, TokenForm::Jwt).await
}

#[tokio::test]
async fn zettelstore_token_renews_to_itself_for_a_quarter_of_its_life() {
    let world = world::new().await;
    let first = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    for (advance, same, lifetime) in [(0, true, 600), (149, true, 451), (1, false, 600)] {
        world.clock.advance(Duration::from_secs(advance));
        let Ok(Grant::SignedToken { token, lifetime: told }) = renew(&world, &first).await else {
            panic!("renewed")
        };
        assert_eq!((token == first, told.as_secs()), (same, lifetime), "after {advance} s more");
    }
    world.clock.advance(Duration::from_secs(450));
    assert!(renew(&world, &first).await.is_ok(), "its last second");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(renew(&world, &first).await.err(), Some(TokenError::Invalid));
}

#[tokio::test]
async fn both_forms_of_zettelstore_tokens_are_believed_and_no_other() {
    let world = world::new().await;
    for form in [TokenForm::Jwt, TokenForm::List] {
        let attempt = world.attempt("main", ProtocolName::ZETTELSTORE, "iago", PASSWORD).await;
        let grant = GrantKind::SignedToken(form);
        let good = token(&result(world.ask(LoginAttempt { grant, ..attempt }).await).unwrap());
        let present = |token| world.check("main", ProtocolName::ZETTELSTORE, header(token));
        assert!(present(good.clone()).await.result.is_ok(), "{form:?}");
        let broken = Token::new(format!("{}x", good.expose()));
        assert!(present(broken).await.result.is_err(), "{form:?}");
        let other = world.check("other", ProtocolName::ZETTELSTORE, header(good)).await;
        assert!(other.result.is_err(), "another realm");
    }
}

#[tokio::test]
async fn a_new_password_ends_what_was_signed_in_and_new_tokens_work_at_once() {
    let world = world::new().await;
    let zettel = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let rocket = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let account = world.account("iago").await;
    let new = Password::new("tractor-violin-1234-new");
    let audit = world.engine.auditor().by_command(Act::PasswordSet, None, None, "");
    world.engine.passwords().set(&account, &new, false, ClientKey::default(), &audit).await.unwrap();

    assert_eq!(renew(&world, &zettel).await.err(), Some(TokenError::Invalid));
    assert!(resume(&world, rocket).await.is_err());
    assert!(
        world.check("main", ProtocolName::ZULIP, api_key("iago@zulip.com", IAGO_KEY)).await.result.is_err()
    );
    assert!(world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.is_err());

    let fresh = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", new.expose()).await.unwrap());
    assert!(renew(&world, &fresh).await.is_ok());
}

#[tokio::test]
async fn one_secret_may_be_a_key_and_a_token() {
    let world = world::new().await;
    let secret = "x".repeat(32);
    let digest = BASE64.encode(opaque::digest(&secret).as_bytes());
    let line = format!(
        r#"{{"kind":"user","realm":"main","username":"both","email":"both@zulip.com","rocketchat_id":"both","zulip_api_key":"{secret}","rocketchat_tokens":[{{"digest":"{digest}"}}]}}"#
    );
    world::import(&world, &line).await;
    world.engine.refresh_caches().await.unwrap();
    // First as it is read, then beside the other in the cache.
    for _ in 0..2 {
        let presented = api_key("both@zulip.com", &secret);
        assert!(world.check("main", ProtocolName::ZULIP, presented).await.result.is_ok());
        let presented = rocketchat_token("both", Token::new(secret.as_str()));
        assert!(world.check("main", ProtocolName::ROCKETCHAT, presented).await.result.is_ok());
    }
}

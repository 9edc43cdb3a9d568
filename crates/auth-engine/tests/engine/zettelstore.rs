//! Signed tokens through the engine: kinds, keys, lifetimes, and owners.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Authenticator, Clock, CredentialCheck, CredentialKind, FailureReason, Grant, LoginError, PasswordString,
    PresentedCredential, ProtocolName, Revocation, SeededRng, StoreError, Timestamp, Token, TokenError,
    TokenForm, TokenRenewal,
};
use auth_crypto::keyring::{KeyRing, RingKey};
use auth_crypto::opaque;
use auth_crypto::zettel_token::{Claims, TokenKeys, TokenKind};
use auth_engine::keys::CHECK_VALUE;
use auth_engine::testing::{PASSWORD, START, World, config, cookie, header, peer, token};
use auth_engine::{Config, RevocationEvent, ZettelstoreConfig};

use crate::world;

/// Stores a token as one that was issued to the user `iago`. Tests may make the same one again.
async fn keep(world: &World, token: &Token) {
    let (user, digest) = (world.account("iago").await.user.id, opaque::digest(token.expose()));
    let kind = CredentialKind::ZETTELSTORE_TOKEN;
    let stored = world.engine.credentials().credential(user, kind, Some(digest));
    let added = world.store.add(&stored, u32::MAX, None).await;
    assert!(matches!(added, Ok(true) | Err(StoreError::Conflict(_))), "{added:?}");
}

/// A token that the server's own key signed, and that counts as issued: what refuses it is what it says.
async fn signed(world: &World, change: impl FnOnce(&mut Claims)) -> Token {
    let account = world.account("iago").await;
    let now = world.clock.now();
    let mut claims = Claims {
        kind: TokenKind::Api,
        user: "iago".into(),
        zid: account.user.external_number(ProtocolName::ZETTELSTORE),
        issued: now,
        expires: now + Duration::from_secs(600),
    };
    change(&mut claims);
    let token = TokenKeys::of(&world.ring, "main").issue(TokenForm::Jwt, &claims);
    keep(world, &token).await;
    token
}

async fn is_good(world: &World, credential: PresentedCredential) -> bool {
    world.check("main", ProtocolName::ZETTELSTORE, credential).await.result.is_ok()
}

async fn renew(world: &World, credential: PresentedCredential) -> Result<(Token, u64), TokenError> {
    let realm = Some(world.realm("main").await);
    let check =
        CredentialCheck { protocol: ProtocolName::ZETTELSTORE, realm, credential, peer: peer("192.0.2.1") };
    match world.engine.renew(check, TokenForm::Jwt).await? {
        Grant::SignedToken { token, lifetime } => Ok((token, lifetime.as_secs())),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_kind_of_token_is_good_in_its_own_place() {
    let world = world::new().await;
    for (kind, in_header, in_cookie) in [(TokenKind::Api, true, false), (TokenKind::WebPages, false, true)] {
        let token = signed(&world, |claims| claims.kind = kind).await;
        assert_eq!(is_good(&world, header(token.clone())).await, in_header, "{kind:?}");
        assert_eq!(is_good(&world, cookie(token)).await, in_cookie, "{kind:?}");
    }
}

#[tokio::test]
async fn cookie_renews_to_itself_and_then_to_a_token_of_the_api() {
    let world = world::new().await;
    let pages = signed(&world, |claims| claims.kind = TokenKind::WebPages).await;
    let cookie = cookie(pages.clone());
    assert_eq!(renew(&world, cookie.clone()).await, Ok((pages, 600)));
    world.clock.advance(Duration::from_secs(150));
    let (token, lifetime) = renew(&world, cookie).await.unwrap();
    assert_eq!(lifetime, 600);
    assert!(is_good(&world, header(token)).await);
}

#[tokio::test]
async fn tokens_that_name_another_user_are_refused() {
    let world = world::new().await;
    let check = async |change: fn(&mut Claims), good: bool| {
        let token = signed(&world, change).await;
        assert_eq!(is_good(&world, header(token.clone())).await, good);
        assert_eq!(renew(&world, header(token)).await.is_ok(), good);
    };
    check(|_| (), true).await;
    check(|claims| claims.user = "oldname".into(), false).await;
    check(|claims| claims.user = "Iago".into(), false).await;
    check(|claims| claims.zid = 20_991_231_000_000, false).await;
    check(|claims| claims.expires = claims.issued, true).await;
    check(|claims| claims.expires = claims.issued - Duration::from_secs(1), false).await;
    check(|claims| claims.issued = claims.issued + Duration::from_secs(3600), true).await;
    let timeless = signed(&world, |claims| claims.issued = Timestamp::default()).await;
    let renewed = renew(&world, header(timeless.clone())).await;
    assert_eq!(renewed, Ok((timeless, 0)));
}

#[tokio::test]
async fn tokens_issued_before_the_valid_from_stamp_are_refused_and_later_ones_are_not() {
    let world = world::new().await;
    let account = world.account("iago").await;
    let old = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let valid_from = Some(world.engine.passwords().next_valid_from());
    let kinds = world.engine.revocations().kinds(RevocationEvent::Deactivated);
    let deactivation = Revocation { valid_from, kinds: &kinds, except: None };
    assert!(world.store.set_active(account.user.id, false, &deactivation, None).await.unwrap());
    assert!(world.store.set_active(account.user.id, true, &Revocation::NOTHING, None).await.unwrap());
    let stamp = world.account("iago").await.user.valid_from;
    let at_stamp = |offset: i64| {
        signed(&world, move |claims| claims.issued = Timestamp::from_millis(stamp.as_millis() + offset))
    };
    for (token, good) in [(old, false), (at_stamp(-1000).await, false), (at_stamp(0).await, true)] {
        assert_eq!(is_good(&world, header(token)).await, good);
    }
    let new = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    assert!(is_good(&world, header(new)).await);
}

#[tokio::test]
async fn a_user_made_again_with_a_former_id_refuses_the_former_ones_tokens() {
    const LATER: &str = "2023-11-14T22:13:40Z"; // twenty seconds after the clock's start
    let world = world::new().await;
    let former = world.account("iago").await;
    let zid = former.user.external_number(ProtocolName::ZETTELSTORE);
    let old = signed(&world, |_| ()).await;
    world.clock.advance(Duration::from_secs(10));
    let line = |more: &str| {
        format!(
            r#"{{"kind":"user","realm":"main","username":"iago","joined":"2020-01-01T00:00:00Z",
            "zettelstore_zid":"{zid}"{more}}}"#
        )
        .replace('\n', "")
    };
    let later = format!(r#","valid_from":"{LATER}""#);
    for (more, stamp) in [
        ("", world.clock.now()),
        (r#","valid_from":"2020-01-01T00:00:00Z""#, world.clock.now()),
        (later.as_str(), START + Duration::from_secs(20)),
    ] {
        let iago = world.account("iago").await.user.id;
        assert!(world.store.delete(iago, &Revocation::NOTHING, None).await.unwrap());
        world::import(&world, &line(more)).await;
        assert_eq!(world.account("iago").await.user.valid_from, stamp, "{more}");
        keep(&world, &old).await;
        assert!(!is_good(&world, header(old.clone())).await, "{more}");
        assert!(renew(&world, header(old.clone())).await.is_err(), "{more}");
        let new = signed(&world, |claims| claims.issued = stamp).await;
        assert!(is_good(&world, header(new)).await, "{more}");
    }
}

#[tokio::test]
async fn tokens_outlive_the_promotion_of_another_key_but_not_the_removal_of_their_own() {
    let mut world = world::new().await;
    let old = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let first: Vec<RingKey> = world.ring.keys().cloned().collect();
    let new = RingKey {
        id: 2,
        secret: KeyRing::generate(&SeededRng::new(99)).keys().next().unwrap().secret.clone(),
    };
    let promoted = KeyRing::from_keys([vec![new.clone()], first].concat()).unwrap();
    world.restart(&Arc::new(promoted), config(), 2).await;
    assert!(is_good(&world, header(old.clone())).await);
    let (renewed, _) = renew(&world, header(old.clone())).await.unwrap();
    assert_eq!(renewed, old, "young tokens come back as they are");
    let young = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());

    let alone = TokenKeys::of(&KeyRing::from_keys(vec![new]).unwrap(), "main");
    assert!(alone.verify(young.expose()).is_ok(), "the promoted key signs");
    assert!(alone.verify(old.expose()).is_err());
}

#[tokio::test]
async fn a_token_that_was_verified_a_moment_ago_is_refused_once_its_key_is_gone_and_its_text_is_other() {
    let world = world::new().await;
    world.engine.refresh_caches().await.unwrap();
    let token = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    for _ in 0..3 {
        assert!(is_good(&world, header(token.clone())).await);
        assert!(!is_good(&world, cookie(token.clone())).await, "it is of another kind");
    }
    assert!(!is_good(&world, header(Token::new(format!("{}A", token.expose())))).await);

    let old: Vec<RingKey> = world.ring.keys().cloned().collect();
    let secret = KeyRing::generate(&SeededRng::new(99)).keys().next().unwrap().secret.clone();
    let new = RingKey { id: 2, secret };
    for (keys, good) in [([vec![new.clone()], old].concat(), true), (vec![new], false)] {
        let ring = KeyRing::from_keys(keys).unwrap();
        let kept = world.store.meta(CHECK_VALUE).await.unwrap();
        assert!(
            world
                .store
                .replace_meta(CHECK_VALUE, kept.as_deref(), Some(&ring.check_value()), None)
                .await
                .unwrap()
        );
        world.engine.keys().exchange(ring).await.unwrap();
        for _ in 0..2 {
            assert_eq!(is_good(&world, header(token.clone())).await, good);
        }
    }
}

#[tokio::test]
async fn a_lifetime_of_zero_gives_a_token_that_ends_within_the_second() {
    let zettelstore = ZettelstoreConfig { token_lifetime: Duration::ZERO, ..config().zettelstore };
    let world = world::with(Config { zettelstore, ..config() }).await;
    let token = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    assert!(is_good(&world, header(token.clone())).await);
    world.clock.advance(Duration::from_secs(1));
    assert!(!is_good(&world, header(token)).await);
}

#[tokio::test]
async fn a_zettelstores_password_is_good_with_the_user_name_that_it_was_made_with_alone() {
    // docs/contract/zettelstore.md, appendix A.
    const OF_ZETTELSTORE: &str = r#"{"kind":"user","realm":"main","username":"reader","email":"reader@zulip.com","zettelstore_zid":"20240101000300","password_hash":"zettelstore$$2a$04$SubTZ4DoKUJavdyDOH6J9u49/wTqwVaVPVnxCs1PbDna6aLApQwdC"}"#;
    for (protocol, typed, is_good) in [
        (ProtocolName::ZETTELSTORE, "Reader", false),
        (ProtocolName::ZETTELSTORE, "reader", true),
        (ProtocolName::ZULIP, "reader@zulip.com", true),
    ] {
        let world = world::new().await;
        world::import(&world, OF_ZETTELSTORE).await;
        let told = world.log_in(protocol, typed, "r3ader-secret").await;
        assert_eq!(told.is_ok(), is_good, "{typed}: {told:?}");
    }
}

#[tokio::test]
async fn stored_password_that_can_not_be_read_is_refused_like_a_wrong_one() {
    let world = world::new().await;
    let iago = world.account("iago").await.user;
    // The last takes 1 GiB, more than the pool has for one hash.
    let over_budget = "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$MPTvGDNGjMn2Hstqn5I9GA";
    for broken in ["zettelstore$this-is-no-bcrypt-hash", "zettelstore$", "nothing$we$know", over_budget] {
        let broken_password = PasswordString::new(broken);
        world.store.set_password(iago.id, Some(&broken_password), &Revocation::NOTHING, None).await.unwrap();
        let refused = world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap_err();
        assert_eq!(refused, LoginError::Credentials(FailureReason::BrokenPassword), "{broken}");
    }
}

#[tokio::test]
async fn a_token_that_was_not_issued_is_refused_although_its_signature_is_right() {
    let world = world::new().await;
    let token = signed(&world, |_| ()).await;
    assert!(is_good(&world, header(token.clone())).await);
    let stored = world.store.of_user(world.account("iago").await.user.id, CredentialKind::ZETTELSTORE_TOKEN);
    assert!(world.store.remove(stored.await.unwrap()[0].id, None).await.unwrap());
    assert!(!is_good(&world, header(token.clone())).await);
    assert_eq!(renew(&world, header(token)).await, Err(TokenError::Invalid));
}

#[tokio::test]
async fn logins_of_one_second_share_a_token_and_no_other_does() {
    let world = world::new().await;
    let log_in = async |password: &str| {
        token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", password).await.unwrap())
    };
    let password = opaque::app_password(&**world.engine.rng());
    let iago = world.account("iago").await.user.id;
    let app_password = world.engine.credentials().app_password(iago, "phone", &password);
    assert!(world.store.add(&app_password, u32::MAX, None).await.unwrap());
    let old = log_in(PASSWORD).await;
    assert_eq!(log_in(PASSWORD).await, old);
    let fetched = log_in(password.expose()).await;
    assert_ne!(fetched, old, "it ends with the app password");
    assert_eq!(log_in(password.expose()).await, fetched);

    world.clock.advance(Duration::from_secs(200));
    let (renewed, _) = renew(&world, header(old.clone())).await.unwrap();
    assert_eq!(renew(&world, header(old.clone())).await.unwrap().0, renewed, "a lost answer is made again");
    assert_ne!(log_in(PASSWORD).await, renewed, "a new login is younger than a renewal");
    for good in [&old, &renewed, &fetched] {
        assert!(is_good(&world, header(good.clone())).await);
    }
}

#[tokio::test]
async fn a_token_tells_its_times_and_its_row_ends_a_second_after_it_and_is_purged_then() {
    let world = world::new().await;
    let token = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let Claims { issued, expires: end, .. } =
        TokenKeys::of(&world.ring, "main").verify(token.expose()).unwrap();
    let principal = world.check("main", ProtocolName::ZETTELSTORE, header(token)).await.result.unwrap();
    assert_eq!((principal.issued, principal.expires), (issued, Some(end)));
    for (after, purged) in [(Duration::ZERO, 0), (Duration::from_secs(2), 1)] {
        assert_eq!(world.store.purge(end + after).await, Ok(purged), "{after:?}");
    }
}

#[tokio::test]
async fn more_logins_than_free_seconds_are_told_to_wait_and_renewals_get_their_token_back() {
    let world = world::new().await;
    let iago = world.account("iago").await.user.id;
    let old = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    world.clock.advance(Duration::from_secs(200));
    let mut refused = 0;
    for number in 0..17 {
        let password = opaque::app_password(&**world.engine.rng());
        let stored = world.engine.credentials().app_password(iago, &number.to_string(), &password);
        assert!(world.store.add(&stored, u32::MAX, None).await.unwrap());
        let attempt = world.attempt("main", ProtocolName::ZETTELSTORE, "iago", password.expose()).await;
        let reply = world.engine.log_in(attempt).await;
        refused += usize::from(matches!(reply.result, Err(LoginError::Internal(_))));
    }
    assert_eq!(refused, 1);
    assert_eq!(renew(&world, header(old.clone())).await, Ok((old, 400)));
}

#[tokio::test]
async fn renewal_ends_when_a_login_has_reached_its_longest_age() {
    let zettelstore =
        ZettelstoreConfig { session_lifetime: Duration::from_secs(1000), ..config().zettelstore };
    let world = world::with(Config { zettelstore, ..config() }).await;
    let mut token = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let mut lives = Vec::new();
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(300));
        match renew(&world, header(token.clone())).await {
            Ok((renewed, lifetime)) => {
                lives.push(lifetime);
                token = renewed;
            }
            Err(error) => assert_eq!(error, TokenError::Invalid),
        }
    }
    assert_eq!(lives, [600, 400, 100]);
    assert!(!is_good(&world, header(token)).await);
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.is_ok());
}

//! The key ring is exchanged and rotated while the engine runs.

use auth_core::{ApiKey, Credential, CredentialKind, Grant, OneTimeCode, PresentedCredential, ProtocolName};
use auth_crypto::keyring::{KeyRing, Purpose, RingKey};
use auth_crypto::totp;
use auth_engine::OpenError;
use auth_engine::keys::{STALE, RetireError};
use zeroize::Zeroizing;

use auth_engine::testing::{PASSWORD, START, World, config, token};

use crate::world;

fn key(id: u32) -> RingKey {
    RingKey { id, secret: Zeroizing::new([u8::try_from(id).unwrap(); 32]) }
}

/// The world's ring with another key behind it.
fn grown(world: &World) -> KeyRing {
    world.ring.with(key(2)).unwrap()
}

async fn zulip_key(world: &World) -> ApiKey {
    match world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await {
        Ok(Grant::ApiKey(key)) => key,
        other => panic!("{other:?}"),
    }
}

fn code(step: i64) -> OneTimeCode {
    totp::code(&totp::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap(), step)
}

#[tokio::test]
async fn everything_goes_on_while_keys_are_rotated() {
    let world = world::new().await;
    let engine = &world.engine;
    let key_before = zulip_key(&world).await;
    let zettel = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    // A mail waits.
    assert!(world.log_in_with_code("mail", None).await.is_err());
    let zettel_is_good = async || {
        let presented = header(zettel.clone());
        world.check("main", ProtocolName::ZETTELSTORE, presented).await.result.is_ok()
    };

    engine.exchange_ring(grown(&world)).await.unwrap();
    let before = engine.sealed(&mut |_| {}).await.unwrap();
    assert_eq!((before.by_key.keys().copied().collect::<Vec<_>>(), before.unreadable), (vec![1], 0));
    let promoted = engine.ring().promoted(2).unwrap();
    engine.exchange_ring(promoted).await.unwrap();
    assert!(zettel_is_good().await, "signed by the older key");
    let refused = engine.retire_key(1, &mut |_| {}).await.unwrap().unwrap_err();
    assert!(matches!(refused, RetireError::Sealed(count) if count == before.by_key[&1]), "{refused:?}");

    let mut told = 0;
    let after = engine.reseal(&mut |seen| told = seen).await.unwrap();
    assert_eq!((after.resealed, told), (before.by_key[&1], before.by_key[&1]));
    assert_eq!(after.by_key.into_iter().collect::<Vec<_>>(), [(2, after.resealed)]);
    assert_eq!(engine.reseal(&mut |_| {}).await.unwrap().resealed, 0, "nothing is left");
    assert!(zettel_is_good().await);

    let smaller = engine.retire_key(1, &mut |_| {}).await.unwrap().unwrap();
    assert_eq!(smaller.ids(), [2]);
    // Whoever has not read the smaller ring yet goes on too, and starts again.
    let world = world.restarted(grown_again(), config()).await;
    assert_eq!(zulip_key(&world).await, key_before);
    let world = world.restarted(smaller, config()).await;
    assert_eq!(zulip_key(&world).await, key_before);
    let step = totp::step_at(START);
    assert!(world.log_in_with_code("totp", Some(code(step).expose())).await.is_ok());
    for (code, good) in [("aBcD2345", true), ("aBcD2345", false), ("eFgH6789", true)] {
        assert_eq!(world.log_in_with_code("totp", Some(code)).await.is_ok(), good, "{code}");
    }
    let mail = world.engine.mail().due(9).await.unwrap();
    assert!(mail.iter().all(|mail| mail.text.is_some()) && mail.len() == 1);
}

/// The world's ring with the newer key as the active one.
fn grown_again() -> KeyRing {
    let first = KeyRing::generate(&auth_core::SeededRng::new(7));
    first.with(key(2)).unwrap().promoted(2).unwrap()
}

#[tokio::test]
async fn a_ring_that_is_not_the_stores_is_refused_and_the_old_one_stays() {
    let world = world::new().await;
    let other = KeyRing::from_keys(vec![key(2)]).unwrap();
    assert!(matches!(world.engine.exchange_ring(other).await, Err(OpenError::OtherKeyRing)));
    assert_eq!(world.engine.ring().ids(), [1]);

    // Nor is one without the key that the store is bound to, once that is another.
    world.engine.exchange_ring(grown_again()).await.unwrap();
    world.engine.reseal(&mut |_| {}).await.unwrap();
    world.engine.retire_key(1, &mut |_| {}).await.unwrap().unwrap();
    let old = KeyRing::generate(&auth_core::SeededRng::new(7));
    assert!(matches!(world.engine.exchange_ring(old).await, Err(OpenError::OtherKeyRing)));
    let refused = world.engine.retire_key(2, &mut |_| {}).await.unwrap().unwrap_err();
    assert!(matches!(refused, RetireError::NotRetirable), "{refused:?}");
}

#[tokio::test]
async fn a_key_is_not_retired_before_every_server_has_let_go_of_it() {
    let world = world::new().await;
    let other = world.beside(config()).await;
    other.tell_keys("other").await.unwrap();
    world.engine.exchange_ring(grown_again()).await.unwrap();
    world.engine.tell_keys("own").await.unwrap();
    world.engine.reseal(&mut |_| {}).await.unwrap();
    let nodes = world.engine.nodes().await.unwrap();
    let seen: Vec<_> = nodes.iter().map(|node| (node.node.as_str(), node.ids.clone())).collect();
    assert_eq!(seen, [("other", vec![1]), ("own", vec![2, 1])]);

    let retire = async || world.engine.retire_key(1, &mut |_| {}).await.unwrap();
    assert!(matches!(retire().await, Err(RetireError::Active(node)) if node == "other"));
    other.exchange_ring(grown_again().promoted(1).unwrap()).await.unwrap();
    other.tell_keys("other").await.unwrap();
    assert!(matches!(retire().await, Err(RetireError::Active(node)) if node == "other"));
    // A server that is told to end, or that was killed, is waited for no more.
    world.clock.advance(STALE);
    world.engine.tell_keys("own").await.unwrap();
    assert!(retire().await.is_ok());
    other.withdraw_keys("other").await.unwrap();
    assert_eq!(world.engine.nodes().await.unwrap().len(), 1);
    world.engine.withdraw_keys("own").await.unwrap();
    assert_eq!(world.engine.nodes().await.unwrap(), []);
}

#[tokio::test]
async fn backup_codes_of_an_earlier_version_are_good_and_hold_their_key() {
    let world = world::new().await;
    let account = world.account("totp").await;
    let user = account.user.id;
    let digest = world.ring.mac(Purpose::ShortCode, user.as_bytes(), b"oLdC2345");
    let any = world.store.of_user(user, CredentialKind::BACKUP_CODE).await.unwrap().pop().unwrap();
    let id = auth_core::CredentialId::from_bytes([9; 16]);
    let old = Credential { id, digest: Some(digest), sealed: None, ..any };
    assert!(world.store.add(&old, 99).await.unwrap());

    world.engine.exchange_ring(grown_again()).await.unwrap();
    world.engine.reseal(&mut |_| {}).await.unwrap();
    let refused = world.engine.retire_key(1, &mut |_| {}).await.unwrap().unwrap_err();
    assert!(matches!(refused, RetireError::BackupCodes(1)), "{refused:?}");
    assert!(world.log_in_with_code("totp", Some("oLdC2345")).await.is_ok());
    assert!(world.log_in_with_code("totp", Some("oLdC2345")).await.is_err());
    assert!(world.engine.retire_key(1, &mut |_| {}).await.unwrap().is_ok());
}

#[tokio::test]
async fn what_no_key_opens_is_counted_and_left_alone() {
    let world = world::new().await;
    let account = world.account("iago").await;
    let kind = CredentialKind::PERSONAL_TOKEN;
    let any = world.store.of_user(account.user.id, CredentialKind::ZULIP_KEY).await.unwrap().pop().unwrap();
    let id = auth_core::CredentialId::from_bytes([9; 16]);
    let foreign = Credential { id, kind, digest: None, sealed: Some(vec![7; 40]), ..any };
    assert!(world.store.add(&foreign, 9).await.unwrap());
    world.engine.exchange_ring(grown_again()).await.unwrap();
    let sealed = world.engine.reseal(&mut |_| {}).await.unwrap();
    assert_eq!((sealed.unreadable, sealed.by_key.contains_key(&1)), (1, false));
    let kept = world.store.of_user(account.user.id, kind).await.unwrap().pop().unwrap();
    assert_eq!(kept.sealed, foreign.sealed);
}

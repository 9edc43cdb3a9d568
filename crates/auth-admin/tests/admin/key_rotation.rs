//! The key ring is exchanged and rotated while the engine runs.

use std::sync::Arc;

use auth_admin::{KeyRotation, Nodes, RetireError, STALE};
use auth_core::{ApiKey, Credential, CredentialId, CredentialKind, Grant, OneTimeCode, ProtocolName};
use auth_crypto::keyring::{KeyRing, Purpose, RingKey};
use auth_crypto::totp;
use auth_engine::OpenError;
use auth_engine::testing::{PASSWORD, START, TOTP_SECRET, World, config, header, ring, token};
use zeroize::Zeroizing;

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
    totp::code(&totp::from_base32(TOTP_SECRET).unwrap(), step)
}

#[tokio::test]
async fn everything_goes_on_while_keys_are_rotated() {
    let mut world = world::new().await;
    let (keys, rotation) = (world.engine.keys(), KeyRotation::new(&world.engine));
    let key_before = zulip_key(&world).await;
    let zettel = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    // A mail is due.
    assert!(world.log_in_with_code("mail", None).await.is_err());
    let zettel_is_good = async || {
        let presented = header(zettel.clone());
        world.check("main", ProtocolName::ZETTELSTORE, presented).await.result.is_ok()
    };

    keys.exchange(grown(&world)).await.unwrap();
    let before = rotation.sealed(&mut |_| {}).await.unwrap();
    assert_eq!((before.by_key.keys().copied().collect::<Vec<_>>(), before.unreadable), (vec![1], 0));
    let promoted = keys.ring().promoted(2).unwrap();
    keys.exchange(promoted).await.unwrap();
    assert!(zettel_is_good().await, "signed by the older key");
    let refused = rotation.retire_key(1, &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, RetireError::Sealed(count) if count == before.by_key[&1]), "{refused:?}");

    let mut told = 0;
    let after = rotation.reseal(&mut |seen| told = seen).await.unwrap();
    assert_eq!((after.resealed, told), (before.by_key[&1], before.by_key[&1]));
    assert_eq!(after.by_key.into_iter().collect::<Vec<_>>(), [(2, after.resealed)]);
    assert_eq!(rotation.reseal(&mut |_| {}).await.unwrap().resealed, 0, "nothing is left");
    assert!(zettel_is_good().await);

    let smaller = rotation.retire_key(1, &mut |_| {}).await.unwrap();
    assert_eq!(smaller.ids(), [2]);
    // A server that has not read the smaller ring yet goes on too, and starts again.
    world.restart(&Arc::new(grown_again()), config(), 2).await;
    assert_eq!(zulip_key(&world).await, key_before);
    world.restart(&Arc::new(smaller), config(), 2).await;
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
    ring().with(key(2)).unwrap().promoted(2).unwrap()
}

#[tokio::test]
async fn a_ring_that_is_not_the_stores_is_refused_and_the_old_one_stays() {
    let world = world::new().await;
    let rotation = KeyRotation::new(&world.engine);
    let other = KeyRing::from_keys(vec![key(2)]).unwrap();
    assert!(matches!(world.engine.keys().exchange(other).await, Err(OpenError::OtherKeyRing)));
    assert_eq!(world.engine.keys().ring().ids(), [1]);

    // Nor is one without the key that the store is bound to, once that is another.
    world.engine.keys().exchange(grown_again()).await.unwrap();
    rotation.reseal(&mut |_| {}).await.unwrap();
    rotation.retire_key(1, &mut |_| {}).await.unwrap();
    assert!(matches!(
        world.engine.keys().exchange(Arc::into_inner(ring()).unwrap()).await,
        Err(OpenError::OtherKeyRing)
    ));
    let refused = rotation.retire_key(2, &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, RetireError::NotRetirable), "{refused:?}");
}

#[tokio::test]
async fn a_key_is_not_retired_while_a_server_seals_under_it() {
    let world = world::new().await;
    let other = world.beside(config()).await;
    let rotation = KeyRotation::new(&world.engine);
    let (own_node, other_node) = (Nodes::new(&world.engine), Nodes::new(&other));
    other_node.report("other").await.unwrap();
    world.engine.keys().exchange(grown_again()).await.unwrap();
    own_node.report("own").await.unwrap();
    rotation.reseal(&mut |_| {}).await.unwrap();
    let nodes = own_node.running().await.unwrap();
    let seen: Vec<_> = nodes.iter().map(|node| (node.node.as_str(), node.ids.clone())).collect();
    assert_eq!(seen, [("other", vec![1]), ("own", vec![2, 1])]);

    let retire = async || rotation.retire_key(1, &mut |_| {}).await;
    assert!(matches!(retire().await, Err(RetireError::Active(node)) if node == "other"));
    other.keys().exchange(grown_again().promoted(1).unwrap()).await.unwrap();
    other_node.report("other").await.unwrap();
    assert!(matches!(retire().await, Err(RetireError::Active(node)) if node == "other"));
    // A server that was told to end, or that was killed, no longer counts.
    world.clock.advance(STALE);
    own_node.report("own").await.unwrap();
    assert!(retire().await.is_ok());
    other_node.withdraw("other").await.unwrap();
    assert_eq!(own_node.running().await.unwrap().len(), 1);
    own_node.withdraw("own").await.unwrap();
    assert_eq!(own_node.running().await.unwrap(), []);
}

#[tokio::test]
async fn backup_codes_of_an_earlier_version_are_good_and_hold_their_key() {
    let world = world::new().await;
    let rotation = KeyRotation::new(&world.engine);
    let account = world.account("totp").await;
    let user = account.user.id;
    let digest = world.ring.mac(Purpose::ShortCode, user.as_bytes(), b"oLdC2345");
    let any = world.store.of_user(user, CredentialKind::BACKUP_CODE).await.unwrap().pop().unwrap();
    let id = CredentialId::from_bytes([9; 16]);
    let old = Credential { id, digest: Some(digest), sealed: None, ..any };
    assert!(world.store.add(&old, 99, None).await.unwrap());

    world.engine.keys().exchange(grown_again()).await.unwrap();
    rotation.reseal(&mut |_| {}).await.unwrap();
    let refused = rotation.retire_key(1, &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, RetireError::BackupCodes(1)), "{refused:?}");
    assert!(world.log_in_with_code("totp", Some("oLdC2345")).await.is_ok());
    assert!(world.log_in_with_code("totp", Some("oLdC2345")).await.is_err());
    assert!(rotation.retire_key(1, &mut |_| {}).await.is_ok());
}

#[tokio::test]
async fn secrets_that_no_key_opens_are_counted_and_left_alone() {
    let world = world::new().await;
    let rotation = KeyRotation::new(&world.engine);
    let account = world.account("iago").await;
    let kind = CredentialKind::PERSONAL_TOKEN;
    let any = world.store.of_user(account.user.id, CredentialKind::ZULIP_KEY).await.unwrap().pop().unwrap();
    let id = CredentialId::from_bytes([9; 16]);
    let foreign = Credential { id, kind, digest: None, sealed: Some(vec![7; 40]), ..any };
    assert!(world.store.add(&foreign, 9, None).await.unwrap());
    world.engine.keys().exchange(grown_again()).await.unwrap();
    let sealed = rotation.reseal(&mut |_| {}).await.unwrap();
    assert_eq!((sealed.unreadable, sealed.by_key.contains_key(&1)), (1, false));
    let kept = world.store.of_user(account.user.id, kind).await.unwrap().pop().unwrap();
    assert_eq!(kept.sealed, foreign.sealed);
}

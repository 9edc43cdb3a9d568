//! App passwords: how accounts with a second factor log in where a protocol has no second step.

use auth_core::{
    Act, ClientKey, Credential, Grant, LoginAttempt, LoginError, LoginMethod, Password, PasswordDigest,
    ProtocolName, Revocation, SecretInput,
};
use auth_crypto::opaque;
use auth_engine::RevocationEvent;
use auth_engine::testing::{IAGO_KEY, PASSWORD, World, api_key, result};
use data_encoding::HEXLOWER;

use crate::world;

/// Protocols without a second step.
const WITHOUT_SECOND_STEP: [ProtocolName; 2] = [ProtocolName::ZULIP, ProtocolName::ZETTELSTORE];

/// Gives an account an app password for some protocols, or for all if none is named.
async fn add(world: &World, who: &str, protocols: &[ProtocolName]) -> Password {
    let user = world.account(who).await.user.id;
    let password = opaque::app_password(&**world.engine.rng());
    let mut credential = world.engine.credentials().app_password(user, "phone", &password);
    credential.scope.protocols = protocols.to_vec();
    assert!(world.store.add(&credential, u32::MAX, None).await.unwrap());
    password
}

#[tokio::test]
async fn an_app_password_is_its_owners_alone_and_opens_no_closed_account() {
    let world = world::new().await;
    let password = add(&world, "totp", &WITHOUT_SECOND_STEP).await;
    for who in ["iago@zulip.com", "nobody@zulip.com"] {
        assert!(world.log_in(ProtocolName::ZULIP, who, password.expose()).await.is_err(), "{who}");
    }
    let account = world.account("totp").await;
    let kinds = world.engine.revocations().kinds(RevocationEvent::Deactivated);
    let revocation = Revocation { valid_from: None, kinds: &kinds, except: None };
    assert!(world.store.set_active(account.user.id, false, &revocation, None).await.unwrap());
    let refused = world.log_in(ProtocolName::ZULIP, "totp@zulip.com", password.expose()).await.unwrap_err();
    assert_eq!(refused, LoginError::UserInactive);
}

#[tokio::test]
async fn an_app_password_needs_no_password_beside_it() {
    let world = world::new().await;
    let password = add(&world, "othello", &WITHOUT_SECOND_STEP).await;
    assert!(world.log_in(ProtocolName::ZULIP, "othello@zulip.com", password.expose()).await.is_ok());
}

#[tokio::test]
async fn a_bots_app_password_opens_all_protocols_also_by_its_digest() {
    let world = world::new().await;
    world::import(
        &world,
        r#"{"kind":"user","realm":"main","username":"helper","email":"helper@zulip.com","bot":"default"}"#,
    )
    .await;
    let password = add(&world, "helper", &[]).await;
    for (protocol, who) in [
        (ProtocolName::ZULIP, "helper@zulip.com"),
        (ProtocolName::ROCKETCHAT, "helper"),
        (ProtocolName::ZETTELSTORE, "helper"),
    ] {
        assert!(world.log_in(protocol, who, password.expose()).await.is_ok(), "{protocol:?}");
    }
    let hex = HEXLOWER.encode(opaque::digest(password.expose()).as_bytes());
    for (digest, accepted) in [(hex.clone(), true), (hex.to_uppercase(), false), ("00".repeat(32), false)] {
        assert_eq!(by_digest(&world, "main", "helper", digest).await, accepted);
    }
}

/// Whether a digest in place of a password logs in.
async fn by_digest(world: &World, realm: &str, who: &str, digest: String) -> bool {
    let attempt = world.attempt(realm, ProtocolName::ROCKETCHAT, who, "").await;
    let LoginMethod::Password { who, .. } = attempt.method.clone() else { unreachable!() };
    let method = LoginMethod::Password { who, secret: SecretInput::Digest(PasswordDigest::new(digest)) };
    result(world.ask(LoginAttempt { method, ..attempt }).await).is_ok()
}

#[tokio::test]
async fn a_digest_is_taken_where_the_realm_takes_digests_and_nobody_can_have_read_it() {
    for (realm, clear_only, accepted) in
        [("main", false, true), ("main", true, false), ("other", false, false), ("other", true, false)]
    {
        let world = world::new().await;
        let iago = world.find(realm, "iago").await.unwrap().user.id;
        let password = opaque::app_password(&**world.engine.rng());
        let made = world.engine.credentials().app_password(iago, "phone", &password);
        assert!(world.store.add(&Credential { clear_only, ..made }, u32::MAX, None).await.unwrap());
        let digest = HEXLOWER.encode(opaque::digest(password.expose()).as_bytes());
        assert_eq!(by_digest(&world, realm, "iago", digest).await, accepted, "{realm} {clear_only}");
        let clear = world.attempt(realm, ProtocolName::ROCKETCHAT, "iago", password.expose()).await;
        assert!(result(world.ask(clear).await).is_ok(), "{realm} {clear_only}");
    }
}

#[tokio::test]
async fn a_new_password_ends_app_passwords() {
    let world = world::new().await;
    let password = add(&world, "totp", &WITHOUT_SECOND_STEP).await;
    let account = world.account("totp").await;
    let new = Password::new("a-better-horse-battery-1234");
    let audit = world.engine.auditor().by_command(Act::PasswordSet, None, None, "");
    world.engine.passwords().set(&account, &new, false, ClientKey::default(), &audit).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "totp", password.expose()).await.is_err());
}

#[tokio::test]
async fn an_app_password_gets_a_zulip_key_of_its_own_which_ends_with_it() {
    let world = world::new().await;
    let iago = world.account("iago").await.user.id;
    let mut stored = Vec::new();
    let mut secrets = vec![PASSWORD.to_owned()];
    for name in ["phone", "desk"] {
        let password = opaque::app_password(&**world.engine.rng());
        let credential = world.engine.credentials().app_password(iago, name, &password);
        assert!(world.store.add(&credential, u32::MAX, None).await.unwrap());
        stored.push(credential.id);
        secrets.push(password.expose().to_owned());
    }
    let fetch = async |secret: &str| match world.log_in(ProtocolName::ZULIP, "iago@zulip.com", secret).await {
        Ok(Grant::ApiKey(key)) => key.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    let mut keys = Vec::new();
    for secret in &secrets {
        keys.push(fetch(secret).await);
        assert_eq!(fetch(secret).await, keys[keys.len() - 1], "the same again");
    }
    assert_eq!(keys[0], IAGO_KEY, "the account's own");
    assert!(keys[1] != keys[0] && keys[2] != keys[0] && keys[1] != keys[2]);
    let good = async || {
        let mut good = Vec::new();
        for key in &keys {
            let presented = api_key("iago@zulip.com", key);
            good.push(world.check("main", ProtocolName::ZULIP, presented).await.result.is_ok());
        }
        good
    };
    assert_eq!(good().await, [true, true, true]);
    assert!(world.store.remove(stored[0], None).await.unwrap());
    assert_eq!(good().await, [true, false, true]);
    assert_eq!(fetch(&secrets[2]).await, keys[2]);
}

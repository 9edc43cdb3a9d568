//! App passwords: the way in where a protocol knows no second step.

use std::time::Duration;

use auth_core::{
    Clock, LoginAttempt, LoginError, LoginMethod, Password, PasswordDigest, ProtocolName, Timestamp,
};
use auth_engine::operator::OperatorError;

use auth_engine::testing::{PASSWORD, World, result};

use crate::world;

/// Who each protocol knows the user with a device as.
const NAMES: [(ProtocolName, &str); 3] = [
    (ProtocolName::ZULIP, "totp@zulip.com"),
    (ProtocolName::ROCKETCHAT, "totp"),
    (ProtocolName::ZETTELSTORE, "totp"),
];

async fn add(
    world: &World,
    name: &str,
    protocols: &[ProtocolName],
    ends: Option<Timestamp>,
) -> Option<Password> {
    let account = world.account("totp").await;
    world.engine.add_app_password(&account, name, protocols.to_vec(), ends).await.unwrap()
}

#[tokio::test]
async fn a_persons_app_password_opens_protocols_without_a_second_step_alone() {
    let world = world::new().await;
    let all = add(&world, "all", &[], None).await.unwrap();
    let one = add(&world, "one", &[ProtocolName::ZETTELSTORE], None).await.unwrap();
    for (protocol, who) in NAMES {
        assert!(world.log_in(protocol, who, PASSWORD).await.is_err(), "{protocol:?}");
        for (password, opens) in
            [(&all, protocol != ProtocolName::ROCKETCHAT), (&one, protocol == ProtocolName::ZETTELSTORE)]
        {
            let told = world.log_in(protocol, who, password.expose()).await;
            match opens {
                true => assert!(told.is_ok(), "{protocol:?}"),
                false => assert!(told.is_err(), "{protocol:?}"),
            }
        }
    }
    let account = world.account("totp").await;
    let protocols = vec![ProtocolName::ZULIP, ProtocolName::ROCKETCHAT];
    let refused = world.engine.add_app_password(&account, "protocol", protocols, None).await.unwrap_err();
    assert!(matches!(refused, OperatorError::HasSecondStep(ProtocolName::ROCKETCHAT)), "{refused}");
}

#[tokio::test]
async fn an_app_password_ends_and_is_revoked() {
    let world = world::new().await;
    let account = world.account("totp").await;
    let end = world.clock.now() + Duration::from_secs(60);
    let ending = add(&world, "ending", &[], Some(end)).await.unwrap();
    let endless = add(&world, "endless", &[], None).await.unwrap();
    assert!(add(&world, "endless", &[], None).await.is_none(), "the name is taken");
    let is_let_in = async |password: &Password| {
        world.log_in(ProtocolName::ZETTELSTORE, "totp", password.expose()).await.is_ok()
    };
    assert!(is_let_in(&ending).await);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!((is_let_in(&ending).await, is_let_in(&endless).await), (false, true));
    let listed = world.engine.app_passwords(&account).await.unwrap();
    assert_eq!(
        listed.iter().map(|own| own.label.as_deref().unwrap()).collect::<Vec<_>>(),
        ["ending", "endless"]
    );
    for revoked in [true, false] {
        assert_eq!(world.engine.revoke_app_password(&account, "endless").await.unwrap(), revoked);
        assert!(!is_let_in(&endless).await);
    }
}

#[tokio::test]
async fn an_app_password_is_its_owners_alone_and_opens_no_closed_account() {
    let world = world::new().await;
    let password = add(&world, "phone", &[], None).await.unwrap();
    for who in ["iago@zulip.com", "nobody@zulip.com"] {
        assert!(world.log_in(ProtocolName::ZULIP, who, password.expose()).await.is_err(), "{who}");
    }
    let account = world.account("totp").await;
    world.engine.set_active(&account, false).await.unwrap();
    let refused = world.log_in(ProtocolName::ZULIP, "totp@zulip.com", password.expose()).await.unwrap_err();
    assert_eq!(refused, LoginError::UserInactive);
}

#[tokio::test]
async fn an_app_password_needs_no_password_beside_it() {
    let world = world::new().await;
    let account = world.account("othello").await;
    let password = world.engine.add_app_password(&account, "bot", Vec::new(), None).await.unwrap().unwrap();
    assert!(world.log_in(ProtocolName::ZULIP, "othello@zulip.com", password.expose()).await.is_ok());
}

#[tokio::test]
async fn a_bots_app_password_opens_all_protocols_also_by_its_digest() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"helper","email":"helper@zulip.com","bot":"default"}"#).await;
    let account = world.account("helper").await;
    let password = world.engine.add_app_password(&account, "sdk", Vec::new(), None).await.unwrap().unwrap();
    for (protocol, who) in [
        (ProtocolName::ZULIP, "helper@zulip.com"),
        (ProtocolName::ROCKETCHAT, "helper"),
        (ProtocolName::ZETTELSTORE, "helper"),
    ] {
        assert!(world.log_in(protocol, who, password.expose()).await.is_ok(), "{protocol:?}");
    }
    let hex = data_encoding::HEXLOWER.encode(auth_crypto::opaque::digest(password.expose()).as_bytes());
    for (digest, accepted) in [(hex.clone(), true), (hex.to_uppercase(), false), ("00".repeat(32), false)] {
        let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "helper", "").await;
        let LoginMethod::Password { who, .. } = attempt.method.clone() else { unreachable!() };
        let method = LoginMethod::Password { who, secret: SecretInput::Digest(PasswordDigest::new(digest)) };
        assert_eq!(result(world.ask(LoginAttempt { method, ..attempt }).await).is_ok(), accepted);
    }
}

#[tokio::test]
async fn a_new_password_ends_app_passwords() {
    let world = world::new().await;
    let password = add(&world, "phone", &[], None).await.unwrap();
    let account = world.account("totp").await;
    world.engine.set_password(&account, &Password::new("a-better-horse-battery-1234"), false).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "totp", password.expose()).await.is_err());
}

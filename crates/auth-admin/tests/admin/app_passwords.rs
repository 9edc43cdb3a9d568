//! App passwords: made, listed, revoked.

use std::time::Duration;

use auth_admin::{AdminError, AppPasswords};
use auth_core::{Clock, Password, ProtocolName, Revocation, Timestamp};
use auth_engine::testing::{PASSWORD, World};

use crate::world;

/// The name by which the user with a device logs in at each protocol.
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
    AppPasswords::new(&world.engine).add(&account, name, protocols.to_vec(), ends).await.unwrap()
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
    let refused =
        AppPasswords::new(&world.engine).add(&account, "protocol", protocols, None).await.unwrap_err();
    assert!(matches!(refused, AdminError::HasSecondStep(ProtocolName::ROCKETCHAT)), "{refused}");
}

#[tokio::test]
async fn an_app_password_ends_and_is_revoked() {
    let world = world::new().await;
    let (app_passwords, account) = (AppPasswords::new(&world.engine), world.account("totp").await);
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
    let listed = app_passwords.list(&account).await.unwrap();
    assert_eq!(
        listed.iter().map(|own| own.label.as_deref().unwrap()).collect::<Vec<_>>(),
        ["ending", "endless"]
    );
    for revoked in [true, false] {
        assert_eq!(app_passwords.revoke(&account, "endless").await.unwrap(), revoked);
        assert!(!is_let_in(&endless).await);
    }
}

#[tokio::test]
async fn an_app_password_without_protocols_is_for_those_without_a_second_step_or_a_bots_for_all() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"helper","bot":"default"}"#).await;
    let app_passwords = AppPasswords::new(&world.engine);
    let of_people = vec![ProtocolName::ZULIP, ProtocolName::ZETTELSTORE, ProtocolName::FORWARD];
    for (who, protocols) in [("othello", of_people), ("helper", Vec::new())] {
        let account = world.account(who).await;
        app_passwords.add(&account, "phone", Vec::new(), None).await.unwrap().unwrap();
        let listed = app_passwords.list(&account).await.unwrap();
        assert_eq!(listed[0].scope.protocols, protocols, "{who}");
        assert!(listed[0].scope.bypass_second_factor, "{who}");
    }
    let gone = world.account("othello").await;
    assert!(world.store.delete(gone.user.id, &Revocation::NOTHING, None).await.unwrap());
    let refused = app_passwords.add(&gone, "phone", Vec::new(), None).await;
    assert!(matches!(refused, Err(AdminError::NoUser)), "{refused:?}");
}

#[tokio::test]
async fn a_name_with_control_characters_is_refused() {
    let world = world::new().await;
    let (app_passwords, account) = (AppPasswords::new(&world.engine), world.account("totp").await);
    for name in ["\u{1b}[2J", "a\nb", "a\u{9b}b", "ad\u{202e}nim"] {
        let refused = app_passwords.add(&account, name, Vec::new(), None).await.unwrap_err();
        assert!(matches!(refused, AdminError::BadName), "{name:?}: {refused}");
    }
    assert!(app_passwords.list(&account).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_account_has_a_hundred_app_passwords_at_most() {
    let world = world::new().await;
    let (app_passwords, account) = (AppPasswords::new(&world.engine), world.account("totp").await);
    for number in 0..100 {
        assert!(add(&world, &format!("client {number}"), &[], None).await.is_some());
    }
    let refused = app_passwords.add(&account, "one more", Vec::new(), None).await.unwrap_err();
    assert!(matches!(refused, AdminError::TooManyAppPasswords), "{refused}");
    assert_eq!(refused.to_string(), "the account has 100 app passwords: revoke one first");
    assert_eq!(app_passwords.list(&account).await.unwrap().len(), 100);
    assert!(app_passwords.revoke(&account, "client 7").await.unwrap());
    assert!(add(&world, "one more", &[], None).await.is_some());
}

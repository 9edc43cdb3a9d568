//! What operators do to accounts.

use auth_core::{Authenticator, Password, PresentedCredential, ProtocolName};
use auth_engine::operator::OperatorError;

use auth_engine::testing::{PASSWORD, World, token};

use crate::world;

#[tokio::test]
async fn deactivation_refuses_everything_at_once_and_keys_come_back_with_activation() {
    let world = world::new().await;
    let rocket = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let zettel = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let user_id = world.rocketchat_id("iago").await;
    let key = || PresentedCredential::ZulipKey {
        email: "iago@zulip.com".to_owned(),
        key: auth_core::ApiKey::new("gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv"),
    };
    let account = world.account("iago").await;
    let names = [
        (ProtocolName::ZULIP, "iago@zulip.com"),
        (ProtocolName::ROCKETCHAT, "iago"),
        (ProtocolName::ZETTELSTORE, "iago"),
    ];

    world.engine.set_active(&account, false).await.unwrap();
    for (protocol, name) in names {
        assert!(world.log_in(protocol, name, PASSWORD).await.is_err(), "{protocol:?}");
    }
    let rocket = rocketchat_token(&user_id, rocket);
    assert!(world.check("main", ProtocolName::ZULIP, key()).await.result.is_err());
    assert!(world.check("main", ProtocolName::ROCKETCHAT, rocket.clone()).await.result.is_err());
    let zettel = header(zettel);
    assert!(world.check("main", ProtocolName::ZETTELSTORE, zettel.clone()).await.result.is_err());

    world.engine.set_active(&account, true).await.unwrap();
    for (protocol, name) in names {
        assert!(world.log_in(protocol, name, PASSWORD).await.is_ok(), "{protocol:?}");
    }
    assert!(world.check("main", ProtocolName::ZULIP, key()).await.result.is_ok());
    assert!(
        world.check("main", ProtocolName::ROCKETCHAT, rocket).await.result.is_err(),
        "the session is over"
    );
    assert!(world.check("main", ProtocolName::ZETTELSTORE, zettel).await.result.is_err(), "so is this one");
}

#[tokio::test]
async fn accounts_are_found_by_any_name_where_it_is_clear() {
    let world = world::new().await;
    for name in ["othello", "othello@zulip.com", "OTHELLO"] {
        assert!(world.find("main", name).await.is_some(), "{name}");
    }
    let id = world.account("othello").await.user.id.to_string();
    assert!(world.find("main", &id).await.is_some());
    for (realm, name, refused) in [
        (None, "iago", "several realms have a user of that name: say which"),
        (None, "nobody", "there is no such user"),
        (Some("nowhere"), "iago", "there is no such realm"),
    ] {
        let error = world.engine.account_named(realm, name).await.unwrap_err();
        assert_eq!(error.to_string(), refused);
    }
}

#[tokio::test]
async fn weak_passwords_are_set_only_when_allowed() {
    let world = world::new().await;
    let account = world.account("othello").await;
    let weak = Password::new("abcd1234");
    let refused = world.engine.set_password(&account, &weak, false).await.unwrap_err();
    assert!(matches!(refused, OperatorError::TooWeak(_)), "{refused:?}");
    world.engine.set_password(&account, &weak, true).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "othello", "abcd1234").await.is_ok());
}

#[tokio::test]
async fn a_deleted_account_is_nobody() {
    let world = world::new().await;
    let rocket = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let user_id = world.rocketchat_id("iago").await;
    let account = world.account("iago").await;
    let reply = world
        .check(
            "main",
            ProtocolName::ROCKETCHAT,
            rocketchat_token(&user_id, rocket.clone()),
        )
        .await;
    let principal = reply.result.unwrap();
    world.engine.delete_account(&account).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.is_err());
    world.engine.revoke(&principal).await.unwrap();
    assert!(matches!(world.engine.delete_account(&account).await, Err(OperatorError::NoUser)));
}

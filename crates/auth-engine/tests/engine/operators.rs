//! What operators do to accounts.

use auth_core::{Authenticator, Password, PresentedCredential, ProtocolName};
use auth_engine::operator::OperatorError;

use crate::world::{PASSWORD, World, token};

#[tokio::test]
async fn deactivation_refuses_everything_at_once_and_keys_come_back_with_activation() {
    let world = World::new().await;
    let rocket = token(&world.log_in(ProtocolName::RocketChat, "iago", PASSWORD).await.unwrap());
    let zettel = token(&world.log_in(ProtocolName::Zettelstore, "iago", PASSWORD).await.unwrap());
    let user_id = world.rocketchat_id("iago").await;
    let key = || PresentedCredential::ZulipKey {
        email: "iago@zulip.com".to_owned(),
        key: auth_core::ApiKey::new("gjA04ZYcqXKalvYMA8OeXSfzUOLrtbZv"),
    };
    let account = world.engine.account_named(Some("main"), "iago").await.unwrap();
    let names = [
        (ProtocolName::Zulip, "iago@zulip.com"),
        (ProtocolName::RocketChat, "iago"),
        (ProtocolName::Zettelstore, "iago"),
    ];

    world.engine.set_active(&account, false).await.unwrap();
    for (protocol, name) in names {
        assert!(world.log_in(protocol, name, PASSWORD).await.is_err(), "{protocol:?}");
    }
    let rocket = PresentedCredential::RocketChatToken { user_id, token: rocket };
    assert!(world.check("main", ProtocolName::Zulip, key()).await.outcome.is_err());
    assert!(world.check("main", ProtocolName::RocketChat, rocket.clone()).await.outcome.is_err());
    let zettel = PresentedCredential::ZettelstoreToken(zettel);
    assert!(world.check("main", ProtocolName::Zettelstore, zettel.clone()).await.outcome.is_err());

    world.engine.set_active(&account, true).await.unwrap();
    for (protocol, name) in names {
        assert!(world.log_in(protocol, name, PASSWORD).await.is_ok(), "{protocol:?}");
    }
    assert!(world.check("main", ProtocolName::Zulip, key()).await.outcome.is_ok());
    assert!(
        world.check("main", ProtocolName::RocketChat, rocket).await.outcome.is_err(),
        "the session is over"
    );
    assert!(world.check("main", ProtocolName::Zettelstore, zettel).await.outcome.is_err(), "so is this one");
}

#[tokio::test]
async fn accounts_are_found_by_any_name_where_it_is_clear() {
    let world = World::new().await;
    for name in ["othello", "othello@zulip.com", "OTHELLO"] {
        assert!(world.engine.account_named(None, name).await.is_ok(), "{name}");
    }
    let id = world.engine.account_named(None, "othello").await.unwrap().user.id.to_string();
    assert!(world.engine.account_named(None, &id).await.is_ok());
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
    let world = World::new().await;
    let account = world.engine.account_named(Some("main"), "othello").await.unwrap();
    let weak = Password::new("abcd1234");
    let refused = world.engine.set_password(&account, &weak, false).await.unwrap_err();
    assert!(matches!(refused, OperatorError::TooWeak(_)), "{refused:?}");
    world.engine.set_password(&account, &weak, true).await.unwrap();
    assert!(world.log_in(ProtocolName::Zettelstore, "othello", "abcd1234").await.is_ok());
}

#[tokio::test]
async fn a_deleted_account_is_nobody() {
    let world = World::new().await;
    let rocket = token(&world.log_in(ProtocolName::RocketChat, "iago", PASSWORD).await.unwrap());
    let user_id = world.rocketchat_id("iago").await;
    let account = world.engine.account_named(Some("main"), "iago").await.unwrap();
    let reply = world
        .check(
            "main",
            ProtocolName::RocketChat,
            PresentedCredential::RocketChatToken { user_id, token: rocket.clone() },
        )
        .await;
    let principal = reply.outcome.unwrap();
    world.engine.delete_account(&account).await.unwrap();
    assert!(world.log_in(ProtocolName::Zettelstore, "iago", PASSWORD).await.is_err());
    world.engine.revoke(&principal).await.unwrap();
    assert!(matches!(world.engine.delete_account(&account).await, Err(OperatorError::NoUser)));
}

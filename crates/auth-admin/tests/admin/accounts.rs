//! Accounts: found, deactivated, given a password, deleted.

use auth_admin::{Accounts, AdminError};
use auth_core::{Authenticator, Password, ProtocolName};
use auth_engine::PasswordError;
use auth_engine::testing::{IAGO_KEY, PASSWORD, api_key, header, rocketchat_token, token};

use crate::world;

#[tokio::test]
async fn deactivation_refuses_everything_at_once_and_keys_come_back_with_activation() {
    let world = world::new().await;
    let rocket = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let zettel = token(&world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap());
    let user_id = world.rocketchat_id("iago").await;
    let key = || api_key("iago@zulip.com", IAGO_KEY);
    let (accounts, account) = (Accounts::new(&world.engine), world.account("iago").await);
    let names = [
        (ProtocolName::ZULIP, "iago@zulip.com"),
        (ProtocolName::ROCKETCHAT, "iago"),
        (ProtocolName::ZETTELSTORE, "iago"),
    ];

    accounts.set_active(&account, false).await.unwrap();
    for (protocol, name) in names {
        assert!(world.log_in(protocol, name, PASSWORD).await.is_err(), "{protocol:?}");
    }
    let rocket = rocketchat_token(&user_id, rocket);
    assert!(world.check("main", ProtocolName::ZULIP, key()).await.result.is_err());
    assert!(world.check("main", ProtocolName::ROCKETCHAT, rocket.clone()).await.result.is_err());
    let zettel = header(zettel);
    assert!(world.check("main", ProtocolName::ZETTELSTORE, zettel.clone()).await.result.is_err());

    accounts.set_active(&account, true).await.unwrap();
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
async fn keys_of_bots_end_with_their_owner_at_once_and_stay_so() {
    const KEY: &str = "abcdefghijklmnopqrstuvwxyz012345";
    for delete in [false, true] {
        let world = world::new().await;
        let bot = format!(
            r#"{{"kind":"user","realm":"main","id":71,"email":"bot@zulip.com","bot":"default","bot_owner_id":70,"zulip_api_key":"{KEY}"}}
{{"kind":"user","realm":"main","id":70,"username":"owner"}}"#
        );
        world::import(&world, &bot).await;
        let is_good = async || {
            let key = api_key("bot@zulip.com", KEY);
            world.check("main", ProtocolName::ZULIP, key).await.result.is_ok()
        };
        let (accounts, owner) = (Accounts::new(&world.engine), world.account("owner").await);
        // Cached from the first check on.
        assert!(is_good().await && is_good().await);
        if delete {
            accounts.delete(&owner).await.unwrap();
        } else {
            accounts.set_active(&owner, false).await.unwrap();
        }
        assert!(!is_good().await, "{delete}");
        if !delete {
            accounts.set_active(&owner, true).await.unwrap();
            assert!(!is_good().await, "the bot is activated by itself");
        }
        let bot = world.find("main", "bot@zulip.com").await.unwrap();
        assert_eq!((bot.user.active, bot.user.bot_owner), (false, (!delete).then_some(70)));
        accounts.set_active(&bot, true).await.unwrap();
        assert!(is_good().await);
    }
}

#[tokio::test]
async fn accounts_are_found_by_any_name_where_it_is_clear() {
    let world = world::new().await;
    let accounts = Accounts::new(&world.engine);
    for name in ["othello", "othello@zulip.com", "OTHELLO"] {
        assert!(accounts.find(None, name).await.is_ok(), "{name}");
    }
    let id = accounts.find(None, "othello").await.unwrap().user.id.to_string();
    assert!(accounts.find(None, &id).await.is_ok());
    for (realm, name, refused) in [
        (None, "iago", "several realms have a user of that name: say which"),
        (None, "nobody", "there is no such user"),
        (Some("nowhere"), "iago", "there is no such realm"),
    ] {
        let error = accounts.find(realm, name).await.unwrap_err();
        assert_eq!(error.to_string(), refused);
    }
}

#[tokio::test]
async fn weak_passwords_are_set_only_when_allowed() {
    let world = world::new().await;
    let (accounts, account) = (Accounts::new(&world.engine), world.account("othello").await);
    let weak = Password::new("abcd1234");
    let refused = accounts.set_password(&account, &weak, false).await.unwrap_err();
    assert!(matches!(refused, AdminError::Password(PasswordError::TooWeak(_))), "{refused:?}");
    accounts.set_password(&account, &weak, true).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "othello", "abcd1234").await.is_ok());
}

#[tokio::test]
async fn an_empty_password_is_never_set() {
    let world = world::new().await;
    let (accounts, account) = (Accounts::new(&world.engine), world.account("othello").await);
    for allow_weak in [false, true] {
        let refused = accounts.set_password(&account, &Password::new(""), allow_weak).await.unwrap_err();
        assert_eq!(refused.to_string(), "the password is empty");
    }
    assert!(world.account("othello").await.password.is_none());
}

#[tokio::test]
async fn a_deleted_account_is_nobody() {
    let world = world::new().await;
    let rocket = token(&world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.unwrap());
    let user_id = world.rocketchat_id("iago").await;
    let (accounts, account) = (Accounts::new(&world.engine), world.account("iago").await);
    let reply = world.check("main", ProtocolName::ROCKETCHAT, rocketchat_token(&user_id, rocket)).await;
    let principal = reply.result.unwrap();
    accounts.delete(&account).await.unwrap();
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.is_err());
    world.engine.revoke(&principal).await.unwrap();
    assert!(matches!(accounts.delete(&account).await, Err(AdminError::NoUser)));
}

#[tokio::test]
async fn accounts_are_listed_by_page() {
    let world = world::new().await;
    let accounts = Accounts::new(&world.engine);
    let slugs: Vec<String> = accounts.realms().await.unwrap().into_iter().map(|realm| realm.slug).collect();
    assert_eq!(slugs, ["closed", "main", "other"]);
    let main = accounts.realm("main").await.unwrap();
    let (mut after, mut pages) = (None, Vec::new());
    loop {
        let page = accounts.list(&main, after, 4).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.user.id);
        pages.push(page.len());
    }
    assert_eq!(pages, [4, 4, 1]);
    assert!(matches!(accounts.realm("nowhere").await, Err(AdminError::NoRealm)));
}

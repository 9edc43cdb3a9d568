//! Lost passwords.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{
    ActionError, Clock, ManualClock, Password, PasswordReset, ProtocolName, Revocation, Store, Token,
};

use auth_engine::RevocationEvent;
use auth_engine::testing::{PASSWORD, START, World, builder, config, limited, peer, ring};

use crate::signed_in::{SignedIn, mails};
use crate::world;

const NEW: &str = "a-better-horse-battery-1234";

async fn forgot(world: &World, address: &str) -> Result<(), ActionError> {
    let realm = world.realm("main").await.id;
    world.engine.forgot_password(realm, address, None).await.map(drop)
}

async fn reset(world: &World, token: &str, new: &str) -> Result<(), ActionError> {
    let realm = world.realm("main").await.id;
    let (token, new) = (Token::new(token), Password::new(new));
    world
        .engine
        .reset_password(realm, &token, &new, &peer("192.0.2.1"), ProtocolName::ROCKETCHAT)
        .await
        .map(drop)
}

/// The tokens in the mails that wait.
async fn tokens(world: &World) -> Vec<String> {
    let link = |text: String| text.split_once("/reset-password/").unwrap().1[..43].to_owned();
    mails(world).await.into_iter().map(link).collect()
}

#[tokio::test]
async fn a_mailed_token_sets_a_new_password_once() {
    let mut site = config();
    site.rocketchat.site_url = "https://chat.example.com".to_owned();
    let world = world::with(site).await;
    let session = SignedIn::new(&world, "iago").await;
    assert_eq!(forgot(&world, "IAGO@zulip.com").await, Ok(()));
    assert!(mails(&world).await[0].contains("\nhttps://chat.example.com/reset-password/"));
    let token = &tokens(&world).await[0];

    assert_eq!(reset(&world, "wrong", NEW).await, Err(ActionError::WrongToken));
    for weak in ["", "12345678", &"x".repeat(5000)] {
        assert_eq!(
            reset(&world, token, weak).await,
            Err(ActionError::WeakPassword(Vec::new())),
            "{weak:.10}"
        );
    }
    assert_eq!(reset(&world, token, NEW).await, Ok(()));
    assert_eq!(reset(&world, token, PASSWORD).await, Err(ActionError::WrongToken));
    assert!(!session.is_good(&world).await, "what was signed in ends");
    for (password, accepted) in [(PASSWORD, false), (NEW, true)] {
        assert_eq!(world.log_in(ProtocolName::ROCKETCHAT, "iago", password).await.is_ok(), accepted);
    }
}

/// Of a store that counts for several servers, with mails from both of these.
#[tokio::test]
async fn servers_of_one_store_count_mails_to_an_account_together() {
    let realm = RealmBuilder::new("main").build();
    let id = realm.id;
    let iago = UserBuilder::new("iago").email("iago@zulip.com").realm(realm.id).new_user(None);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_realm(realm).with_user(iago));
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), limited(), 1), clock).await;
    let other = world.beside(limited()).await;
    for _ in 0..10 {
        assert!(world.engine.forgot_password(id, "iago@zulip.com", None).await.is_ok());
        assert!(other.forgot_password(id, "iago@zulip.com", None).await.is_ok());
    }
    assert_eq!(mails(&world).await.len(), 5);
    world.clock.advance(Duration::from_secs(3599));
    world.engine.purger().purge(Duration::from_secs(1), Duration::from_secs(1)).await.unwrap();
    assert!(other.forgot_password(id, "iago@zulip.com", None).await.is_ok());
    assert_eq!(mails(&world).await.len(), 5, "remembered for the hour");
    world.clock.advance(Duration::from_secs(2));
    assert!(other.forgot_password(id, "iago@zulip.com", None).await.is_ok());
    assert_eq!(mails(&world).await.len(), 6, "and it ends");
}

#[tokio::test]
async fn of_parallel_resets_with_one_token_one_succeeds() {
    let world = world::new().await;
    forgot(&world, "iago@zulip.com").await.unwrap();
    let token = &tokens(&world).await[0];
    let told = futures_util::future::join_all((0..8).map(|_| reset(&world, token, NEW))).await;
    assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1);
}

#[tokio::test]
async fn the_newest_token_is_good_for_an_hour() {
    let world = world::new().await;
    forgot(&world, "iago@zulip.com").await.unwrap();
    forgot(&world, "iago@zulip.com").await.unwrap();
    let [old, new] = <[String; 2]>::try_from(tokens(&world).await).unwrap();
    assert_eq!(reset(&world, &old, NEW).await, Err(ActionError::WrongToken));
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(reset(&world, &new, NEW).await, Err(ActionError::WrongToken));
    forgot(&world, "iago@zulip.com").await.unwrap();
    world.clock.advance(Duration::from_secs(3599));
    assert_eq!(reset(&world, &tokens(&world).await[2], NEW).await, Ok(()));
}

#[tokio::test]
async fn whether_anybody_has_the_address_does_not_show() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"ldap","email":"ldap@zulip.com","directory_name":"ldap"}"#)
        .await;
    let realm = world.realm("main").await.id;
    let start = world.clock.now();
    for address in ["iago@zulip.com", "nobody@zulip.com", "cordelia@zulip.com", "ldap@zulip.com", "iago", ""]
    {
        let told = world.engine.forgot_password(realm, address, None).await;
        assert_eq!(told, Ok(start + Duration::from_millis(250)), "{address}");
    }
    assert_eq!(mails(&world).await.len(), 1);
}

#[tokio::test]
async fn a_token_is_worth_nothing_in_another_realm_or_for_who_was_deactivated() {
    let world = world::new().await;
    forgot(&world, "iago@zulip.com").await.unwrap();
    let token = Token::new(tokens(&world).await[0].as_str());
    let other = world.realm("other").await.id;
    let told = world
        .engine
        .reset_password(other, &token, &Password::new(NEW), &peer("192.0.2.1"), ProtocolName::ROCKETCHAT)
        .await;
    assert_eq!(told.err(), Some(ActionError::WrongToken));
    let iago = world.account("iago").await;
    let kinds = world.engine.revocations().kinds(RevocationEvent::Deactivated);
    let revocation = Revocation { valid_from: None, kinds: &kinds, except: None };
    assert!(world.store.set_active(iago.user.id, false, &revocation, None).await.unwrap());
    assert_eq!(reset(&world, token.expose(), NEW).await, Err(ActionError::WrongToken));
}

#[tokio::test]
async fn switched_off_it_says_so() {
    let mut off = config();
    off.rocketchat.password_reset = false;
    let world = world::with(off).await;
    assert_eq!(forgot(&world, "iago@zulip.com").await, Err(ActionError::NotOffered));
    assert!(mails(&world).await.is_empty());
}

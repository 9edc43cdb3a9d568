//! Links for new passwords as Zulip's form mails them.

use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{
    ActionError, Authenticator, Clock, CredentialKind, GrantKind, Identifier, LoginAttempt, LoginMethod,
    ManualClock, Password, PasswordReset, ProtocolName, RateLimitStatus, Realm, ResetLinkReply,
    ResetLinkRequest, ResetLinks, SecondStep, Store, Token, User,
};
use auth_engine::testing::{PASSWORD, START, World, builder, config, password, peer, ring};
use auth_engine::{Config, Engine};

use crate::signed_in::mails;
use crate::world;

const NEW: &str = "a-better-horse-battery-1234";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A configuration that limits links.
fn limited() -> Config {
    let mut config = config();
    config.zulip.reset_limits = true;
    config
}

struct Links;

impl ResetLinks for Links {
    fn host(&self) -> &str {
        "example.org"
    }

    fn realm(&self, realm: &Realm) -> String {
        format!("https://{}.example.org", realm.slug)
    }

    fn reset(&self, realm: &Realm, user: &User, token: &Token) -> String {
        let id = user.external_number(ProtocolName::ZULIP);
        format!("{}/reset/{id}/{}", self.realm(realm), token.expose())
    }
}

async fn ask_at(
    engine: &Engine,
    world: &World,
    realm: &str,
    address: &str,
    client: &str,
) -> Result<ResetLinkReply, ActionError> {
    let (realm, peer) = (world.realm(realm).await, peer(client));
    let protocol = ProtocolName::ZULIP;
    let asked = ResetLinkRequest { realm: &realm, address, peer: &peer, protocol, links: &Links };
    engine.mail_reset_link(&asked).await
}

async fn ask(world: &World, address: &str) -> Result<ResetLinkReply, ActionError> {
    ask_at(&world.engine, world, "main", address, "192.0.2.1").await
}

/// The tokens in the mails that wait.
async fn tokens(world: &World) -> Vec<Token> {
    let token = |text: String| {
        Some(Token::new(text.split_once("/reset/")?.1.split_once('/')?.1.split_whitespace().next()?))
    };
    mails(world).await.into_iter().filter_map(token).collect()
}

async fn reset(world: &World, token: &Token, new: &str) -> Result<(), ActionError> {
    let (realm, peer) = (world.realm("main").await.id, peer("192.0.2.1"));
    let new = Password::new(new);
    world.engine.reset_password(realm, token, &new, &peer, ProtocolName::ZULIP).await.map(drop)
}

#[tokio::test]
async fn every_request_is_one_mail_that_says_what_is_the_matter() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"other","username":"lear","email":"lear@zulip.com"}"#)
        .await;
    let start = world.clock.now();
    for (address, has, lacks) in [
        ("iago@zulip.com", "https://main.example.org/reset/1/", "deactivated"),
        ("IAGO@zulip.com", "https://main.example.org/reset/1/", "deactivated"),
        ("othello@zulip.com", "https://main.example.org/reset/3/", "deactivated"),
        ("cordelia@zulip.com", "deactivated", "/reset/"),
        ("nobody@zulip.com", "no account", "other.example.org"),
        ("lear@zulip.com", "\n\nhttps://other.example.org\n\n", "/reset/"),
    ] {
        let before = mails(&world).await.len();
        let reply = ask(&world, address).await.unwrap();
        assert_eq!(reply.not_before, start + Duration::from_millis(250), "{address}");
        let all = mails(&world).await;
        assert_eq!(all.len(), before + 1, "{address}");
        let text = all.last().unwrap();
        assert!(text.contains(has) && !text.contains(lacks), "{address}: {text}");
        assert!(text.contains("\n\nhttps://main.example.org\n\n") && text.contains(address), "{text}");
    }
}

#[tokio::test]
async fn mails_name_their_sender_and_their_list_and_an_active_account() {
    let world = world::new().await;
    let ann =
        r#"{"kind":"user","realm":"main","username":"ann","full_name":"Ann Other","email":"ann@zulip.com"}"#;
    world::import(&world, ann).await;
    for (address, recipient) in
        [("ann@zulip.com", "Ann Other"), ("cordelia@zulip.com", ""), ("nobody@zulip.com", "")]
    {
        ask(&world, address).await.unwrap();
        let mail = world.engine.mail().due(10).await.unwrap().pop().unwrap();
        world.engine.mail().sent(&mail).await.unwrap();
        let letterhead = mail.letterhead.unwrap();
        assert_eq!(letterhead.sender, "example.org account security");
        assert_eq!((mail.to.as_str(), letterhead.recipient.as_str()), (address, recipient));
        assert_eq!(letterhead.list, format!("{} <main.example.org>", world.realm("main").await.name));
        let text = mail.text.unwrap();
        assert!(text.starts_with("Somebody has asked"), "{}", *text);
    }
}

#[tokio::test]
async fn where_no_password_is_taken_nothing_is_mailed_or_counted() {
    let world = world::with(limited()).await;
    let reply = ask_at(&world.engine, &world, "closed", "ghost@zulip.com", "192.0.2.1").await.unwrap();
    assert_eq!(reply.rate_limit, None);
    let mut off = limited();
    off.zulip.password_login = false;
    let other = world.beside(off).await;
    let reply = ask_at(&other, &world, "main", "iago@zulip.com", "192.0.2.1").await.unwrap();
    assert_eq!(reply.rate_limit, None);
    let mut off = config();
    off.rocketchat.password_reset = false;
    let other = world.beside(off).await;
    let told = ask_at(&other, &world, "main", "iago@zulip.com", "192.0.2.1").await;
    assert_eq!(told.err(), Some(ActionError::NotOffered));
    assert!(mails(&world).await.is_empty());
}

#[tokio::test]
async fn people_of_a_directory_get_no_link_and_no_other_answer() {
    let world = world::with(limited()).await;
    let line = r#"{"kind":"user","realm":"main","username":"ldap","email":"ldap@zulip.com","directory_name":"ldap"}"#;
    world::import(&world, line).await;
    let told = ask(&world, "ldap@zulip.com").await.unwrap();
    assert_eq!(told.rate_limit.map(|status| status.remaining), Some(4));
    assert!(mails(&world).await.is_empty());
}

#[tokio::test]
async fn several_links_are_good_for_three_days_until_one_is_used() {
    let world = world::new().await;
    for _ in 0..3 {
        ask(&world, "iago@zulip.com").await.unwrap();
    }
    let tokens = tokens(&world).await;
    world.clock.advance(3 * DAY - Duration::from_secs(1));
    for token in &tokens {
        assert!(world.engine.owner_of_reset_link(token).await.unwrap().is_some());
    }
    let owner = world.engine.owner_of_reset_link(&tokens[1]).await.unwrap().unwrap();
    for (password, is_good) in [(NEW, true), ("weak", false), ("", false), ("iago@zulip.com", false)] {
        let judged = world.engine.judge_new_password(&owner, &Password::new(password));
        assert_eq!(judged.is_ok(), is_good, "{password}: {judged:?}");
    }
    assert_eq!(reset(&world, &tokens[1], NEW).await, Ok(()), "no link was used up by that");
    for token in &tokens {
        assert!(world.engine.owner_of_reset_link(token).await.unwrap().is_none());
        assert_eq!(reset(&world, token, PASSWORD).await, Err(ActionError::WrongToken));
    }
    ask(&world, "iago@zulip.com").await.unwrap();
    let last = self::tokens(&world).await.pop().unwrap();
    world.clock.advance(3 * DAY);
    assert!(world.engine.owner_of_reset_link(&last).await.unwrap().is_none(), "it ends");
}

#[tokio::test]
async fn a_browser_login_ends_links_and_a_login_of_a_program_does_not() {
    let world = world::new().await;
    ask(&world, "iago@zulip.com").await.unwrap();
    let token = tokens(&world).await.remove(0);
    world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.unwrap();
    assert!(world.engine.owner_of_reset_link(&token).await.unwrap().is_some());
    let attempt = LoginAttempt {
        protocol: ProtocolName::ZULIP,
        realm: world.realm("main").await,
        method: LoginMethod::Password {
            who: Identifier::email("iago@zulip.com"),
            secret: password(PASSWORD),
        },
        second_step: SecondStep::Offered(None),
        grant: GrantKind::Token(CredentialKind::WEB_SESSION),
        peer: peer("192.0.2.1"),
    };
    let wrong = LoginMethod::Password { who: Identifier::email("iago@zulip.com"), secret: password("wrong") };
    world.engine.log_in(LoginAttempt { method: wrong, ..attempt.clone() }).await.result.unwrap_err();
    assert!(world.engine.owner_of_reset_link(&token).await.unwrap().is_some());
    world.engine.log_in(attempt).await.result.unwrap();
    assert!(world.engine.owner_of_reset_link(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_browser_that_opened_a_link_stands_for_it_and_spends_nothing() {
    let world = world::new().await;
    ask(&world, "iago@zulip.com").await.unwrap();
    let token = tokens(&world).await.remove(0);
    let none = world.engine.open_reset_link(&Token::new("wrong"), None).await.unwrap();
    assert_eq!(none.map(|_| ()), None);
    let mut cookies = Vec::new();
    for _ in 0..7 {
        cookies.push(world.engine.open_reset_link(&token, None).await.unwrap().unwrap());
    }
    let own = Token::new("the-cookie-of-a-session");
    for _ in 0..2 {
        let kept = world.engine.open_reset_link(&token, Some(&own)).await.unwrap().unwrap();
        assert_eq!(kept.expose(), own.expose());
    }
    // A cookie opens no further browser.
    assert!(world.engine.open_reset_link(&cookies[6], None).await.unwrap().is_none());
    assert!(world.engine.owner_of_reset_link(&cookies[0]).await.unwrap().is_none(), "of the oldest");
    for cookie in [&token, &cookies[6], &own] {
        let owner = world.engine.owner_of_reset_link(cookie).await.unwrap().unwrap();
        assert_eq!(owner.user.external_number(ProtocolName::ZULIP), 1);
    }
    assert!(matches!(reset(&world, &own, "12345678").await, Err(ActionError::WeakPassword(_))));
    assert_eq!(reset(&world, &own, NEW).await, Ok(()));
    for cookie in [&token, &cookies[6], &own] {
        assert_eq!(reset(&world, cookie, PASSWORD).await, Err(ActionError::WrongToken));
    }
    assert!(world.log_in(ProtocolName::ZULIP, "iago@zulip.com", NEW).await.is_ok());
}

#[tokio::test]
async fn an_account_without_a_password_gets_one_by_a_link() {
    let world = world::new().await;
    ask(&world, "othello@zulip.com").await.unwrap();
    let token = tokens(&world).await.remove(0);
    assert_eq!(reset(&world, &token, NEW).await, Ok(()));
    assert!(world.log_in(ProtocolName::ZULIP, "othello@zulip.com", NEW).await.is_ok());
}

#[tokio::test]
async fn an_address_gets_two_mails_in_an_hour_and_five_in_a_day_from_all_servers_together() {
    // Of a store that counts for several servers.
    let realm = RealmBuilder::new("main").build();
    let iago = UserBuilder::new("iago").email("iago@zulip.com").realm(realm.id).new_user(None);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_realm(realm).with_user(iago));
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), limited(), 1), clock).await;
    let other = world.beside(limited()).await;
    let mut asked = 0;
    let mut told = async |engine: &Engine| {
        asked += 1;
        let client = format!("192.0.2.{asked}");
        ask_at(engine, &world, "main", "nobody@zulip.com", &client).await
    };
    assert!(told(&world.engine).await.is_ok());
    assert!(told(&other).await.is_ok());
    let third = told(&world.engine).await;
    let Err(ActionError::TooManyAttempts(wait)) = third else { panic!("a third: {third:?}") };
    assert_eq!(wait, Duration::from_secs(3600));
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(3601));
        assert!(told(&other).await.is_ok());
    }
    world.clock.advance(Duration::from_secs(3601));
    assert!(matches!(told(&world.engine).await, Err(ActionError::TooManyAttempts(_))), "a sixth");
    assert_eq!(mails(&world).await.len(), 5);
}

#[tokio::test]
async fn a_client_has_five_mails_sent_in_a_day_and_is_told_how_many_are_left() {
    let world = world::with(limited()).await;
    let start = world.clock.now();
    for left in (0..5_u32).rev() {
        let reply = ask(&world, &format!("nobody{left}@zulip.com")).await.unwrap();
        let expected = RateLimitStatus { limit: 5, remaining: left, reset: start + DAY, retry_after: None };
        assert_eq!(reply.rate_limit, Some(expected));
    }
    assert_eq!(ask(&world, "last@zulip.com").await, Err(ActionError::TooManyAttempts(DAY)));
    assert!(ask_at(&world.engine, &world, "main", "last@zulip.com", "192.0.2.2").await.is_ok());
}

#[tokio::test]
async fn spellings_of_an_address_share_a_count_unless_the_real_way_is_asked_for() {
    let exact = |point: Option<auth_core::ExactPoint>| -> Config {
        let mut config = limited();
        config.zulip.exact = auth_core::Exact::only(point);
        config
    };
    for (point, third_is_mailed) in
        [(None, false), (Some(auth_engine::rules::RESET_LIMIT_BY_TYPED_ADDRESS), true)]
    {
        let world = world::with(exact(point)).await;
        ask(&world, "iago@zulip.com").await.unwrap();
        ask(&world, "Iago@zulip.com").await.unwrap();
        assert_eq!(ask(&world, "IAGO@zulip.com").await.is_ok(), third_is_mailed, "{point:?}");
    }
}

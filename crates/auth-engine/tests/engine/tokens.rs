//! Login tokens and personal ones: made, listed, ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Act, ActionError, AuditFilter, Caller, Grant, Identifier, LogPage, PersonalTokens, PresentedFactor,
    ProtocolName, Sessions, Token, UserId,
};

use auth_engine::testing::{PASSWORD, World, config};

use crate::signed_in::{SignedIn, none};
use crate::world;

const ADMIN: &str = r#"{"kind":"user","realm":"main","username":"admin","role":"admin","password":"correct-horse-battery-9876"}"#;

/// A user by the id under which Rocket.Chat shows it.
fn by_id(id: &str) -> Identifier {
    Identifier::external(ProtocolName::ROCKETCHAT, id)
}

async fn personal(
    world: &World,
    caller: &Caller<'_>,
    name: &str,
    bypass: bool,
) -> Result<Token, ActionError> {
    world.engine.create_personal_token(caller, name, bypass).await
}

#[tokio::test]
async fn personal_tokens_are_named_listed_renewed_and_removed() {
    let world = world::new().await;
    let (iago, factor) = (SignedIn::new(&world, "iago").await, none());
    let caller = iago.caller(&factor);
    let list = async || world.engine.personal_tokens(&caller).await.unwrap();
    assert!(list().await.is_empty());

    let first = personal(&world, &caller, "bot", true).await.unwrap();
    let second = personal(&world, &caller, "läptop", false).await.unwrap();
    assert_eq!(personal(&world, &caller, "bot", false).await, Err(ActionError::TokenExists));
    for bad in ["", &"x".repeat(257), "a\u{1b}[2J", "a\nb", "a\u{9b}b", "ad\u{202e}nim"] {
        assert_eq!(personal(&world, &caller, bad, false).await, Err(ActionError::BadTokenName), "{bad:?}");
    }
    let shown: Vec<_> =
        list().await.into_iter().map(|t| (t.name, t.last_part, t.bypass_second_factor)).collect();
    let last = |token: &Token| token.expose()[37..].to_owned();
    assert_eq!(shown, [("bot".into(), last(&first), true), ("läptop".into(), last(&second), false)]);
    assert!(SignedIn::with(&world, "iago", first.clone()).await.principal.expires.is_none());

    let renewed = world.engine.replace_personal_token(&caller, "bot").await.unwrap();
    let bot = SignedIn::with(&world, "iago", renewed).await;
    assert!(bot.principal.bypass_second_factor, "the flag is kept");
    assert!(!SignedIn { token: first, ..bot }.is_good(&world).await);
    assert_eq!(list().await.len(), 2);

    assert_eq!(world.engine.remove_personal_token(&caller, "bot").await, Ok(()));
    assert_eq!(world.engine.remove_personal_token(&caller, "bot").await, Err(ActionError::NoSuchToken));
    let none = world.engine.replace_personal_token(&caller, "bot").await;
    assert_eq!(none.unwrap_err(), ActionError::NoSuchToken);
}

#[tokio::test]
async fn of_parallel_tokens_of_one_name_one_is_made() {
    let world = world::new().await;
    let (iago, factor) = (SignedIn::new(&world, "iago").await, none());
    let caller = iago.caller(&factor);
    let made = futures_util::future::join_all((0..8).map(|_| personal(&world, &caller, "bot", false))).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    let renewed = (0..4).map(|_| world.engine.replace_personal_token(&caller, "bot"));
    let renewed = futures_util::future::join_all(renewed).await;
    assert!(renewed.iter().any(Result::is_ok));
    assert_eq!(world.engine.personal_tokens(&caller).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_has_a_hundred_personal_tokens_at_most() {
    let world = world::new().await;
    let (iago, factor) = (SignedIn::new(&world, "iago").await, none());
    let caller = iago.caller(&factor);
    for number in 0..95 {
        personal(&world, &caller, &format!("bot {number}"), false).await.unwrap();
    }
    let names: Vec<String> = (95..115).map(|number| format!("bot {number}")).collect();
    let made =
        futures_util::future::join_all(names.iter().map(|name| personal(&world, &caller, name, false))).await;
    assert!(made.iter().all(|made| matches!(made, Ok(_) | Err(ActionError::TooManyTokens))), "{made:?}");
    let count = async || world.engine.personal_tokens(&caller).await.unwrap().len();
    assert!(count().await <= 100, "also of parallel requests");
    while count().await < 100 {
        personal(&world, &caller, &format!("filler {}", count().await), false).await.unwrap();
    }
    assert_eq!(personal(&world, &caller, "one more", false).await, Err(ActionError::TooManyTokens));
    assert!(
        world.engine.replace_personal_token(&caller, "bot 7").await.is_ok(),
        "one takes the place of another"
    );
    assert_eq!(count().await, 100);
    assert_eq!(world.engine.remove_personal_token(&caller, "bot 7").await, Ok(()));
    assert!(personal(&world, &caller, "one more", false).await.is_ok());
}

#[tokio::test]
async fn personal_tokens_take_a_permission() {
    let world = world::new().await;
    world::import(&world, r#"{"kind":"user","realm":"main","username":"guest","role":"guest","password":"correct-horse-battery-9876"}"#)
        .await;
    let (guest, factor) = (SignedIn::new(&world, "guest").await, none());
    let caller = guest.caller(&factor);
    assert_eq!(personal(&world, &caller, "bot", false).await, Err(ActionError::NotPermitted));
    assert_eq!(world.engine.personal_tokens(&caller).await, Err(ActionError::NotPermitted));
}

#[tokio::test]
async fn other_sessions_end_but_neither_the_own_nor_personal_tokens() {
    let world = world::new().await;
    let (own, other) = (SignedIn::new(&world, "iago").await, SignedIn::new(&world, "iago").await);
    let stranger = SignedIn::new(&world, "totp").await;
    let factor = none();
    let bot = personal(&world, &own.caller(&factor), "bot", false).await.unwrap();
    let bot = SignedIn::with(&world, "iago", bot).await;
    assert_eq!(world.engine.end_other_sessions(&own.caller(&factor)).await, Ok(()));
    for (session, good) in [(&own, true), (&other, false), (&bot, true), (&stranger, true)] {
        assert_eq!(session.is_good(&world).await, good);
    }
    // A personal token is no login token that would be spared.
    assert_eq!(world.engine.end_other_sessions(&bot.caller(&factor)).await, Ok(()));
    assert_eq!((own.is_good(&world).await, bot.is_good(&world).await), (false, true));
}

#[tokio::test]
async fn another_token_ends_when_the_one_presented_would_and_a_revoked_one_gives_none() {
    let world = world::new().await;
    let (own, factor) = (SignedIn::new(&world, "iago").await, none());
    let bot = personal(&world, &own.caller(&factor), "bot", false).await.unwrap();
    let bot = SignedIn::with(&world, "iago", bot).await;
    world.clock.advance(Duration::from_secs(24 * 3600));
    let another = world.engine.another_session(&own.caller(&factor)).await;
    let Ok(Grant::Token { token, expires }) = another else { panic!("{another:?}") };
    assert!(own.principal.expires.is_some());
    assert_eq!(expires, own.principal.expires, "no later");
    let another = SignedIn::with(&world, "iago", token).await;
    assert_eq!((own.is_good(&world).await, another.is_good(&world).await), (true, true));
    let refused = world.engine.another_session(&bot.caller(&factor)).await;
    assert_eq!(refused.err(), Some(ActionError::NotPermitted), "a personal token has no end to keep to");

    world.engine.end_other_sessions(&another.caller(&factor)).await.unwrap();
    assert_eq!((own.is_good(&world).await, another.is_good(&world).await), (false, true));
    assert!(world.engine.another_session(&own.caller(&factor)).await.is_err(), "it is revoked");
    let rows = world.store.audit_rows(&AuditFilter::default(), LogPage::newest(99)).await.unwrap();
    let made = rows.iter().filter(|row| row.record.act == Act::SessionMade).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn all_tokens_of_an_account_end_together() {
    let world = world::new().await;
    world::import(&world, ADMIN).await;
    let factor = none();
    let admin = SignedIn::new(&world, "admin").await;
    for (by_admin, named) in [(false, false), (false, true), (true, true)] {
        let iago = SignedIn::new(&world, "iago").await;
        let name = if by_admin {
            "a"
        } else if named {
            "b"
        } else {
            "c"
        };
        let bot = personal(&world, &iago.caller(&factor), name, false).await.unwrap();
        let bot = SignedIn::with(&world, "iago", bot).await;
        let id = by_id(iago.principal.profile.user.external_text(ProtocolName::ROCKETCHAT));
        let caller = if by_admin { admin.caller(&factor) } else { iago.caller(&factor) };
        let ended = world.engine.end_sessions(&caller, named.then_some(&id)).await.unwrap();
        assert_eq!(ended.user.id, iago.principal.profile.user.id);
        assert_eq!((iago.is_good(&world).await, bot.is_good(&world).await), (false, false));
    }
    assert!(admin.is_good(&world).await);
}

#[tokio::test]
async fn whoever_names_itself_by_a_name_of_its_own_needs_no_permission() {
    let world = world::new().await;
    let factor = none();
    for (of, denied) in [
        (Identifier::user_name("iago"), None),
        (Identifier::email("iago@zulip.com"), None),
        (Identifier::email("iago"), Some(ActionError::NotPermitted)),
        (Identifier::user_name("iago@zulip.com"), Some(ActionError::NotPermitted)),
        (Identifier::user_name("othello"), Some(ActionError::NotPermitted)),
    ] {
        let iago = SignedIn::new(&world, "iago").await;
        let ended = world.engine.end_sessions(&iago.caller(&factor), Some(&of)).await;
        assert_eq!(ended.err(), denied, "{of:?}");
    }
}

#[tokio::test]
async fn other_users_take_a_permission_and_nobody_is_told_who_is_there() {
    let world = world::new().await;
    world::import(&world, ADMIN).await;
    let factor = none();
    let (iago, admin) = (SignedIn::new(&world, "iago").await, SignedIn::new(&world, "admin").await);
    for (who, there, denied) in [
        (&iago, true, Some(ActionError::NotPermitted)),
        (&iago, false, Some(ActionError::NotPermitted)),
        (&admin, true, None),
        (&admin, false, Some(ActionError::NoSuchUser)),
    ] {
        let id = if there { world.rocketchat_id("othello").await } else { "nobody".into() };
        let ended = world.engine.end_sessions(&who.caller(&factor), Some(&by_id(&id))).await;
        assert_eq!(ended.err(), denied, "{there}");
    }
    // Another realm's users are nobody's business.
    let elsewhere = world.find("other", "iago").await.unwrap().user;
    let id = by_id(elsewhere.external_text(ProtocolName::ROCKETCHAT));
    let ended = world.engine.end_sessions(&admin.caller(&factor), Some(&id)).await;
    assert_eq!(ended.err(), Some(ActionError::NoSuchUser));
}

#[tokio::test]
async fn tokens_are_made_for_callers_that_know_the_operators_secret() {
    let mut secret = config();
    secret.rocketchat.create_token_secret = Some(Token::new("s3cret"));
    for (config, user, secret, of, denied) in [
        (&secret, "iago", "s3cret", "iago", None),
        (&secret, "iago", "S3cret", "iago", Some(ActionError::NotPermitted)),
        (&secret, "iago", "", "iago", Some(ActionError::NotPermitted)),
        (&secret, "iago", "s3cret", "othello", Some(ActionError::NotPermitted)),
        (&secret, "admin", "s3cret", "othello", None),
        (&secret, "admin", "s3cret", "nobody", Some(ActionError::NoSuchUser)),
        (&secret, "admin", "s3cret", "cordelia", Some(ActionError::NoSuchUser)),
        (&secret, "admin", "wrong", "othello", Some(ActionError::NotPermitted)),
        (&config(), "admin", "", "admin", Some(ActionError::NotPermitted)),
    ] {
        let world = world::with(config.clone()).await;
        world::import(&world, ADMIN).await;
        let (caller, factor) = (SignedIn::new(&world, user).await, PresentedFactor::default());
        let of_user = Identifier::user_name(of);
        let made = world.engine.create_session(&caller.caller(&factor), &of_user, &Token::new(secret)).await;
        match made {
            Ok((profile, Grant::Token { token, expires })) => {
                assert_eq!(denied, None, "{user} for {of}");
                assert!(expires.is_some());
                let session = SignedIn::with(&world, of, token).await;
                assert_eq!(session.principal.profile.user.id, profile.user.id);
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(Some(error), denied, "{user} for {of}"),
        }
    }
}

#[tokio::test]
async fn an_account_that_is_gone_is_told_so() {
    let world = world::new().await;
    let (mut iago, factor) = (SignedIn::new(&world, "iago").await, none());
    Arc::make_mut(&mut iago.principal.profile.user).id = UserId::from_bytes([9; 16]);
    assert_eq!(personal(&world, &iago.caller(&factor), "bot", false).await, Err(ActionError::NoSuchUser));
    let ended = world.engine.end_sessions(&iago.caller(&factor), None).await;
    assert_eq!(ended.err(), Some(ActionError::NoSuchUser));
}

#[tokio::test]
async fn no_token_comes_twice_and_each_is_good() {
    let world = world::new().await;
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let session = SignedIn::new(&world, "iago").await;
        assert!(session.is_good(&world).await);
        assert!(seen.insert(session.token.expose().to_owned()));
    }
    assert!(world.log_in(ProtocolName::ROCKETCHAT, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn the_principal_of_a_token_says_whether_there_is_a_password() {
    let world = world::new().await;
    let iago = SignedIn::new(&world, "iago").await;
    // First as it is read, then from the cache.
    for _ in 0..2 {
        let again = SignedIn::with(&world, "iago", iago.token.clone()).await;
        assert!(again.principal.profile.has_password);
    }
}

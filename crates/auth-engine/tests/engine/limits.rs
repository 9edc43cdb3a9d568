//! Limits: what counts, what it stops, and whom it does not.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use auth_core::testing::{MemoryStore, RealmBuilder, UserBuilder};
use auth_core::{
    Authenticator, Clock, Exact, FailureReason, LoginError, LoginReply, ManualClock, Peer, ProtocolName,
    Quota, RequestLimits, Store,
};
use auth_engine::{CommonQuotas, Config, Engine};

use auth_engine::rules::{ASSERTION_WITHOUT_END, LIMIT_BY_TYPED_NAME, STATE_BEFORE_PASSWORD};
use auth_engine::testing::{PASSWORD, START, World, builder, config, limited, peer, result, ring};
use futures_util::FutureExt;

use crate::world;

const HALF_HOUR: Duration = Duration::from_secs(1800);

async fn zulip_limited(exact: bool) -> World {
    let mut limited = config();
    limited.zulip.login_limit = Some(Quota { attempts: 5, window: HALF_HOUR });
    if exact {
        limited.zulip.exact =
            Exact::only([STATE_BEFORE_PASSWORD, LIMIT_BY_TYPED_NAME, ASSERTION_WITHOUT_END]);
    }
    world::with(limited).await
}

#[tokio::test]
async fn zulip_limit_stands_in_every_reply_and_refuses_the_right_password_too() {
    let world = zulip_limited(false).await;
    for remaining in [4, 3, 2, 1, 0] {
        let attempt = world.attempt("main", ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
        assert_eq!(world.ask(attempt).await.rate_limit.unwrap().remaining, remaining);
    }
    let attempt = world.attempt("main", ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await;
    let reply = world.ask(attempt).await;
    assert_eq!(reply.rate_limit.unwrap().retry_after, Some(HALF_HOUR));
    assert_eq!(result(reply).unwrap_err(), LoginError::AccountLimited { retry_after: HALF_HOUR });
}

#[tokio::test]
async fn refused_attempts_never_extend_a_limit_and_it_ends() {
    let world = zulip_limited(false).await;
    for _ in 0..5 {
        let _ = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
    }
    for _ in 0..100 {
        world.clock.advance(Duration::from_secs(17));
        assert!(world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.is_err());
    }
    world.clock.advance(Duration::from_secs(101));
    assert!(world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn success_begins_the_zulip_limit_anew_but_shows_the_count_before() {
    let world = zulip_limited(false).await;
    for _ in 0..4 {
        let _ = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
    }
    let attempt = world.attempt("main", ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await;
    assert_eq!(world.ask(attempt).await.rate_limit.unwrap().remaining, 0);
    let attempt = world.attempt("main", ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
    assert_eq!(world.ask(attempt).await.rate_limit.unwrap().remaining, 4);
}

#[tokio::test]
async fn another_spelling_is_the_same_account_unless_exact() {
    for (exact, refused) in [(false, true), (true, false)] {
        let world = zulip_limited(exact).await;
        for _ in 0..5 {
            let _ = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
        }
        let same = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await;
        assert!(matches!(same, Err(LoginError::AccountLimited { .. })), "exact: {exact}: {same:?}");
        let told = world.log_in(ProtocolName::ZULIP, "IAGO@zulip.com", PASSWORD).await;
        assert_eq!(told.is_err(), refused, "exact: {exact}");
    }
}

#[tokio::test]
async fn nobody_is_locked_out_by_attempts_from_elsewhere() {
    let mut both = limited();
    both.zulip.login_limit = Some(Quota { attempts: 5, window: HALF_HOUR });
    both.rocketchat.block_by_user = Some(Quota { attempts: 10, window: HALF_HOUR });
    let world = world::with(both).await;
    for (protocol, who) in [(ProtocolName::ZULIP, "iago@zulip.com"), (ProtocolName::ROCKETCHAT, "iago")] {
        for _ in 0..200 {
            let mut attempt = world.attempt("main", protocol, who, "wrong").await;
            attempt.peer = peer("203.0.113.9");
            let _ = world.ask(attempt).await;
        }
        assert!(world.log_in(protocol, who, PASSWORD).await.is_ok(), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_hundred_parallel_guesses_are_a_hundred_attempts() {
    let world = world::with(limited()).await;
    let attempt = world.attempt("main", ProtocolName::ZETTELSTORE, "iago", "wrong").await;
    let guesses = (0..100).map(|_| world.ask(attempt.clone()));
    let replies = futures_util::future::join_all(guesses).await;
    let is_judged = |reply: &LoginReply| matches!(&reply.result, Err(LoginError::Credentials(_)));
    let judged = replies.iter().filter(|reply| is_judged(reply)).count();
    assert_eq!(judged, 10);
}

#[tokio::test]
async fn a_client_key_is_limited_across_accounts_and_protocols() {
    let world = world::with(limited()).await;
    for number in 0..100 {
        let protocol = if number % 2 == 0 { ProtocolName::ZETTELSTORE } else { ProtocolName::ROCKETCHAT };
        let _ = world.log_in(protocol, &format!("user{number}"), "wrong").await;
    }
    let refused = world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.unwrap_err();
    assert!(matches!(refused, LoginError::ClientLimited { .. }), "{refused:?}");
    world.clock.advance(Duration::from_secs(901));
    assert!(world.log_in(ProtocolName::ZETTELSTORE, "iago", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn unknown_names_are_limited_like_known_ones() {
    let world = world::with(limited()).await;
    for who in ["iago", "nobody"] {
        for _ in 0..10 {
            let refused = world.log_in(ProtocolName::ZETTELSTORE, who, "wrong").await.unwrap_err();
            assert!(matches!(refused, LoginError::Credentials(_)), "{refused:?}");
        }
        let refused = world.log_in(ProtocolName::ZETTELSTORE, who, "wrong").await.unwrap_err();
        assert!(matches!(refused, LoginError::AccountLimited { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn an_account_that_was_tried_too_often_under_two_names_is_as_much_work_as_a_name_that_nobody_has() {
    let world = world::with(limited()).await;
    let refusal = async |protocol, who: &str| {
        let before = world.pool.metrics().begun;
        let refused = world.log_in(protocol, who, "wrong").await.unwrap_err();
        (refused, world.pool.metrics().begun - before)
    };
    let names = [(ProtocolName::ROCKETCHAT, "iago"), (ProtocolName::ZULIP, "iago@zulip.com")];
    for (protocol, who) in names {
        for _ in 0..5 {
            let told = (LoginError::Credentials(FailureReason::WrongPassword), 1);
            assert_eq!(refusal(protocol, who).await, told, "{who}");
        }
    }
    for (protocol, who) in names {
        let told = (LoginError::Credentials(FailureReason::TooManyAttempts), 1);
        assert_eq!(refusal(protocol, who).await, told, "{who}");
    }
    let told = (LoginError::Credentials(FailureReason::UnknownUser), 1);
    assert_eq!(refusal(ProtocolName::ZULIP, "nobody").await, told);
}

#[tokio::test]
async fn rocketchats_clients_are_not_told_the_status_of_its_blocks() {
    let mut blocked = config();
    blocked.rocketchat.block_by_user = Some(Quota { attempts: 2, window: HALF_HOUR });
    let world = world::with(blocked).await;
    for judged in [true, true, false] {
        let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "iago", "wrong").await;
        let reply = world.ask(attempt).await;
        assert_eq!(matches!(reply.result, Err(LoginError::Credentials(_))), judged, "{reply:?}");
        assert_eq!(reply.rate_limit, None);
    }
}

#[tokio::test]
async fn calls_are_limited_by_route_and_client_key_and_the_window_begins_with_the_first() {
    let minute = Duration::from_secs(60);
    let mut limits = config();
    limits.rocketchat.api_limit = Some(Quota { attempts: 3, window: minute });
    let world = world::with(limits).await;
    let call = |protocol, route, from| world.engine.admit(protocol, route, &peer(from));
    for number in 0..3 {
        let status = call(ProtocolName::ROCKETCHAT, "me", "192.0.2.1").unwrap();
        assert_eq!((status.limit, status.remaining, status.retry_after), (3, 2 - number, None));
        assert_eq!(status.reset, START + minute);
        world.clock.advance(Duration::from_secs(1));
    }
    let refused = call(ProtocolName::ROCKETCHAT, "me", "192.0.2.1").unwrap();
    assert_eq!(refused.retry_after, Some(Duration::from_secs(57)));
    assert_eq!(refused.reset, START + minute);
    for (route, from) in [("info", "192.0.2.1"), ("me", "192.0.2.2")] {
        assert_eq!(call(ProtocolName::ROCKETCHAT, route, from).unwrap().remaining, 2, "{route} {from}");
    }
    assert_eq!(call(ProtocolName::ZULIP, "me", "192.0.2.1"), None, "a protocol without such a limit");
    for number in 0..300 {
        assert_eq!(call(ProtocolName::WEB, "/sign-in", "192.0.2.1").unwrap().remaining, 299 - number);
    }
    assert!(call(ProtocolName::WEB, "/sign-in", "192.0.2.1").unwrap().retry_after.is_some());
}

#[tokio::test]
async fn asking_for_a_second_factor_is_no_failure() {
    let mut blocked = config();
    blocked.rocketchat.block_by_user = Some(Quota { attempts: 2, window: HALF_HOUR });
    let world = world::with(blocked).await;
    for _ in 0..5 {
        let refused = world.log_in_with_code("totp", None).await.unwrap_err();
        assert!(matches!(refused, LoginError::SecondFactorRequired(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_dropped_attempt_still_counts() {
    let world = zulip_limited(false).await;
    let mut dropped = 0;
    for _ in 0..5 {
        let attempt = world.attempt("main", ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
        let asking = world.ask(attempt);
        tokio::pin!(asking);
        // One step reserves and looks up; then the client is gone, unless a busy machine was faster.
        dropped += u32::from(asking.as_mut().now_or_never().is_none());
    }
    assert!(dropped > 0);
    let refused = world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.unwrap_err();
    assert!(matches!(refused, LoginError::AccountLimited { .. }), "{refused:?}");
    assert_eq!(world.clock.now(), START);
}

/// The addresses of a client that is a new one at every attempt.
type Addresses = fn(u16) -> IpAddr;

/// The shared limits with two attempts for a client key, and so many for names and accounts that none is reached.
fn two_per_client() -> Config {
    let window = Duration::from_secs(900);
    let client = Quota { attempts: 2, window };
    let account = Quota { attempts: 10_000, window };
    Config { limits: Some(CommonQuotas { client, account, ..CommonQuotas::default() }), ..config() }
}

/// Judges an attempt with a password from an address; `false` when a limit of clients refused it.
async fn is_judged(world: &World, engine: &Engine, from: IpAddr, password: &str) -> bool {
    let mut attempt = world.attempt("main", ProtocolName::ZETTELSTORE, "iago", password).await;
    attempt.peer = Peer::new(from);
    match engine.log_in(attempt).await.result {
        Ok(_) | Err(LoginError::Credentials(_)) => true,
        Err(LoginError::ClientLimited { .. }) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn networks_of_ipv6_have_four_and_sixteen_times_the_attempts_of_one_client() {
    let cases: [(&str, Addresses, usize); 6] = [
        ("one /64", |n| [0x2001, 0xdb8, 0, 0, 0, 0, 0, n].into(), 2),
        ("one /56", |n| [0x2001, 0xdb8, 0, n, 0, 0, 0, 1].into(), 8),
        ("one /48", |n| [0x2001, 0xdb8, 0, n << 8, 0, 0, 0, 1].into(), 32),
        ("many /48", |n| [0x2001, 0xdb8, n, 0, 0, 0, 0, 1].into(), 50),
        ("IPv4", |n| [192, 0, 2, n.to_be_bytes()[1]].into(), 50),
        ("IPv4 in IPv6", |n| [0, 0, 0, 0, 0, 0xffff, 0xc000, n].into(), 50),
    ];
    for (network, address, most) in cases {
        let world = world::with(two_per_client()).await;
        let mut judged = 0;
        for n in 0..50 {
            judged += usize::from(is_judged(&world, &world.engine, address(n), "wrong").await);
        }
        assert_eq!(judged, most, "{network}");
        world.clock.advance(Duration::from_secs(901));
        assert!(is_judged(&world, &world.engine, address(51), PASSWORD).await, "{network}: every limit ends");
    }
}

#[tokio::test]
async fn successes_and_refused_attempts_use_up_no_attempts_of_a_network() {
    let world = world::with(two_per_client()).await;
    let at = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, n, 0, 0, 0, 1]);
    for n in 0..20 {
        assert!(is_judged(&world, &world.engine, at(n), PASSWORD).await, "{n}");
    }
    // One client is over its own limit; what it tries then costs its neighbours nothing.
    for n in 0..20 {
        assert_eq!(is_judged(&world, &world.engine, at(1), "wrong").await, n < 2);
    }
    for n in 2..8 {
        assert!(is_judged(&world, &world.engine, at(n), "wrong").await, "{n}");
    }
    assert!(!is_judged(&world, &world.engine, at(9), "wrong").await);
}

#[tokio::test]
async fn servers_of_one_store_count_networks_together() {
    let realm = RealmBuilder::new("main").build();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_realm(realm));
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), two_per_client(), 2), clock).await;
    let other = world.beside(two_per_client()).await;
    let mut judged = 0;
    for n in 0..20_u16 {
        let engine = if n % 2 == 0 { &world.engine } else { &other };
        let from = IpAddr::from([0x2001, 0xdb8, 0, n, 0, 0, 0, 1]);
        judged += usize::from(is_judged(&world, engine, from, "wrong").await);
    }
    assert_eq!(judged, 8);
}

#[tokio::test]
async fn what_is_lifted_of_an_account_is_told_in_number_and_leaves_other_names_counted_at_every_server() {
    let realm = RealmBuilder::new("main").build();
    let iago = UserBuilder::new("iago").realm(realm.id).new_user(None);
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_realm(realm).with_user(iago));
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), limited(), 1), clock).await;
    for who in ["iago", "nobody"] {
        for _ in 0..11 {
            assert!(world.log_in(ProtocolName::ZETTELSTORE, who, "wrong").await.is_err());
        }
    }
    let full = async || world.store.full_counters(world.clock.now(), None, 10).await.unwrap().len();
    assert_eq!(full().await, 3, "the account, its name, and the other name");
    let iago = world.account("iago").await.user;
    assert_eq!(
        world.engine.limits().lift_all_of(&iago).await.unwrap(),
        3,
        "the account's own in both places"
    );
    assert_eq!(full().await, 1);
    assert_eq!(world.engine.limits().lift_all_of(&iago).await.unwrap(), 0);
}

#[tokio::test]
async fn what_one_server_of_a_store_lifts_is_soon_forgotten_by_the_others() {
    let realm = RealmBuilder::new("main").build();
    let iago = UserBuilder::new("iago").email("iago@zulip.com").realm(realm.id).new_user(None);
    let user = iago.user.clone();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_realm(realm).with_user(iago));
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), limited(), 1), clock).await;
    let other = world.beside(limited()).await;
    let is_limited = async || {
        let attempt = world.attempt("main", ProtocolName::ZULIP, "iago@zulip.com", "wrong").await;
        matches!(result(other.log_in(attempt).await), Err(LoginError::AccountLimited { .. }))
    };
    for _ in 0..10 {
        assert!(!is_limited().await);
    }
    assert!(is_limited().await);
    assert!(world.engine.limits().lift_all_of(&user).await.unwrap() > 0);
    assert!(is_limited().await, "the other server has not yet looked");
    other.refresh_caches().await.unwrap();
    assert!(!is_limited().await);
}

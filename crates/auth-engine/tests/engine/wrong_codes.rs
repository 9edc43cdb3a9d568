//! How many wrong codes of a second factor an account takes, and from whom.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    ActionError, Authenticator, Challenge, Clock, Credential, CredentialKind, FactorMethod, LoginError,
    ManualClock, OneTimeCode, PersonalTokens, ProtocolName, Quota, SecondFactors, SecondStep, SeededRng,
    Store,
};
use auth_engine::testing::{PASSWORD, START, USERS, World, builder, config, limited, peer, result, ring};
use auth_engine::{CommonQuotas, Config};
use auth_store::{Postgres, PostgresConfig};
use test_postgres::Cluster;

use crate::signed_in::{SignedIn, code, device_code, none};
use crate::world;

const QUARTER: Duration = Duration::from_secs(15 * 60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const STEP: Duration = Duration::from_secs(30);

/// Clients that the account has logged in from.
const KNOWN: [&str; 3] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];

/// Limits of which only that of wrong codes is ever reached.
fn codes_limited() -> Config {
    let many = Quota { attempts: 1000, window: QUARTER };
    let limits = CommonQuotas { account: many, client: many, ..CommonQuotas::default() };
    Config { limits: Some(limits), ..config() }
}

#[derive(Debug, PartialEq)]
enum Told {
    In,
    Wrong,
    TooMany,
}

async fn log_in(world: &World, from: &str, code: &str) -> Told {
    let mut attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "totp", PASSWORD).await;
    attempt.peer = peer(from);
    attempt.second_step = SecondStep::Offered(Some(OneTimeCode::new(code)));
    match result(world.ask(attempt).await) {
        Ok(_) => Told::In,
        Err(LoginError::SecondFactorInvalid(_)) => Told::Wrong,
        Err(LoginError::SecondFactorExhausted(challenge)) => {
            assert_eq!(challenge, asked());
            Told::TooMany
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// What a client learns of the factor that was asked for.
fn asked() -> Challenge {
    Challenge { method: FactorMethod::Totp, available: vec![FactorMethod::Totp], mailed: None, ticket: None }
}

/// Logs in with a code that is right and was not used before.
async fn right(world: &World, from: &str) -> Told {
    world.clock.advance(STEP);
    log_in(world, from, &device_code(world.clock.now())).await
}

/// So many wrong codes from each client.
async fn wrong(world: &World, clients: impl IntoIterator<Item = String>, each: u32) {
    for from in clients {
        for number in 0..each {
            assert_eq!(log_in(world, &from, "000000").await, Told::Wrong, "{number} from {from}");
        }
    }
}

fn strangers(count: u8) -> impl Iterator<Item = String> {
    (1..=count).map(|last| format!("203.0.113.{last}"))
}

async fn known_to(world: &World) {
    for client in KNOWN {
        assert_eq!(right(world, client).await, Told::In);
    }
}

#[tokio::test]
async fn one_client_s_wrong_codes_stop_that_client_alone_and_for_its_window() {
    let world = world::with(codes_limited()).await;
    known_to(&world).await;
    for client in ["203.0.113.1", KNOWN[0]] {
        wrong(&world, [client.to_owned()], 10).await;
        assert_eq!(right(&world, client).await, Told::TooMany, "also the right code: {client}");
        assert_eq!(log_in(&world, client, "000000").await, Told::TooMany);
        assert_eq!(right(&world, KNOWN[1]).await, Told::In);
        assert_eq!(right(&world, "203.0.113.2").await, Told::In, "a client that is new to the account");
        world.clock.advance(QUARTER);
        assert_eq!(right(&world, client).await, Told::In);
    }
}

#[tokio::test]
async fn an_account_takes_thirty_wrong_codes_a_day_of_which_five_are_for_clients_that_it_knows() {
    use Told::{In, TooMany};
    // Wrong codes of strangers and of known clients; what a right code is told at a stranger and at a known client.
    for (by_strangers, by_known, at_stranger, at_known) in [
        (24, 0, In, In),
        (25, 0, TooMany, In),
        (25, 4, TooMany, In),
        (25, 5, TooMany, TooMany),
        (0, 24, In, In),
        (0, 29, In, In),
        (0, 30, TooMany, TooMany),
        (12, 17, In, In),
        (12, 18, TooMany, TooMany),
    ] {
        let case = format!("{by_strangers} by strangers, {by_known} by known clients");
        let world = world::with(codes_limited()).await;
        known_to(&world).await;
        let started = world.clock.now();
        for number in 0..by_strangers {
            let from = format!("203.0.113.{}", number % 25 + 1);
            assert_eq!(log_in(&world, &from, "000000").await, Told::Wrong, "{case}");
        }
        for number in 0..by_known {
            assert_eq!(log_in(&world, KNOWN[number % 3], "000000").await, Told::Wrong, "{case}");
        }
        assert_eq!(right(&world, "203.0.113.99").await, at_stranger, "{case}");
        // One that has not tried as many as one client may.
        assert_eq!(right(&world, KNOWN[2]).await, if by_known == 30 { TooMany } else { at_known }, "{case}");
        let passed = world.clock.now().since(started);
        world.clock.advance(DAY - passed);
        if by_strangers + by_known == 30 {
            assert_eq!(
                log_in(&world, KNOWN[2], "000000").await,
                TooMany,
                "{case}: the last moment is included"
            );
        }
        world.clock.advance(STEP);
        for client in ["203.0.113.98", KNOWN[2]] {
            assert_eq!(right(&world, client).await, In, "{case}: and it ends");
        }
    }
}

#[tokio::test]
async fn right_codes_and_refused_ones_do_not_count() {
    let world = world::with(codes_limited()).await;
    for _ in 0..40 {
        assert_eq!(right(&world, KNOWN[0]).await, Told::In);
    }
    wrong(&world, strangers(2), 10).await;
    for from in strangers(2) {
        for _ in 0..50 {
            assert_eq!(log_in(&world, &from, "000000").await, Told::TooMany);
        }
    }
    wrong(&world, ["203.0.113.3".to_owned()], 5).await;
    assert_eq!(log_in(&world, "203.0.113.4", "000000").await, Told::TooMany, "twenty-five were judged");
    assert_eq!(right(&world, KNOWN[0]).await, Told::In);
}

#[tokio::test]
async fn each_limit_of_codes_is_lifted_by_itself() {
    use Told::{In, TooMany};
    let world = world::with(codes_limited()).await;
    known_to(&world).await;
    wrong(&world, strangers(2), 10).await;
    wrong(&world, ["203.0.113.3", KNOWN[1]].map(str::to_owned), 5).await;
    let closed = world.engine.limits().closed().await.unwrap();
    for (limit, stranger, known, first) in [
        ("nothing", TooMany, TooMany, TooMany),
        ("account from anywhere", TooMany, In, TooMany),
        ("account from unknown clients", In, In, TooMany),
        ("account from client 203.0.113.1", In, In, In),
    ] {
        let label = format!("second factors: {limit}");
        if let Some(closed) = closed.iter().find(|closed| closed.label == label) {
            assert!(world.engine.limits().lift(&closed.key).await.unwrap(), "{limit}");
        }
        assert_eq!(right(&world, KNOWN[0]).await, known, "{limit}");
        assert_eq!(right(&world, "203.0.113.1").await, first, "{limit}");
        assert_eq!(right(&world, "203.0.113.99").await, stranger, "{limit}");
    }
    assert_eq!(right(&world, "203.0.113.2").await, TooMany, "its limit was not lifted");
}

#[tokio::test]
async fn wrong_codes_count_alike_wherever_they_are_shown() {
    let world = world::with(limited()).await;
    let totp = SignedIn::new(&world, "totp").await;
    world.clock.advance(STEP);
    let (nothing, wrong) = (none(), code("000000"));
    let one_time = OneTimeCode::new("000000");
    let is_too_many = |told: Option<ActionError>| match told {
        Some(ActionError::SecondFactorExhausted(challenge)) => {
            assert_eq!(challenge, asked());
            true
        }
        Some(ActionError::SecondFactorInvalid(_) | ActionError::WrongCode) | None => false,
        Some(other) => panic!("{other:?}"),
    };
    for round in 0..4 {
        let told = [
            is_too_many(world.engine.remove_personal_token(&totp.caller(&wrong), "none").await.err()),
            is_too_many(world.engine.remove_device(&totp.caller(&nothing), &one_time).await.err()),
            is_too_many(world.engine.renew_backup_codes(&totp.caller(&nothing), &one_time).await.err()),
            is_too_many(world.engine.waive_mailed_codes(&totp.caller(&wrong)).await.err()),
        ];
        // Three times four would be twelve.
        let expected = match round {
            0 | 1 => [false; 4],
            2 => [false, false, true, true],
            _ => [true; 4],
        };
        assert_eq!(told, expected, "round {round}");
    }
    assert_eq!(
        log_in(&world, KNOWN[0], &device_code(world.clock.now())).await,
        Told::TooMany,
        "at a login too"
    );

    let iago = SignedIn::new(&world, "iago").await;
    let caller = iago.caller(&nothing);
    world.engine.enrol_device(&caller).await.unwrap();
    for _ in 0..10 {
        assert_eq!(world.engine.confirm_device(&caller, &one_time).await, Err(ActionError::WrongCode));
    }
    let told = world.engine.confirm_device(&caller, &one_time).await;
    assert!(matches!(told, Err(ActionError::SecondFactorExhausted(_))), "{told:?}");
}

#[tokio::test]
async fn codes_that_the_server_can_not_check_do_not_count() {
    let world = world::with(limited()).await;
    let iago = SignedIn::new(&world, "iago").await;
    let (nothing, one_time) = (none(), OneTimeCode::new("000000"));
    world.engine.enrol_device(&iago.caller(&nothing)).await.unwrap();
    for (who, kind) in [("iago", CredentialKind::PENDING_TOTP), ("totp", CredentialKind::TOTP)] {
        let user = world.account(who).await.user.id;
        let device = world.store.of_user(user, kind).await.unwrap().pop().unwrap();
        assert!(world.store.remove(device.id, None).await.unwrap());
        let unreadable = Credential { sealed: Some(vec![7; 40]), ..device };
        assert!(world.store.add(&unreadable, u32::MAX, None).await.unwrap());
    }
    for number in 0..40 {
        let told = world.engine.confirm_device(&iago.caller(&nothing), &one_time).await;
        assert!(matches!(told, Err(ActionError::Internal(_))), "{number}: {told:?}");
        let mut attempt = world.attempt("main", ProtocolName::ROCKETCHAT, "totp", PASSWORD).await;
        attempt.second_step = SecondStep::Offered(Some(one_time.clone()));
        let told = result(world.engine.log_in(attempt).await);
        assert!(matches!(told, Err(LoginError::Internal(_))), "{number}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_one_store_count_together() {
    let database = PostgresConfig::new(Cluster::shared().unwrap().database().unwrap());
    let store = Postgres::open(&database, Arc::new(SeededRng::new(9))).await.unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let clock = Arc::new(ManualClock::at(START));
    let world = World::open(builder(&store, &clock, &ring(), codes_limited(), 2), Arc::clone(&clock)).await;
    world::import(&world, USERS).await;
    known_to(&world).await;
    // The other server knows from the attempt log where the account has logged in from.
    let other = World::open(world.builder(&ring(), codes_limited(), 2), clock).await;
    wrong(&world, strangers(5), 3).await;
    wrong(&other, strangers(5), 2).await;
    for server in [&world, &other] {
        assert_eq!(right(server, "203.0.113.99").await, Told::TooMany);
        assert_eq!(right(server, KNOWN[0]).await, Told::In);
    }
    wrong(&other, [KNOWN[1].to_owned()], 5).await;
    for server in [&world, &other] {
        assert_eq!(right(server, KNOWN[0]).await, Told::TooMany);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_prolongs_no_limit_of_codes() {
    let world = world::with(codes_limited()).await;
    wrong(&world, strangers(25), 1).await;
    world.clock.set_back(5 * DAY);
    assert_eq!(log_in(&world, "203.0.113.99", "000000").await, Told::TooMany, "nothing is forgotten");
    world.clock.advance(DAY + STEP);
    assert_eq!(log_in(&world, "203.0.113.99", "000000").await, Told::Wrong);
}

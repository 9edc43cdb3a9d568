//! Rocket.Chat's blocks after failed logins: the safe conduct, and that of the real server.

use std::time::Duration;

use auth_core::{
    Exact, FailureReason, Identifier, LoginAttempt, LoginError, OneTimeCode, ProtocolName, Quota, SecondStep,
};

use auth_engine::rules::BLOCK_BY_TYPED_NAME;
use auth_engine::testing::{PASSWORD, World, config, limited, peer, result};

use crate::signed_in::attempt_as;
use crate::world;

const WINDOW: Duration = Duration::from_secs(300);

async fn blocking(by_user: u32, by_address: u32, exact: bool) -> World {
    let mut config = config();
    config.rocketchat.block_by_user = Some(Quota { attempts: by_user, window: WINDOW });
    config.rocketchat.block_by_address = Some(Quota { attempts: by_address, window: WINDOW });
    if exact {
        config.rocketchat.exact = Exact::only([BLOCK_BY_TYPED_NAME]);
    }
    world::with(config).await
}

#[derive(Debug, PartialEq)]
enum Told {
    In,
    Wrong,
    /// As wrong, whatever the password.
    Unjudged,
    ByUser,
    ByAddress,
    Code,
}

async fn tell(world: &World, attempt: LoginAttempt) -> Told {
    match result(world.ask(attempt).await) {
        Ok(_) => Told::In,
        Err(LoginError::Credentials(FailureReason::TooManyAttempts)) => Told::Unjudged,
        Err(LoginError::Credentials(_) | LoginError::SecondFactorInvalid(_)) => Told::Wrong,
        Err(LoginError::AccountLimited { .. }) => Told::ByUser,
        Err(LoginError::ClientLimited { .. }) => Told::ByAddress,
        Err(LoginError::SecondFactorRequired(_)) => Told::Code,
        Err(other) => panic!("{other:?}"),
    }
}

async fn by_name(world: &World, name: &str, password: &str) -> Told {
    tell(world, attempt_as(world, Identifier::user_name(name), password).await).await
}

async fn by_address(world: &World, address: &str, password: &str) -> Told {
    tell(world, attempt_as(world, Identifier::email(address), password).await).await
}

async fn from(world: &World, address: &str, name: &str, password: &str) -> Told {
    let attempt = attempt_as(world, Identifier::user_name(name), password).await;
    tell(world, LoginAttempt { peer: peer(address), ..attempt }).await
}

#[tokio::test]
async fn all_names_of_an_account_share_one_count() {
    for exact in [false, true] {
        let world = blocking(4, 100, exact).await;
        assert_eq!(by_name(&world, "iago", "wrong").await, Told::Wrong);
        assert_eq!(by_name(&world, "IAGO", "wrong").await, Told::Wrong);
        assert_eq!(by_address(&world, "iago@zulip.com", "wrong").await, Told::Wrong);
        assert_eq!(by_address(&world, "Iago@Zulip.com", "wrong").await, Told::Wrong);
        // Names that are nobody's would not be blocked yet: a block would tell that these two are one account's.
        let told = by_name(&world, "iago", PASSWORD).await;
        assert_eq!(told, if exact { Told::ByUser } else { Told::Unjudged });
        // The real server doesn't test who sends an address.
        let told = by_address(&world, "iago@zulip.com", PASSWORD).await;
        assert_eq!(told, if exact { Told::In } else { Told::Unjudged });
    }
}

#[tokio::test]
async fn the_shared_limit_counts_an_account_under_all_its_names_at_all_protocols() {
    let world = world::with(limited()).await;
    let id = world.rocketchat_id("iago").await;
    let mut judged = 0;
    for round in 0..12 {
        let attempt = match round % 4 {
            0 => attempt_as(&world, Identifier::user_name("iago"), "wrong").await,
            1 => {
                attempt_as(&world, Identifier::external(ProtocolName::ROCKETCHAT, id.clone()), "wrong").await
            }
            2 => world.attempt("main", ProtocolName::ZULIP, "iago@zulip.com", "wrong").await,
            _ => world.attempt("main", ProtocolName::ZETTELSTORE, "iago", "wrong").await,
        };
        match tell(&world, attempt).await {
            Told::Wrong => judged += 1,
            told => assert_eq!(told, Told::Unjudged),
        }
    }
    assert_eq!(judged, 10);
}

#[tokio::test]
async fn limits_do_not_tell_which_names_are_of_one_account() {
    let ways = async |name: &str, address: &str| {
        let world = blocking(4, 100, false).await;
        let mut told = Vec::new();
        for round in 0..12 {
            let attempt = match round % 2 {
                0 => attempt_as(&world, Identifier::user_name(name), "wrong").await,
                _ => attempt_as(&world, Identifier::email(address), "wrong").await,
            };
            told.push(match tell(&world, attempt).await {
                Told::Unjudged => Told::Wrong,
                told => told,
            });
        }
        told
    };
    let expected = ways("nobody", "noone@zulip.com").await;
    assert_eq!(ways("iago", "iago@zulip.com").await, expected);
    assert_eq!(ways("iago", "noone@zulip.com").await, expected);
    assert_eq!(expected[7..9], [Told::Wrong, Told::ByUser]);
}

#[tokio::test]
async fn names_that_are_nobodys_count_as_themselves() {
    let world = blocking(2, 100, false).await;
    for name in ["nobody", "noone"] {
        for _ in 0..2 {
            assert_eq!(by_name(&world, name, "wrong").await, Told::Wrong);
        }
        assert_eq!(by_name(&world, name, "wrong").await, Told::ByUser);
    }
}

#[tokio::test]
async fn a_block_ends_however_many_attempts_it_refuses() {
    for (exact, hammered_ends) in [(false, true), (true, false)] {
        let world = blocking(100, 2, exact).await;
        for _ in 0..2 {
            assert_eq!(by_name(&world, "iago", "wrong").await, Told::Wrong);
        }
        for _ in 0..10 {
            world.clock.advance(Duration::from_secs(29));
            assert_eq!(by_name(&world, "othello", PASSWORD).await, Told::ByAddress);
        }
        world.clock.advance(Duration::from_secs(11));
        let told = by_name(&world, "iago", PASSWORD).await;
        assert_eq!(told == Told::In, hammered_ends, "the real server counts what it refuses: {told:?}");
        world.clock.advance(WINDOW + Duration::from_millis(1));
        assert_eq!(by_name(&world, "iago", PASSWORD).await, Told::In, "{exact}: every limit ends");
    }
}

#[tokio::test]
async fn refused_attempts_of_a_blocked_user_are_never_counted() {
    for exact in [false, true] {
        let world = blocking(2, 4, exact).await;
        for _ in 0..2 {
            assert_eq!(by_name(&world, "iago", "wrong").await, Told::Wrong);
        }
        for _ in 0..10 {
            world.clock.advance(Duration::from_secs(29));
            assert_eq!(by_name(&world, "iago", PASSWORD).await, Told::ByUser, "{exact}");
        }
        world.clock.advance(Duration::from_secs(11));
        assert_eq!(by_name(&world, "iago", PASSWORD).await, Told::In, "{exact}");
    }
}

#[tokio::test]
async fn only_the_real_conduct_blocks_a_user_everywhere() {
    for (exact, elsewhere) in [(false, Told::In), (true, Told::ByUser)] {
        let world = blocking(2, 100, exact).await;
        for _ in 0..2 {
            assert_eq!(from(&world, "203.0.113.9", "iago", "wrong").await, Told::Wrong);
        }
        assert_eq!(from(&world, "203.0.113.9", "iago", PASSWORD).await, Told::ByUser);
        assert_eq!(from(&world, "192.0.2.1", "iago", PASSWORD).await, elsewhere);
    }
}

#[tokio::test]
async fn a_sender_of_a_code_is_blocked_by_the_safe_conduct_alone() {
    for (exact, told) in [(false, Told::ByUser), (true, Told::In)] {
        let world = blocking(2, 100, exact).await;
        let with_code = async |code: &str| {
            let attempt = attempt_as(&world, Identifier::user_name("totp"), PASSWORD).await;
            let second_step = SecondStep::Offered(Some(OneTimeCode::new(code)));
            tell(&world, LoginAttempt { second_step, ..attempt }).await
        };
        for _ in 0..2 {
            assert_eq!(with_code("000000").await, Told::Wrong, "wrong codes count");
        }
        assert_eq!(by_name(&world, "totp", PASSWORD).await, Told::ByUser);
        assert_eq!(with_code("aBcD2345").await, told);
    }
}

#[tokio::test]
async fn being_asked_for_a_code_counts_nowhere() {
    for exact in [false, true] {
        let world = blocking(2, 2, exact).await;
        for _ in 0..5 {
            assert_eq!(by_name(&world, "totp", PASSWORD).await, Told::Code, "{exact}");
        }
    }
}

#[tokio::test]
async fn success_begins_the_count_anew() {
    for (exact, by_address_too) in [(false, false), (true, true)] {
        let world = blocking(3, 4, exact).await;
        for _ in 0..2 {
            assert_eq!(by_name(&world, "iago", "wrong").await, Told::Wrong);
        }
        assert_eq!(by_name(&world, "iago", PASSWORD).await, Told::In);
        for _ in 0..2 {
            assert_eq!(by_name(&world, "iago", "wrong").await, Told::Wrong, "{exact}");
        }
        // One who has an account could otherwise guess at others' for ever.
        let told = by_name(&world, "othello", "wrong").await;
        assert_eq!(told, if by_address_too { Told::Wrong } else { Told::ByAddress });
    }
}

#[tokio::test]
async fn parallel_guesses_under_two_names_are_counted_together() {
    let world = blocking(10, 1000, false).await;
    let mut attempts = Vec::new();
    for number in 0..60 {
        attempts.push(match number % 2 {
            0 => attempt_as(&world, Identifier::user_name("iago"), "wrong").await,
            _ => attempt_as(&world, Identifier::email("iago@zulip.com"), "wrong").await,
        });
    }
    let told = futures_util::future::join_all(attempts.into_iter().map(|one| tell(&world, one))).await;
    assert_eq!(told.iter().filter(|told| **told == Told::Wrong).count(), 10);
}

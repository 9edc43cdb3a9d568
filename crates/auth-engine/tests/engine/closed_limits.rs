//! Limits that let nothing through now: seen and lifted by operators.

use std::time::Duration;

use auth_core::{Clock, Digest, LoginError, ProtocolName, Quota};
use auth_engine::testing::{PASSWORD, World, config, limited};
use auth_engine::{ClosedLimit, Config, ZulipConfig};

use crate::world;

const HALF_HOUR: Duration = Duration::from_secs(1800);

const CLIENT: &str = "192.0.2.1";

/// So many wrong passwords of each address at Zulip's API.
async fn wrong(world: &World, addresses: &[&str], each: u32) {
    for address in addresses {
        for _ in 0..each {
            let _ = world.log_in(ProtocolName::ZULIP, address, "wrong").await;
        }
    }
}

async fn is_limited(world: &World, address: &str) -> bool {
    let told = world.log_in(ProtocolName::ZULIP, address, PASSWORD).await;
    matches!(told, Err(LoginError::AccountLimited { .. }))
}

async fn closed(world: &World) -> Vec<ClosedLimit> {
    world.engine.limits().closed().await.unwrap()
}

async fn labelled(world: &World, label: &str) -> Vec<ClosedLimit> {
    closed(world).await.into_iter().filter(|closed| closed.label == label).collect()
}

async fn lift(world: &World, key: &Digest) -> bool {
    world.engine.limits().lift(key).await.unwrap()
}

#[tokio::test]
async fn a_limit_that_is_lifted_lets_through_and_the_others_stay() {
    let five = Some(Quota { attempts: 5, window: HALF_HOUR });
    let zulip = ZulipConfig { login_limit: five, ..config().zulip };
    // One that each server counts alone, and one that servers count together.
    for (config, attempts, limit) in [(Config { zulip, ..config() }, 5, "zulip"), (limited(), 10, "logins")] {
        let world = world::with(config).await;
        let addresses = ["iago@zulip.com", "nobody@zulip.com"];
        wrong(&world, &addresses, attempts - 1).await;
        assert_eq!(closed(&world).await, [], "{limit}: not yet");
        wrong(&world, &addresses, 1).await;
        let by_name = format!("{limit}: name from client {CLIENT}");
        let shown = labelled(&world, &by_name).await;
        assert_eq!(shown.len(), 2, "{limit}");
        for address in addresses {
            assert!(is_limited(&world, address).await, "{limit}: {address}");
        }
        let of = |address: &str| {
            shown.iter().find(|closed| closed.name.as_deref() == Some(address)).unwrap().clone()
        };
        let lifted = of("iago@zulip.com");
        assert_eq!(lifted.user, None, "{limit}: the name alone is counted");
        assert!(lifted.until > world.clock.now() && lifted.until <= world.clock.now() + HALF_HOUR);

        assert!(lift(&world, &lifted.key).await, "{limit}");
        assert!(!lift(&world, &lifted.key).await, "{limit}: nothing is left of it");
        assert!(!lift(&world, &Digest::new([7; 32])).await, "{limit}: no limit has that key");
        assert!(is_limited(&world, "nobody@zulip.com").await, "{limit}");
        assert_eq!(labelled(&world, &by_name).await, [of("nobody@zulip.com")], "{limit}");
        // That of the account, which servers count together too.
        let account = world.account("iago").await;
        assert_eq!(world.engine.limits().lift_all_of(&account.user).await.unwrap() > 0, limit == "logins");
        assert!(world.log_in(ProtocolName::ZULIP, "iago@zulip.com", PASSWORD).await.is_ok(), "{limit}");
        assert!(is_limited(&world, "nobody@zulip.com").await, "{limit}");
    }
}

//! The order in which the pool serves logins, seen from outside by the order of the answers while its one thread is busy.

use std::sync::Mutex;
use std::time::Duration;

use auth_core::{AttemptFilter, AttemptRecord, Clock, LogPage, LoginAttempt, ProtocolName};
use auth_engine::testing::{World, config, peer, ring};
use tokio::task::yield_now;

use crate::world;

/// Verifying one takes tenths of a second: long enough that answers come one after the other.
const USERS: &str = r#"
{"kind":"realm","realm":"main","subdomain":""}
{"kind":"user","realm":"main","username":"first","email":"first@zulip.com","password_hash":"pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo="}
{"kind":"user","realm":"main","username":"known","email":"known@zulip.com","password_hash":"pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo="}
{"kind":"user","realm":"main","username":"other","email":"other@zulip.com","password_hash":"pbkdf2_sha256$870000$zulipfixturesalt012345$FDSTgCSYi8v6PMUBXWWwV7HNlPCSVq6cmpYqi+/1/bo="}
"#;

async fn attempt(world: &World, who: &str, from: &str) -> LoginAttempt {
    let attempt = world.attempt("main", ProtocolName::ROCKETCHAT, who, "wrong").await;
    LoginAttempt { peer: peer(from), ..attempt }
}

#[tokio::test]
async fn familiar_client_keys_come_first_and_names_under_attack_last() {
    let mut world = world::empty(config()).await;
    world::import(&world, USERS).await;
    let known = world.account("known").await.user.id;
    let granted = AttemptRecord {
        at: world.clock.now(),
        protocol: ProtocolName::ZULIP,
        realm: world.realm("main").await.id,
        user: Some(known),
        name: String::new(),
        client_key: peer("192.0.2.7").client_key(),
        outcome: "granted".into(),
    };
    world.store.record(granted.clone());
    // Another account's many newer logins displace nobody.
    let first = world.account("first").await.user.id;
    let client_key = peer("203.0.113.9").client_key();
    for number in 0..5000 {
        world.clock.advance(Duration::from_millis(1));
        let at = world.clock.now();
        world.store.record(AttemptRecord { at, user: Some(first), client_key, ..granted.clone() });
        if number % 500 == 499 {
            world.store.attempts(&AttemptFilter::default(), LogPage::newest(0)).await.unwrap();
        }
    }
    // What was granted before the start is read from the log.
    world.restart(&ring(), config(), 1).await;
    for number in 0..20 {
        world.ask(attempt(&world, "nobody", &format!("198.51.100.{number}")).await).await;
    }

    let order = Mutex::new(Vec::new());
    let after = async |waiting: usize, who: &'static str, from: &'static str| {
        let attempt = attempt(&world, who, from).await;
        while world.pool.metrics().waiting < waiting || world.pool.metrics().begun < 21 {
            yield_now().await;
        }
        world.ask(attempt).await;
        order.lock().unwrap().push(who);
    };
    let first = async {
        world.ask(attempt(&world, "first", "203.0.113.1").await).await;
    };
    // Hashing for a name that is nobody's takes no time here: where two are answered at once, they are noted in this
    // order.
    tokio::join!(
        biased;
        first,
        after(2, "known", "192.0.2.7"),
        after(1, "other", "203.0.113.3"),
        after(0, "nobody", "203.0.113.2"),
    );
    assert_eq!(*order.lock().unwrap(), ["known", "other", "nobody"]);
}

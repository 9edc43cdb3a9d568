//! PostgreSQL behind a relay that forgets connections without closing them.
#![cfg(test)]

use std::sync::Arc;
use std::time::Duration;

use auth_core::{MetaStore, RealmStore, SeededRng};
use auth_outbound::idle::PROBE_AFTER;
use auth_outbound::relay::Relay;
use auth_store::{Postgres, PostgresConfig};
use test_postgres::Cluster;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// What a command takes at most when every idle connection has died: one probe, and a slow machine.
const ONE_PROBE: Duration = Duration::from_millis(2500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_a_relay_forgot_cost_one_probe() {
    let cluster = Cluster::shared().unwrap();
    let server = format!("127.0.0.1:{}", cluster.port());
    let relay = Relay::to(server.parse().unwrap()).await.unwrap();
    let url = cluster.database().unwrap().replace(&server, &relay.address().to_string());
    let store = Postgres::open(&PostgresConfig::new(url), Arc::new(SeededRng::new(7))).await.unwrap();
    let store = Arc::new(store);
    for round in 0..3 {
        // Many commands at once, until the pool is full of connections.
        let mut commands = JoinSet::new();
        for _ in 0..64 {
            let store = Arc::clone(&store);
            commands.spawn(async move { store.realms().await.map(drop) });
        }
        for done in commands.join_all().await {
            done.unwrap();
        }
        let before = relay.accepted();
        assert!(before >= 8, "{before} connections");

        // Idle for long enough that one is probed before it is used.
        tokio::time::sleep(4 * PROBE_AFTER).await;
        relay.forget();
        let read = timeout(ONE_PROBE, store.realms()).await;
        assert!(read.is_ok_and(|read| read.is_ok()), "round {round}: a read");
        let write = timeout(ONE_PROBE, store.set_meta_once(&format!("round {round}"), &[1])).await;
        assert!(write.is_ok_and(|written| written.is_ok()), "round {round}: a write");
        let made = relay.accepted() - before;
        assert!((1..=4).contains(&made), "{made} new connections");
    }
}

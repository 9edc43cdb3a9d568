//! How soon a server refuses a token that another server has revoked.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use test_postgres::Cluster;

use super::servers::{Nodes, PASSWORD, USERS, config};
use super::session::{Session, wait_until};

/// The number of threads that revoke side by side.
const THREADS: usize = 4;

/// How long revocations took to reach the other server, in ascending order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// The median.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// The longest.
    #[must_use]
    pub fn maximum(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

/// Measures `count` revocations, with or without notifications between the servers.
///
/// Each is a login at one server, calls that bring the token into the memory of the other, a logout at the first, and
/// calls to the other until it refuses the token.
///
/// # Errors
/// When a valid token is refused, or a revoked one is still accepted after five seconds.
pub fn run(binary: &Path, count: usize, notifications: bool) -> Result<Latencies> {
    let url = Cluster::shared()?.database()?;
    let nodes = Nodes::start(binary, &url, 2, &config().set("store.notifications", notifications))?;
    let [here, there] = nodes.addresses()[..] else { return Err(anyhow!("not two servers")) };
    let mut threads = Vec::new();
    for number in 0..THREADS {
        let share = count / THREADS + usize::from(number < count % THREADS);
        threads.push(thread::spawn(move || {
            let mut latencies = Vec::with_capacity(share);
            for round in 0..share {
                latencies.push(once(here, there, &format!("user{}", (number + round * THREADS) % USERS))?);
            }
            anyhow::Ok(latencies)
        }));
    }
    let mut latencies = Vec::with_capacity(count);
    for thread in threads {
        latencies.extend(thread.join().map_err(|_| anyhow!("a thread has panicked"))??);
    }
    latencies.sort_unstable();
    Ok(Latencies(latencies))
}

fn once(here: SocketAddr, there: SocketAddr, user: &str) -> Result<Duration> {
    let session = Session::log_in(here, user, PASSWORD).with_context(|| format!("{user} cannot log in"))?;
    for _ in 0..3 {
        ensure!(session.status(there) == 200, "a valid token is refused");
    }
    ensure!(session.log_out(here), "{user} cannot log out");
    ensure!(session.status(here) == 401, "the server that has revoked the token accepts it");
    wait_until("the refusal", Duration::from_secs(5), || session.status(there) == 401)
}

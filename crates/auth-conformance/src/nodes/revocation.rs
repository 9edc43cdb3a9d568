//! How soon a server refuses what was revoked at another.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use test_postgres::Cluster;

use super::{Nodes, PASSWORD, Session, USERS, wait};

/// Tries that go side by side.
const SIDE_BY_SIDE: usize = 4;

/// How long revocations took to be seen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Half of them took no longer.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }

    /// None took longer.
    #[must_use]
    pub fn maximum(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }
}

/// Logs in at one server, shows the token to the other until that has it in memory, logs out at the first, and asks
/// the other until it refuses: so many times.
///
/// # Errors
/// When a token is not taken, or not refused within five seconds.
pub fn run(binary: &Path, tries: usize, notifications: bool) -> Result<Latencies> {
    let url = Cluster::shared()?.database()?;
    let nodes = Nodes::with(binary, &url, 2, &format!("notifications = {notifications}"), "")?;
    let [here, there] = nodes.addresses()[..] else { return Err(anyhow!("two servers")) };
    let mut threads = Vec::new();
    for number in 0..SIDE_BY_SIDE {
        let share = tries / SIDE_BY_SIDE + usize::from(number < tries % SIDE_BY_SIDE);
        threads.push(thread::spawn(move || {
            let mut all = Vec::with_capacity(share);
            for count in 0..share {
                all.push(once(here, there, &format!("user{}", (number + count * SIDE_BY_SIDE) % USERS))?);
            }
            anyhow::Ok(all)
        }));
    }
    let mut all = Vec::with_capacity(tries);
    for thread in threads {
        all.extend(thread.join().map_err(|_| anyhow!("a thread has panicked"))??);
    }
    all.sort_unstable();
    Ok(Latencies(all))
}

fn once(here: SocketAddr, there: SocketAddr, user: &str) -> Result<Duration> {
    let session = Session::begin(here, user, PASSWORD).ok_or_else(|| anyhow!("{user} can't log in"))?;
    for _ in 0..3 {
        ensure!(session.status(there) == 200, "a good token is refused");
    }
    ensure!(session.end(here), "{user} can't log out");
    ensure!(session.status(here) == 401, "the server that has revoked it takes it");
    wait("the refusal", Duration::from_secs(5), || session.status(there) == 401)
}

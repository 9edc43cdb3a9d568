//! A failover from a primary to its standby: the servers continue by themselves, and nothing acknowledged is lost.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use test_postgres::{Cluster, Durability};

use super::servers::{Nodes, PASSWORD, config};
use super::session::{Session, wait_until};
use super::workload::Workload;

/// The result of a failover.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The time from the promotion until each server accepted logins again.
    pub back_after: Vec<Duration>,
    /// The number of tokens and revocations that were acknowledged. Every server found all of them again.
    pub acknowledged: usize,
    /// The number of those that were acknowledged before the failover.
    pub before: usize,
}

/// Starts two servers on a primary with a synchronous standby, kills the primary under load and promotes the standby.
///
/// # Errors
/// When something acknowledged is lost, or a server does not accept logins again within ten seconds.
pub fn run(binary: &Path) -> Result<Outcome> {
    let primary = Cluster::start(Durability::Full)?;
    let _first = primary.database()?;
    let standby = primary.standby()?;
    let url = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/test_0", primary.port(), standby.port());
    let nodes = Nodes::start(binary, &url, 2, &config())?;
    let addresses = nodes.addresses();
    let workload = Workload::start(&addresses);
    thread::sleep(Duration::from_secs(2));
    let before = workload.writes();
    ensure!(before > 0, "nothing was acknowledged before the failover");
    primary.kill()?;
    standby.promote()?;

    let mut waiting = Vec::new();
    for address in &addresses {
        let address = *address;
        waiting.push(thread::spawn(move || {
            wait_until("the first login after the promotion", Duration::from_secs(10), || {
                Session::log_in(address, "user0", PASSWORD).is_some()
            })
        }));
    }
    let mut back_after = Vec::new();
    for thread in waiting {
        back_after.push(thread.join().map_err(|_| anyhow!("a thread has panicked"))??);
    }
    thread::sleep(Duration::from_secs(1));
    let acknowledged = workload.stop();
    ensure!(acknowledged.writes() > before, "nothing was acknowledged after the failover");
    acknowledged.verify(&addresses)?;
    Ok(Outcome { back_after, acknowledged: acknowledged.writes(), before })
}

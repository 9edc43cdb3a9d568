//! The primary dies, the standby takes its place: servers go on by themselves and nothing acknowledged is lost.

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use test_postgres::{Cluster, Durability};

use super::load::Load;
use super::{Nodes, PASSWORD, Session, wait};

/// What a failover has shown.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// From the promotion until each server took log-ins again.
    pub back_after: Vec<Duration>,
    /// Tokens and revocations acknowledged before and after it, all of them found again at every server.
    pub acknowledged: usize,
    /// Those of them before it.
    pub before: usize,
}

/// Two servers on a primary with a synchronous standby: kills the primary under load and promotes the standby.
///
/// # Errors
/// What was lost, or who did not come back within ten seconds.
pub fn run(binary: &Path) -> Result<Outcome> {
    let primary = Cluster::start(Durability::Full)?;
    let _first = primary.database()?;
    let standby = primary.standby()?;
    let url = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/test_0", primary.port(), standby.port());
    let nodes = Nodes::start(binary, &url, 2, "")?;
    let addresses = nodes.addresses();
    let load = Load::start(&addresses);
    thread::sleep(Duration::from_secs(2));
    let before = load.writes();
    ensure!(before > 0, "nothing was acknowledged before the failover");
    primary.kill()?;
    standby.promote()?;

    let mut waiting = Vec::new();
    for address in &addresses {
        let address = *address;
        waiting.push(thread::spawn(move || {
            wait("the first log-in after the promotion", Duration::from_secs(10), || {
                Session::begin(address, "user0", PASSWORD).is_some()
            })
        }));
    }
    let mut back_after = Vec::new();
    for thread in waiting {
        back_after.push(thread.join().map_err(|_| anyhow::anyhow!("a thread has panicked"))??);
    }
    thread::sleep(Duration::from_secs(1));
    let book = load.stop();
    ensure!(book.writes() > before, "nothing was acknowledged after the failover");
    book.verify(&addresses)?;
    Ok(Outcome { back_after, acknowledged: book.writes(), before })
}

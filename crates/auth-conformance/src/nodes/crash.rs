//! Crashes of servers and databases (SIGKILL) at arbitrary moments: what was acknowledged is there afterwards.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use test_postgres::{Cluster, Durability};

use super::servers::{Nodes, PASSWORD, USERS, config};
use super::session::{Session, wait_until};
use super::workload::Workload;
use crate::clock::Stopwatch;
use crate::server::Server;

/// How long a restarted process may take to accept logins.
const RECOVERY: Duration = Duration::from_secs(20);

/// The result of a series of crashes.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The number of crashes.
    pub rounds: u32,
    /// The number of tokens, revocations and passwords that were acknowledged. All of them were found again.
    pub acknowledged: usize,
    /// The time in which they were acknowledged.
    pub took: Duration,
}

/// Kills a server on SQLite `rounds` times.
///
/// # Errors
/// When something acknowledged is lost, or the store is damaged.
pub fn sqlite(binary: &Path, rounds: u32) -> Result<Outcome> {
    let mut nodes = Nodes::start(binary, "sqlite:@DIR@/auth.db", 1, &config())?;
    run(&mut nodes, rounds, |nodes, _| {
        nodes.server(0)?.kill();
        nodes.server(0)?.serve()
    })
}

/// Kills `rounds` times, alternately, a server and its PostgreSQL.
///
/// # Errors
/// When something acknowledged is lost, or the store is damaged.
pub fn postgres(binary: &Path, rounds: u32) -> Result<Outcome> {
    let mut cluster = Cluster::start(Durability::Full)?;
    let url = cluster.database()?;
    let mut nodes = Nodes::start(binary, &url, 2, &config())?;
    run(&mut nodes, rounds, |nodes, round| {
        if round.is_multiple_of(2) {
            cluster.kill()?;
            return cluster.restart();
        }
        nodes.server(0)?.kill();
        nodes.server(0)?.serve()
    })
}

fn run(
    nodes: &mut Nodes,
    rounds: u32,
    mut crash: impl FnMut(&mut Nodes, u32) -> Result<()>,
) -> Result<Outcome> {
    let mut outcome = Outcome { rounds, ..Outcome::default() };
    let passwords = PasswordChanges::default();
    for round in 0..rounds {
        let workload = Workload::start(&nodes.addresses());
        let watch = Stopwatch::start();
        // A different moment each time, from the first commits to long after them.
        thread::sleep(Duration::from_millis(u64::from(round * 397 % 1400 + 50)));
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let server: &Server = nodes.servers.last().context("no server")?;
            let changing = scope.spawn(|| passwords.change_until(server, &stop));
            // Some crashes come while a password is being changed.
            thread::sleep(Duration::from_millis(u64::from(round * 131 % 200)));
            stop.store(true, Ordering::Relaxed);
            if round.is_multiple_of(3) {
                let _ = changing.join();
            }
            anyhow::Ok(())
        })?;
        outcome.took += watch.elapsed();
        crash(nodes, round)?;
        let acknowledged = workload.stop();
        for address in nodes.addresses() {
            wait_until("the recovery", RECOVERY, || Session::log_in(address, "user0", PASSWORD).is_some())?;
        }
        acknowledged.verify(&nodes.addresses())?;
        outcome.acknowledged += acknowledged.writes() + passwords.verify(nodes)?;
        nodes.server(0)?.run(&["store", "check", "--config", "@CONFIG@"], "")?;
    }
    Ok(outcome)
}

/// Changes of one user's password, which are numbered from 1.
#[derive(Debug, Default)]
struct PasswordChanges {
    /// The number of the last change that was acknowledged.
    acknowledged: AtomicU32,
    /// The number of the last change that was attempted.
    attempted: AtomicU32,
    /// The number of the last change that [`PasswordChanges::verify`] has counted.
    verified: AtomicU32,
}

impl PasswordChanges {
    fn change_until(&self, server: &Server, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let number = self.attempted.fetch_add(1, Ordering::SeqCst) + 1;
            let user = format!("user{}", USERS - 1);
            let args = ["user", "set-password", "--config", "@CONFIG@", &user];
            if server.run(&args, &format!("{}\n", password(number))).is_ok() {
                self.acknowledged.store(number, Ordering::SeqCst);
            }
        }
    }

    /// Checks that the last acknowledged password is valid, or one that was attempted after it, and returns how many
    /// changes were acknowledged since the last call.
    fn verify(&self, nodes: &Nodes) -> Result<usize> {
        let last = self.acknowledged.load(Ordering::SeqCst);
        let user = format!("user{}", USERS - 1);
        for address in nodes.addresses() {
            let is_valid = (last..=self.attempted.load(Ordering::SeqCst))
                .any(|number| Session::log_in(address, &user, &password(number)).is_some());
            ensure!(is_valid, "password {last} was acknowledged and is lost");
        }
        Ok(usize::try_from(last - self.verified.swap(last, Ordering::SeqCst))?)
    }
}

fn password(number: u32) -> String {
    if number == 0 { PASSWORD.to_owned() } else { format!("{PASSWORD}-{number}") }
}

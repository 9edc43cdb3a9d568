//! Kills (SIGKILL) at moments that nobody chose: what was acknowledged is there afterwards.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use test_postgres::{Cluster, Durability};

use super::load::Load;
use super::{Nodes, PASSWORD, Session, USERS, command, wait};
use crate::Server;
use crate::clock::Stopwatch;

/// How long the killed may take to come back.
const RETURN: Duration = Duration::from_secs(20);

/// What a series of kills has shown.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// Kills.
    pub rounds: u32,
    /// Tokens, revocations and passwords that were acknowledged, all of them found again.
    pub acknowledged: usize,
    /// The time in which they were.
    pub took: Duration,
}

/// Kills a server on SQLite so many times.
///
/// # Errors
/// What was lost, or what is broken.
pub fn sqlite(binary: &Path, rounds: u32) -> Result<Outcome> {
    let mut nodes = Nodes::start(binary, "sqlite:@DIR@/auth.db", 1, "")?;
    run(&mut nodes, rounds, |nodes, _| {
        nodes.server(0)?.kill();
        nodes.server(0)?.resume()
    })
}

/// Kills in turn a server and the PostgreSQL below it so many times.
///
/// # Errors
/// What was lost, or what is broken.
pub fn postgres(binary: &Path, rounds: u32) -> Result<Outcome> {
    let mut cluster = Cluster::start(Durability::Full)?;
    let url = cluster.database()?;
    let mut nodes = Nodes::start(binary, &url, 2, "")?;
    run(&mut nodes, rounds, |nodes, round| {
        if round.is_multiple_of(2) {
            cluster.kill()?;
            return cluster.go_on();
        }
        nodes.server(0)?.kill();
        nodes.server(0)?.resume()
    })
}

fn run(
    nodes: &mut Nodes,
    rounds: u32,
    mut kill: impl FnMut(&mut Nodes, u32) -> Result<()>,
) -> Result<Outcome> {
    let mut outcome = Outcome { rounds, ..Outcome::default() };
    let changes = Passwords::default();
    for round in 0..rounds {
        let addresses = nodes.addresses();
        let load = Load::start(&addresses);
        let watch = Stopwatch::start();
        // Each time somewhere else: in the first commits, or long after.
        thread::sleep(Duration::from_millis(u64::from(round * 397 % 1400 + 50)));
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let server: &Server = nodes.servers.last().ok_or_else(|| anyhow::anyhow!("no server"))?;
            let changing = scope.spawn(|| changes.go_on(server, &stop));
            // A change of a password is under way at some kills.
            thread::sleep(Duration::from_millis(u64::from(round * 131 % 200)));
            stop.store(true, Ordering::Relaxed);
            if round.is_multiple_of(3) {
                let _ = changing.join();
            }
            anyhow::Ok(())
        })?;
        outcome.took += watch.elapsed();
        kill(nodes, round)?;
        let book = load.stop();
        for address in nodes.addresses() {
            wait("the way back", RETURN, || Session::begin(address, "user0", PASSWORD).is_some())?;
        }
        book.verify(&nodes.addresses())?;
        outcome.acknowledged += book.writes() + changes.verify(nodes)?;
        if let Some(server) = nodes.servers.first() {
            command(server, &["store", "check", "--config", "@CONFIG@"], "")?;
        }
    }
    Ok(outcome)
}

/// The changes of one user's password.
#[derive(Debug, Default)]
struct Passwords {
    /// The number of the last one that was acknowledged, and of the last that was tried.
    acknowledged: AtomicU32,
    tried: AtomicU32,
    verified: AtomicU32,
}

impl Passwords {
    fn go_on(&self, server: &Server, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let number = self.tried.fetch_add(1, Ordering::SeqCst) + 1;
            let user = format!("user{}", USERS - 1);
            let arguments = ["user", "set-password", "--config", "@CONFIG@", &user];
            let done = command(server, &arguments, &format!("{}\n", password(number)));
            if done.is_ok() {
                self.acknowledged.store(number, Ordering::SeqCst);
            }
        }
    }

    /// The last password that was acknowledged is good, or one that was tried after it; gives how many were
    /// acknowledged since the last time.
    fn verify(&self, nodes: &Nodes) -> Result<usize> {
        let last = self.acknowledged.load(Ordering::SeqCst);
        let user = format!("user{}", USERS - 1);
        for address in nodes.addresses() {
            let good = (last..=self.tried.load(Ordering::SeqCst))
                .any(|number| Session::begin(address, &user, &password(number)).is_some());
            ensure!(good, "password {last} was acknowledged and is lost");
        }
        Ok(usize::try_from(last - self.verified.swap(last, Ordering::SeqCst))?)
    }
}

fn password(number: u32) -> String {
    if number == 0 { PASSWORD.to_owned() } else { format!("{PASSWORD}-{number}") }
}

//! A long mix of everything that reaches a server: all protocols and sockets, honest and hostile clients, and a store that
//! is killed every so often. Every answer must have its protocol's form, and memory must not grow.

mod answers;
mod hostile;
mod requests;
mod run;
mod socket;

use std::fs;
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use test_postgres::{Cluster, Durability};

use self::run::Run;
use super::servers::{Nodes, PASSWORD};
use super::session::{Session, wait_until};
use crate::clock::Stopwatch;
use crate::config::ServerConfig;

/// Threads that send requests, one after the other.
const CLIENTS: u32 = 6;

/// Threads that hold a socket at a time.
const SOCKETS: u32 = 3;

/// Threads that hold connections on which nothing useful happens.
const HOSTILE: u32 = 2;

/// From one kill of the store to the next.
const BETWEEN_KILLS: Duration = Duration::from_secs(45);

/// How long a killed store is away.
const OUTAGE: Duration = Duration::from_secs(3);

/// How long after a restart of the store the server may still answer that it is unavailable.
const RECOVERY: Duration = Duration::from_secs(10);

/// The last part of the run has no kills, so that memory is compared in one state.
const CALM: Duration = Duration::from_secs(60);

/// How often memory is read.
const SAMPLE: Duration = Duration::from_secs(2);

/// The span of the samples whose median is compared.
const SPAN: Duration = Duration::from_secs(30);

/// The result of a run.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// Answers to requests, each in its protocol's form.
    pub answers: u64,
    /// Frames that sockets were sent.
    pub frames: u64,
    /// Connections that hostile clients opened.
    pub hostile: u64,
    /// Kills of the store.
    pub kills: u32,
    /// Resident memory about the second minute, in KiB.
    pub early_kib: u64,
    /// Resident memory at the end, in KiB.
    pub late_kib: u64,
}

impl Outcome {
    /// How much larger memory is at the end, in percent.
    #[must_use]
    pub fn growth(&self) -> f64 {
        let kib = |kib: u64| u32::try_from(kib).map_or(f64::MAX, f64::from);
        (kib(self.late_kib) / kib(self.early_kib).max(1.0) - 1.0) * 100.0
    }
}

/// Runs the mix for so many minutes, of which there must be three at least.
///
/// # Errors
/// When an answer hasn't its protocol's form, the server says without an outage that it is unavailable, it ends, or
/// something doesn't start.
pub fn run(binary: &Path, minutes: u64) -> Result<Outcome> {
    let whole = Duration::from_secs(minutes * 60);
    ensure!(minutes >= 3, "memory is compared with that about the second minute: run three at least");
    let mut cluster = Cluster::start(Durability::Full)?;
    let url = cluster.database()?;
    let nodes = Nodes::start(binary, &url, 1, &config())?;
    let server = nodes.servers.first().context("no server")?;
    let (address, pid) = (server.address(), server.pid().context("the server has ended")?);
    let run = Run::default();
    let watch = Stopwatch::start();
    let samples = thread::scope(|scope| {
        for number in 0..CLIENTS {
            let run = &run;
            scope.spawn(move || requests::send_until_stopped(run, address, number));
        }
        for number in 0..SOCKETS {
            let run = &run;
            scope.spawn(move || socket::talk_until_stopped(run, address, number));
        }
        for _ in 0..HOSTILE {
            scope.spawn(|| hostile::connect_until_stopped(&run, address));
        }
        let killing = scope.spawn(|| {
            while run.goes_on() && watch.elapsed() + CALM + BETWEEN_KILLS < whole {
                pause(&run, BETWEEN_KILLS);
                kill(&run, &mut cluster)?;
            }
            anyhow::Ok(())
        });
        let samples = sample(pid, whole, &watch);
        run.stop.store(true, Ordering::Relaxed);
        killing.join().map_err(|_| anyhow::anyhow!("the thread that kills the store panicked"))??;
        samples
    })?;
    let faults = run.faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !faults.is_empty() {
        bail!("answers that must not be:\n{}\n{}", faults.join("\n"), server.log());
    }
    wait_until("a login at the end", RECOVERY, || Session::log_in(address, "user0", PASSWORD).is_some())?;
    let about = |end: Duration| median(&samples, end.saturating_sub(SPAN), end);
    Ok(Outcome {
        answers: run.answers.into_inner(),
        frames: run.frames.into_inner(),
        hostile: run.hostile.into_inner(),
        kills: run.kills.into_inner(),
        early_kib: about(Duration::from_secs(120)),
        late_kib: about(whole),
    })
}

/// The configuration: limits as they are, clients told apart by their proxy, connections that end soon.
fn config() -> ServerConfig {
    ServerConfig::for_tests()
        .set("server.trusted_proxies", vec!["127.0.0.1"])
        .set("server.header_timeout", "5s")
        .set("server.max_connections", 256)
}

/// Kills the store and starts it again.
fn kill(run: &Run, cluster: &mut Cluster) -> Result<()> {
    run.outage.store(true, Ordering::SeqCst);
    cluster.kill()?;
    thread::sleep(OUTAGE);
    cluster.restart()?;
    run.kills.fetch_add(1, Ordering::Relaxed);
    pause(run, RECOVERY);
    run.outage.store(false, Ordering::SeqCst);
    Ok(())
}

/// Waits, or until the run stops.
fn pause(run: &Run, time: Duration) {
    let watch = Stopwatch::start();
    while run.goes_on() && watch.elapsed() < time {
        thread::sleep(Duration::from_millis(50));
    }
}

/// Reads the resident memory again and again until the time is over.
fn sample(pid: u32, whole: Duration, watch: &Stopwatch) -> Result<Vec<(Duration, u64)>> {
    let mut samples = Vec::new();
    while watch.elapsed() < whole {
        samples.push((watch.elapsed(), resident_kib(pid).context("the server has ended")?));
        thread::sleep(SAMPLE);
    }
    Ok(samples)
}

/// The resident memory of a process, in KiB.
fn resident_kib(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.trim().trim_end_matches(" kB").parse().context("VmRSS")
}

/// The median of the samples between two moments.
fn median(samples: &[(Duration, u64)], from: Duration, to: Duration) -> u64 {
    let is_between = |at: &Duration| (from..=to).contains(at);
    let mut within: Vec<u64> = samples.iter().filter(|(at, _)| is_between(at)).map(|(_, kib)| *kib).collect();
    within.sort_unstable();
    within.get(within.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_that_of_the_medians() {
        let at = |second: u64, kib: u64| (Duration::from_secs(second), kib);
        let samples =
            [at(80, 1), at(91, 100), at(100, 102), at(119, 900), at(570, 110), at(580, 104), at(599, 104)];
        let about = |end| median(&samples, Duration::from_secs(end - 30), Duration::from_secs(end));
        let outcome = Outcome { early_kib: about(120), late_kib: about(600), ..Outcome::default() };
        assert_eq!((outcome.early_kib, outcome.late_kib), (102, 104));
        assert!((outcome.growth() - 1.96).abs() < 0.01, "{}", outcome.growth());
    }

    #[test]
    fn memory_of_this_process_is_read() {
        assert!(resident_kib(std::process::id()).unwrap() > 1000);
    }
}

//! What an honest client sees while others flood the server with wrong passwords.
//!
//! `cargo xtask bench flood`. Clients come from addresses of 127.0.0.0/8, each of which is a network of its own.
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use auth_conformance::Server;
use benches::report::{Goal, Report, Table};
use benches::rounds::{median, percentile};
use benches::server::{
    self, Client, PASSWORD, Reply, resident_kib, rocketchat_log_in, zettelstore_log_in, zulip_log_in,
};
use clap::Parser;
use tokio::task::JoinSet;

/// Floods the server.
#[derive(Parser)]
struct Arguments {
    /// The built server; the release build unless told.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Log-ins of the honest client in each part.
    #[arg(long, default_value_t = 300)]
    log_ins: usize,
    /// A folder for Markdown.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Clients of the flood from one address.
const FLOOD: usize = 50;

/// Networks of the overload.
const NETWORKS: u32 = 1000;

const HONEST: [u8; 4] = [127, 0, 0, 3];
const FLOODER: [u8; 4] = [127, 0, 0, 2];

/// The honest client's log-ins.
struct Seen {
    seconds: Vec<f64>,
    refused: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let binary = arguments.server.unwrap_or_else(server::release_binary);
    let mut report = Report::default();

    let server = server::start(&binary, "")?;
    let idle = resident_kib(&server)?;
    let alone = honest(&server, arguments.log_ins).await?;
    let warm = resident_kib(&server)?;
    let (flooded, capacity, grown) = flood(&server, arguments.log_ins).await?;
    let after_flood = resident_kib(&server)?;
    let again = honest(&server, arguments.log_ins).await?;
    let overloaded = overload(&server, arguments.log_ins, 2.0 * capacity).await?;
    let after = resident_kib(&server)?;
    drop(server);

    let unloaded: Vec<f64> = alone.seconds.iter().chain(&again.seconds).copied().collect();
    let middle = |seen: &[f64]| median(seen.iter().copied());
    let slowest = |seen: &[f64]| percentile(seen.iter().copied(), 0.99);
    let slower = middle(&flooded.seconds) / middle(&unloaded);
    report.at_most(
        "honest log-in, median, while 50 clients of one network flood, against unloaded",
        3.0,
        slower,
    );
    none_refused(&mut report, "honest log-ins refused meanwhile", &flooded);
    memory(&mut report, "memory grown while they flood", 4, grown);
    let slower = slowest(&overloaded.seconds) / slowest(&unloaded);
    report.at_most(
        "honest log-in, p99, at twice the capacity from 1000 networks, against unloaded",
        3.0,
        slower,
    );
    none_refused(&mut report, "honest log-ins refused meanwhile", &overloaded);
    memory(&mut report, "memory of the idle server", 30, idle);
    let row = |name: &str, seen: &[f64]| {
        let cells = [middle(seen), slowest(seen)].map(|seconds| format!("{:.1}", 1e3 * seconds));
        (name.to_owned(), cells.to_vec())
    };
    report.table(Table {
        title: "The honest client's log-ins".to_owned(),
        columns: ["", "median, ms", "p99, ms"].map(str::to_owned).to_vec(),
        rows: vec![
            row("unloaded", &unloaded),
            row(
                &format!("{FLOOD} clients of one network ({capacity:.0} wrong passwords a second)"),
                &flooded.seconds,
            ),
            row(
                &format!("{:.0} wrong passwords a second from {NETWORKS} networks", 2.0 * capacity),
                &overloaded.seconds,
            ),
        ],
        bars: None,
    });
    let resident = [
        ("idle", idle),
        ("after log-ins", warm),
        ("after the flood", after_flood),
        ("after the overload", after),
    ];
    report.table(Table {
        title: "Memory".to_owned(),
        columns: ["", "resident, MiB"].map(str::to_owned).to_vec(),
        rows: resident.map(|(name, kib)| (name.to_owned(), vec![(kib / 1024).to_string()])).to_vec(),
        bars: None,
    });
    refusals(&binary, &mut report).await?;
    println!("{}", report.text());
    if let Some(folder) = arguments.out {
        report.write(&folder, "flood")?;
    }
    Ok(())
}

fn memory(report: &mut Report, what: &str, most_mib: u64, found_kib: u64) {
    report.goal(Goal {
        what: what.to_owned(),
        wanted: format!("≤ {most_mib} MiB"),
        found: format!("{:.1} MiB", found_kib as f64 / 1024.0),
        reached: found_kib <= 1024 * most_mib,
    });
}

fn none_refused(report: &mut Report, what: &str, seen: &Seen) {
    let found = format!("{} of {}", seen.refused, seen.seconds.len() + seen.refused);
    report.goal(Goal { what: what.to_owned(), wanted: "none".to_owned(), found, reached: seen.refused == 0 });
}

/// Logs in again and again, with a short pause after each.
async fn honest(server: &Server, log_ins: usize) -> Result<Seen> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut client = Client::connect(HONEST.into(), server.address()).await?;
    let request = zulip_log_in(0, PASSWORD);
    let mut seen = Seen { seconds: Vec::new(), refused: 0 };
    for _ in 0..log_ins {
        let reply = client.ask(&request).await?;
        if reply.status == 200 {
            seen.seconds.push(reply.took.as_secs_f64());
        } else {
            seen.refused += 1;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(seen)
}

/// What the honest client sees meanwhile, how many wrong passwords a second there were, and by how many KiB the server
/// grew between the flood's first second and its last.
async fn flood(server: &Server, log_ins: usize) -> Result<(Seen, f64, u64)> {
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for number in 0..FLOOD {
        let (stop, done, to) = (Arc::clone(&stop), Arc::clone(&done), server.address());
        clients.spawn(async move {
            let mut client = Client::connect(FLOODER.into(), to).await?;
            let request = zulip_log_in(number, "wrong");
            while !stop.load(Ordering::Relaxed) {
                client.ask(&request).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let small = resident_kib(server)?;
    let (began, before) = (Instant::now(), done.load(Ordering::Relaxed));
    let seen = honest(server, log_ins).await?;
    let capacity = (done.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
    let grown = resident_kib(server)?.saturating_sub(small);
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok((seen, capacity, grown))
}

/// What the honest client sees while so many wrong passwords a second come from many networks, whether they are
/// answered or not.
async fn overload(server: &Server, log_ins: usize, per_second: f64) -> Result<Seen> {
    let (to, stop) = (server.address(), Arc::new(AtomicBool::new(false)));
    let stopped = Arc::clone(&stop);
    let generator = tokio::spawn(async move {
        let began = Instant::now();
        let mut sent = 0_u32;
        let mut attempts = JoinSet::new();
        while !stopped.load(Ordering::Relaxed) {
            let due = (began.elapsed().as_secs_f64() * per_second) as u32;
            while sent < due {
                let [_, _, high, low] = (sent % NETWORKS).to_be_bytes();
                attempts.spawn(wrong(IpAddr::from([127, 1, high, low]), to, sent as usize));
                sent += 1;
            }
            while attempts.try_join_next().is_some() {}
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let seen = honest(server, log_ins).await;
    stop.store(true, Ordering::Relaxed);
    generator.await?;
    seen
}

async fn wrong(from: IpAddr, to: SocketAddr, user: usize) -> Result<Reply> {
    Client::connect(from, to).await?.ask(&zulip_log_in(1 + user % 8, "wrong")).await
}

/// How long a refusal takes when the queue is full, at each protocol.
async fn refusals(binary: &std::path::Path, report: &mut Report) -> Result<()> {
    // Users are hashed at import: the queue gets no place afterwards.
    let mut server = server::start(binary, "queue = 1024")?;
    server.stop()?;
    let config = server.dir().join("auth.toml");
    let text = std::fs::read_to_string(&config)?.replace("queue = 1024", "queue = 0");
    std::fs::write(&config, text)?;
    server.resume()?;
    let mut client = Client::connect(HONEST.into(), server.address()).await?;
    for (protocol, request) in [
        ("Zulip", zulip_log_in(0, PASSWORD)),
        ("Rocket.Chat", rocketchat_log_in(0, PASSWORD)),
        ("Zettelstore", zettelstore_log_in(0, PASSWORD)),
    ] {
        let mut seconds = Vec::new();
        for _ in 0..200 {
            let reply = client.ask(&request).await?;
            ensure!(reply.status == 503, "{protocol} answered {}", reply.text);
            seconds.push(reply.took.as_secs_f64());
        }
        let middle = 1e3 * median(seconds.into_iter());
        report.goal(Goal {
            what: format!("refusal by a full queue, {protocol}, through HTTP"),
            wanted: "< 1 ms".to_owned(),
            found: format!("{middle:.2} ms"),
            reached: middle < 1.0,
        });
    }
    Ok(())
}

//! Measures the logins of an honest client while others flood the server with wrong passwords.
//!
//! `cargo xtask bench flood`. Clients connect from addresses of 127.0.0.0/8, each of which has a client key of its own.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::disallowed_methods, reason = "the program measures time")]

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use auth_conformance::{Server, ServerConfig};
use benches::report::{Goal, Report, Table};
use benches::rounds::{median, percentile};
use benches::server::{
    self, Connection, PASSWORD, TimedResponse, resident_kib, rocketchat_login, zettelstore_login, zulip_login,
};
use clap::Parser;
use tokio::task::JoinSet;

/// Floods the server, and measures an honest client.
#[derive(Parser)]
struct Arguments {
    /// The server's program [default: the release build]
    #[arg(long)]
    server: Option<PathBuf>,
    /// The number of logins of the honest client in each part.
    #[arg(long, default_value_t = 300)]
    logins: usize,
    /// Write the report as Markdown into this folder.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// The number of flooding connections from one address.
const FLOOD: usize = 50;

/// The number of client addresses of the overload.
const ADDRESSES: u32 = 1000;

/// The attempts of a client that is over its limit.
const REFUSED: u64 = 100_000;

const HONEST: [u8; 4] = [127, 0, 0, 3];
const FLOODER: [u8; 4] = [127, 0, 0, 2];

/// The logins of the honest client.
struct Logins {
    /// The times of those that succeeded.
    seconds: Vec<f64>,
    /// The number of those that were refused.
    refused: usize,
}

impl Logins {
    fn add(&mut self, response: &TimedResponse) {
        if response.status == 200 {
            self.seconds.push(response.took.as_secs_f64());
        } else {
            self.refused += 1;
        }
    }
}

/// How long after its start a server has found out how many hashes it computes at once, and let go of the memory for it.
const SETTLED: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let binary = arguments.server.unwrap_or_else(server::release_binary);
    let mut report = Report::default();

    let server = server::start(&binary, &server::config())?;
    tokio::time::sleep(SETTLED).await;
    let idle = resident_kib(&server)?;
    let alone = honest(&server, arguments.logins).await?;
    let warm = resident_kib(&server)?;
    let (flooded, capacity, grown) = flood(&server, arguments.logins).await?;
    let after_flood = resident_kib(&server)?;
    let again = honest(&server, arguments.logins).await?;
    let overloaded = overload(&server, arguments.logins, 2.0 * capacity, honest).await?;
    let unknown = overload(&server, arguments.logins, 2.0 * capacity, strangers).await?;
    let after = resident_kib(&server)?;
    drop(server);

    let unloaded: Vec<f64> = alone.seconds.iter().chain(&again.seconds).copied().collect();
    let middle = |seconds: &[f64]| median(seconds.iter().copied());
    let slowest = |seconds: &[f64]| percentile(seconds.iter().copied(), 0.99);
    let slower = middle(&flooded.seconds) / middle(&unloaded);
    report.at_most(
        "honest login, median, while 50 clients of one address flood, against unloaded",
        3.0,
        slower,
    );
    none_refused(&mut report, "honest logins refused meanwhile", &flooded);
    memory(&mut report, "memory grown while they flood", 4, grown);
    let slower = slowest(&overloaded.seconds) / slowest(&unloaded);
    report.at_most(
        "login from a client that the account knows, p99, at twice the capacity from 1000 others, against unloaded",
        2.0,
        slower,
    );
    none_refused(&mut report, "its logins refused meanwhile", &overloaded);
    memory(&mut report, "memory of the idle server", 30, idle);
    let row = |name: &str, seconds: &[f64]| {
        let cells = [middle(seconds), slowest(seconds)].map(|seconds| format!("{:.1}", 1e3 * seconds));
        (name.to_owned(), cells.to_vec())
    };
    report.table(Table {
        title: "Logins of the honest client".to_owned(),
        columns: ["", "median, ms", "p99, ms"].map(str::to_owned).to_vec(),
        rows: vec![
            row("unloaded", &unloaded),
            row(
                &format!("{FLOOD} clients of one address ({capacity:.0} wrong passwords a second)"),
                &flooded.seconds,
            ),
            row(
                &format!("{:.0} wrong passwords a second from {ADDRESSES} addresses", 2.0 * capacity),
                &overloaded.seconds,
            ),
            row(
                &format!(
                    "the same, from clients that the account doesn't know ({} refused)",
                    unknown.refused
                ),
                &unknown.seconds,
            ),
        ],
        bars: None,
    });
    let resident = [
        ("idle", idle),
        ("after logins", warm),
        ("after the flood", after_flood),
        ("after the overload", after),
    ];
    report.table(Table {
        title: "Memory".to_owned(),
        columns: ["", "resident, MiB"].map(str::to_owned).to_vec(),
        rows: resident.map(|(name, kib)| (name.to_owned(), vec![(kib / 1024).to_string()])).to_vec(),
        bars: None,
    });
    shut_out(&binary, &mut report).await?;
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

fn none_refused(report: &mut Report, what: &str, logins: &Logins) {
    let found = format!("{} of {}", logins.refused, logins.seconds.len() + logins.refused);
    report.goal(Goal {
        what: what.to_owned(),
        wanted: "none".to_owned(),
        found,
        reached: logins.refused == 0,
    });
}

/// Logs in repeatedly, with a short pause after each login.
async fn honest(server: &Server, count: usize) -> Result<Logins> {
    const PAUSE: Duration = Duration::from_millis(10);
    let mut connection = Connection::open(HONEST.into(), server.address()).await?;
    let request = zulip_login(0, PASSWORD);
    let mut logins = Logins { seconds: Vec::new(), refused: 0 };
    for _ in 0..count {
        let response = connection.send(&request).await?;
        logins.add(&response);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(logins)
}

/// Logs in once from each of many addresses, none of which the account has used before.
async fn strangers(server: &Server, count: usize) -> Result<Logins> {
    let request = zulip_login(0, PASSWORD);
    let mut logins = Logins { seconds: Vec::new(), refused: 0 };
    for number in 0..count as u32 {
        let [_, _, high, low] = number.to_be_bytes();
        let mut connection = Connection::open([127, 2, high, low].into(), server.address()).await?;
        let response = connection.send(&request).await?;
        logins.add(&response);
    }
    Ok(logins)
}

/// Floods the server from one address. Returns the logins of the honest client, the number of wrong passwords a second,
/// and by how many KiB the server grew between the first second of the flood and the last.
async fn flood(server: &Server, count: usize) -> Result<(Logins, f64, u64)> {
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for number in 0..FLOOD {
        let (stop, done, to) = (Arc::clone(&stop), Arc::clone(&done), server.address());
        clients.spawn(async move {
            let mut connection = Connection::open(FLOODER.into(), to).await?;
            let request = zulip_login(number, "wrong");
            while !stop.load(Ordering::Relaxed) {
                connection.send(&request).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let small = resident_kib(server)?;
    let (began, before) = (Instant::now(), done.load(Ordering::Relaxed));
    let logins = honest(server, count).await?;
    let capacity = (done.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
    let grown = resident_kib(server)?.saturating_sub(small);
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok((logins, capacity, grown))
}

/// Sends wrong passwords from many addresses at a constant rate, whether they are answered or not. Returns the logins
/// that `log_in` makes meanwhile.
async fn overload<'server, T: Future<Output = Result<Logins>>>(
    server: &'server Server,
    count: usize,
    per_second: f64,
    log_in: impl FnOnce(&'server Server, usize) -> T,
) -> Result<Logins> {
    let (to, stop) = (server.address(), Arc::new(AtomicBool::new(false)));
    let stopped = Arc::clone(&stop);
    let generator = tokio::spawn(async move {
        let began = Instant::now();
        let mut sent = 0_u32;
        let mut attempts = JoinSet::new();
        while !stopped.load(Ordering::Relaxed) {
            let due = (began.elapsed().as_secs_f64() * per_second) as u32;
            while sent < due {
                let [_, _, high, low] = (sent % ADDRESSES).to_be_bytes();
                attempts.spawn(wrong(IpAddr::from([127, 1, high, low]), to, sent as usize));
                sent += 1;
            }
            while attempts.try_join_next().is_some() {}
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let logins = log_in(server, count).await;
    stop.store(true, Ordering::Relaxed);
    generator.await?;
    logins
}

async fn wrong(from: IpAddr, to: SocketAddr, user: usize) -> Result<TimedResponse> {
    Connection::open(from, to).await?.send(&zulip_login(1 + user % 8, "wrong")).await
}

/// Measures the honest client while a client that is over its limit goes on: its attempts are refused before they are
/// judged.
async fn shut_out(binary: &std::path::Path, report: &mut Report) -> Result<()> {
    let config = ServerConfig::minimal().set("log.level", "warn").set("zulip.realm", "main");
    let server = server::start(binary, &config)?;
    let unloaded = honest(&server, 300).await?;
    let left = Arc::new(AtomicU64::new(REFUSED));
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let (left, to) = (Arc::clone(&left), server.address());
        clients.spawn(async move {
            let mut connection = Connection::open(FLOODER.into(), to).await?;
            let request = zulip_login(1, "wrong");
            let take = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            while take().is_ok() {
                connection.send(&request).await?;
            }
            anyhow::Ok(())
        });
    }
    let began = Instant::now();
    let mut loaded = Logins { seconds: Vec::new(), refused: 0 };
    while left.load(Ordering::Relaxed) > 0 {
        let more = honest(&server, 10).await?;
        loaded.seconds.extend(more.seconds);
        loaded.refused += more.refused;
    }
    let took = began.elapsed().as_secs_f64();
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    let middle = |logins: &Logins| median(logins.seconds.iter().copied());
    let what = format!(
        "honest login, median, beside {REFUSED} attempts of a client over its limit ({:.0} a second), against unloaded",
        REFUSED as f64 / took
    );
    report.at_most(&what, 3.0, middle(&loaded) / middle(&unloaded));
    none_refused(report, "honest logins refused meanwhile", &loaded);
    Ok(())
}

/// Measures how long each protocol takes to refuse a login when the queue is full.
async fn refusals(binary: &std::path::Path, report: &mut Report) -> Result<()> {
    // The import hashes passwords through the queue, which is closed afterwards.
    let mut server = server::start(binary, &server::config().set("passwords.queue", 1024))?;
    server.stop()?;
    let config = server.dir().join("auth.toml");
    let text = std::fs::read_to_string(&config)?.replace("queue = 1024", "queue = 0");
    std::fs::write(&config, text)?;
    server.serve()?;
    let mut connection = Connection::open(HONEST.into(), server.address()).await?;
    for (protocol, request) in [
        ("Zulip", zulip_login(0, PASSWORD)),
        ("Rocket.Chat", rocketchat_login(0, PASSWORD)),
        ("Zettelstore", zettelstore_login(0, PASSWORD)),
    ] {
        let mut seconds = Vec::new();
        for _ in 0..200 {
            let response = connection.send(&request).await?;
            ensure!(response.status == 503, "{protocol} answered {}", response.text);
            seconds.push(response.took.as_secs_f64());
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

//! `fan-out --server PROGRAM`: measures what many servers on one PostgreSQL ask of it: comparisons of the credentials that they
//! know, and notifications of changed users.
//!
//! The servers are virtual: each is an opening of the store as a server has one, with a connection that listens and one for
//! statements, all in this process. What is counted is the processor time of PostgreSQL's own processes, which other work on
//! the machine changes little.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::disallowed_methods, reason = "the program measures time")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use auth_core::{ChangeListener, CredentialKind, Digest, PasswordString, SeededRng, Store, UserId};
use auth_store::{Postgres, PostgresConfig};
use benches::neighbours::family_ticks;
use benches::rounds::median;
use clap::Parser;
use test_postgres::{Cluster, Durability};
use tokio::sync::Notify;

/// How often a figure is taken; the median counts.
const ROUNDS: usize = 5;

/// The connections of PostgreSQL beside those of the virtual servers.
const SPARE: usize = 50;

/// How long a change may take to reach all servers.
const LONGEST: Duration = Duration::from_secs(20);

/// Measures what many servers on one PostgreSQL ask of it.
///
/// Example: fan-out --server target/release/auth-server --nodes 1,1000
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program, a release build.
    #[arg(long)]
    server: PathBuf,
    /// The users in the store.
    #[arg(long, default_value_t = 1_000_000)]
    users: usize,
    /// How many users' credentials a server knows when it compares them.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1000, 10_000, 100_000])]
    known: Vec<usize>,
    /// The numbers of virtual servers.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 10, 100, 1000])]
    nodes: Vec<usize>,
    /// How many users are changed, one after the other, for each number of servers.
    #[arg(long, default_value_t = 200)]
    changes: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let most = arguments.nodes.iter().copied().max().unwrap_or(1);
    let settings = format!("max_connections = {}\n", 2 * most + SPARE);
    let cluster = Cluster::with_settings(Durability::None, &settings)?;
    let url = cluster.database()?;
    fill(&arguments, &cluster, &url)?;
    let processes = Processes::of(&cluster)?;
    let store = open(&PostgresConfig::new(url.as_str()), 1).await?;
    let store = &*store;
    let realm = store.realms().await?.first().context("the realm")?.id;
    let mut users = Vec::new();
    while users.len() < arguments.users {
        let page = store.users(realm, users.last().copied(), 10_000).await?;
        ensure!(!page.is_empty(), "the store has {} users", users.len());
        users.extend(page.into_iter().map(|account| account.user.id));
    }
    checks(store, &processes, arguments.users).await?;
    for known in arguments.known {
        comparison(store, &processes, &users, known).await?;
    }
    for nodes in arguments.nodes {
        notification(store, &processes, &url, &users, nodes, arguments.changes).await?;
    }
    Ok(())
}

async fn open(config: &PostgresConfig, seed: u64) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(Postgres::open(config, Arc::new(SeededRng::new(seed))).await?))
}

/// Fills the database with users, as `auth-server dev seed` makes them up.
fn fill(arguments: &Arguments, cluster: &Cluster, url: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("auth.toml");
    std::fs::write(&config, format!("[store]\nurl = \"{url}\"\n"))?;
    let mut seed = Command::new(&arguments.server);
    seed.args(["dev", "seed", "--users", &arguments.users.to_string(), "--config"]).arg(config);
    let output = seed.output().with_context(|| arguments.server.display().to_string())?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    cluster.sql_in("test_0", "VACUUM ANALYZE")?;
    let sizes = cluster.sql_in(
        "test_0",
        "SELECT relname, pg_table_size(oid) / 1048576, pg_indexes_size(oid) / 1048576 FROM pg_class WHERE relkind = 'r' \
         AND pg_total_relation_size(oid) > 1048576 AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC",
    )?;
    for line in sizes.lines() {
        let [table, size, indexes] = line.split('|').collect::<Vec<_>>()[..] else { continue };
        println!("table {table}: {size} MiB, its indexes {indexes} MiB");
    }
    Ok(())
}

/// What the look-up of a credential takes that a server doesn't know.
async fn checks(store: &dyn Store, processes: &Processes, users: usize) -> Result<()> {
    const LOOKUPS: usize = 5000;
    let mut figures = Vec::new();
    for round in 0..ROUNDS {
        let before = processes.time();
        for number in 0..LOOKUPS {
            let number = (number * 7919 + round) % users + 1;
            let token = format!("seed-token-{number}");
            let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
            let digest = Digest::new(digest.as_ref().try_into()?);
            let found = store.by_digest(CredentialKind::ROCKETCHAT_TOKEN, &digest).await?;
            ensure!(found.is_some(), "{token} is not in the store");
        }
        figures.push((processes.time() - before).as_secs_f64() * 1e6 / LOOKUPS as f64);
    }
    println!("a look-up of a credential: {:.0} µs of PostgreSQL", median(figures.into_iter()));
    Ok(())
}

/// What a comparison takes that a server makes twice a second, of so many known users.
async fn comparison(store: &dyn Store, processes: &Processes, users: &[UserId], known: usize) -> Result<()> {
    let stride = (users.len() / known).max(1);
    let known: Vec<UserId> = users.iter().step_by(stride).take(known).copied().collect();
    let times = (200_000 / known.len()).clamp(5, 500);
    let mut figures = Vec::new();
    for _ in 0..ROUNDS {
        let before = processes.time();
        for _ in 0..times {
            ensure!(store.versions(&known).await?.len() == known.len(), "a user is gone");
        }
        figures.push((processes.time() - before).as_secs_f64() * 1e3 / times as f64);
    }
    let time = median(figures.into_iter());
    println!(
        "a comparison of {} users: {time:.2} ms of PostgreSQL, {:.2} µs for each",
        known.len(),
        time * 1e3 / known.len() as f64
    );
    Ok(())
}

/// A virtual server's listener.
struct Told {
    told: Arc<AtomicU64>,
    all: Arc<Notify>,
    wanted: u64,
}

impl ChangeListener for Told {
    fn changed(&self, _: UserId) {
        if self.told.fetch_add(1, Ordering::AcqRel) + 1 == self.wanted {
            self.all.notify_one();
        }
    }

    fn limits_lifted(&self, _: UserId) {}
}

/// What a change of a user takes with so many servers that listen, and how long it takes until the last one knows.
async fn notification(
    store: &dyn Store,
    processes: &Processes,
    url: &str,
    users: &[UserId],
    nodes: usize,
    changes: usize,
) -> Result<()> {
    let (told, all) = (Arc::new(AtomicU64::new(0)), Arc::new(Notify::new()));
    let (mut servers, mut listeners) = (Vec::new(), Vec::new());
    for number in 0..nodes {
        let config = PostgresConfig { connections: 1, ..PostgresConfig::new(url) };
        let server = open(&config, number as u64 + 2).await?;
        let (told, all) = (Arc::clone(&told), Arc::clone(&all));
        let listener = Arc::new(Told { told, all, wanted: nodes as u64 });
        let weak = Arc::downgrade(&listener);
        server.listen(weak);
        listeners.push(listener);
        servers.push(server);
    }
    // Each listens once it has heard of a change; those that have not are told again.
    let user = *users.first().context("a user")?;
    let began = Instant::now();
    loop {
        told.store(0, Ordering::Release);
        change(store, user).await?;
        if tokio::time::timeout(Duration::from_millis(500), all.notified()).await.is_ok() {
            break;
        }
        ensure!(
            began.elapsed() < LONGEST * 3,
            "only {} of {nodes} servers listen",
            told.load(Ordering::Acquire)
        );
    }
    let (mut times, before) = (Vec::new(), processes.time());
    for number in 0..changes {
        told.store(0, Ordering::Release);
        let user = users.get(number % users.len()).context("a user")?;
        let began = Instant::now();
        change(store, *user).await?;
        tokio::time::timeout(LONGEST, all.notified()).await.context("a server was not told")?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let used = (processes.time() - before).as_secs_f64() * 1e6 / changes as f64;
    let slowest = times.iter().copied().fold(0.0, f64::max);
    println!(
        "a change with {nodes} servers: {used:.0} µs of PostgreSQL; the last server knows after {:.1} ms, at most {slowest:.1} ms",
        median(times.into_iter())
    );
    Ok(())
}

/// Changes a user: reads its record, and writes another hash.
async fn change(store: &dyn Store, user: UserId) -> Result<()> {
    let account = store.user(user).await?.context("a user")?;
    let old = account.password.context("a user with a password")?;
    let new = PasswordString::new(format!("{}x", old.expose()));
    ensure!(store.rehash(user, &old, &new).await?, "the user was not changed");
    Ok(())
}

/// PostgreSQL's processes.
struct Processes {
    parent: u32,
    /// The ticks of a second.
    ticks: u32,
}

impl Processes {
    fn of(cluster: &Cluster) -> Result<Self> {
        let file = std::fs::read_to_string(cluster.data().join("postmaster.pid"))?;
        let parent = file.lines().next().context("an empty pid file")?.trim().parse()?;
        let printed = Command::new("getconf").arg("CLK_TCK").output()?.stdout;
        Ok(Self { parent, ticks: String::from_utf8(printed)?.trim().parse()? })
    }

    /// The processor time of all of them, also of those that have ended.
    fn time(&self) -> Duration {
        Duration::from_secs(family_ticks(self.parent)) / self.ticks
    }
}

//! `store-scale --server PROGRAM`: measures look-ups among few users and among many in each store, the first pages of what operators
//! list, and imports of many users, first and again when 1 % of them have changed.
//!
//! The stores are filled by `auth-server dev seed`. Look-ups are measured warm: every connection has read the same
//! pages before, and PostgreSQL keeps them in its own memory.

#![expect(clippy::print_stdout, reason = "the figures go to standard output")]
#![expect(clippy::disallowed_methods, reason = "the program measures time")]

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use auth_core::{
    Act, Actor, AttemptFilter, AuditFilter, AuditRecord, ClientKey, CredentialKind, Digest, LogPage, Lookup,
    NameKind, Quota, RealmId, Rng, SeededRng, SharedCounter, Store, Timestamp,
};
use auth_store::{Postgres, PostgresConfig, Sqlite};
use benches::rounds::median;
use benches::server::{memory_kib, process_memory_kib};
use clap::Parser;
use test_postgres::{Cluster, Durability};

/// The number of look-ups in a figure, and the number of figures whose median is taken.
const LOOKUPS: u32 = 2000;
const FIGURES: usize = 21;

/// The rows of the audit log that are written before pages are measured, and the users to whom they belong.
const ROWS: u32 = 20_000;
const USERS_WITH_ROWS: u32 = 20;

/// The limits that are full.
const COUNTERS: u32 = 2000;

/// The rows of a page.
const PAGE: u32 = 500;

/// How often the same users are looked up before a figure is taken. Connections alternate, and each has to read every
/// page.
const WARM_UP: u32 = 6;

/// Measures look-ups among few users and among many.
///
/// Example: store-scale --server target/release/auth-server --users 10000,1000000
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program, a release build.
    #[arg(long)]
    server: PathBuf,
    /// The stores to measure.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Kind::Sqlite, Kind::Postgres])]
    store: Vec<Kind>,
    /// The numbers of users. Ratios refer to the first.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 10_000_000])]
    users: Vec<u64>,
    /// The numbers of users that are imported as JSON lines.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    import: Vec<u64>,
    /// The folder of the stores. Ten million users take some 15 GB in SQLite.
    #[arg(long, default_value = "target/bench-store")]
    folder: PathBuf,
}

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

/// A filled store.
struct Filled {
    /// The number of users.
    users: u64,
    folder: PathBuf,
    store: Arc<dyn Store>,
    realm: RealmId,
    /// What the command that filled it printed.
    seeded: String,
    _cluster: Option<Cluster>,
}

/// What users are looked up by.
const KEYS: [&str; 3] = ["name", "e-mail", "token"];

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for kind in &arguments.store {
        for users in &arguments.import {
            let Imported { first, peak, update } = import(&arguments, *kind, *users)?;
            let rate = f64::from(u32::try_from(*users)?) / first.as_secs_f64();
            println!("{kind:?}: {users} users imported, {rate:.0} a second, {peak:.1} MiB at most");
            let (first, update) = (first.as_secs_f64(), update.as_secs_f64());
            println!(
                "{kind:?}: {users} users of whom 1 % changed updated in {update:.2} s, {:.1} % of the {first:.2} s of the first import",
                100.0 * update / first
            );
        }
        let mut filled = Vec::new();
        for users in &arguments.users {
            filled.push(fill(&arguments, *kind, *users).await?);
        }
        report(*kind, &filled).await?;
        for store in &filled {
            pages(*kind, store).await?;
        }
        for Filled { folder, .. } in filled {
            std::fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

/// Looks up users in each store alternately, so that other load on the machine slows all of them down.
async fn report(kind: Kind, filled: &[Filled]) -> Result<()> {
    let mut figures: Vec<[Vec<f64>; 3]> = filled.iter().map(|_| Default::default()).collect();
    for round in 0..FIGURES {
        for (store, figures) in filled.iter().zip(&mut figures) {
            for (key, times) in figures.iter_mut().enumerate() {
                times.push(figure(store, key, round).await?);
            }
        }
    }
    let mut first: Option<[f64; 3]> = None;
    for (store, figures) in filled.iter().zip(figures) {
        let medians = figures.map(|times| median(times.into_iter()));
        let columns = KEYS.iter().zip(medians).zip(*first.get_or_insert(medians));
        let columns =
            columns.map(|((key, time), base)| format!("by {key} {time:.1} µs ({:.2}×)", time / base));
        let columns = columns.collect::<Vec<_>>().join(", ");
        println!("{kind:?}: {} users: {columns}; {}", store.users, store.seeded);
    }
    Ok(())
}

/// Measures the first pages of `user list --inactive`, `audit --user`, `attempts --user` and `limits list`, as the store gives them.
async fn pages(kind: Kind, filled: &Filled) -> Result<()> {
    let store = &filled.store;
    let users = store.users(filled.realm, None, USERS_WITH_ROWS).await?;
    let now = Timestamp::from_secs(2_000_000_000);
    let client = ClientKey::of([192, 0, 2, 1].into());
    for number in 0..ROWS {
        let user = users.get(number as usize % users.len()).context("a user")?.user.id;
        let at = now - Duration::from_secs(u64::from(number));
        store
            .write_audit(&AuditRecord {
                at,
                actor: Actor::Operator,
                by: None,
                act: Act::PasswordSet,
                realm: Some(filled.realm),
                user: Some(user),
                detail: String::new(),
                client: Some(client),
                protocol: None,
                request_id: String::new(),
            })
            .await?;
        let mut key = [0; 32];
        key[..4].copy_from_slice(&number.to_be_bytes());
        if number < COUNTERS {
            let counter = SharedCounter {
                key: Digest::new(key),
                quota: Quota { attempts: 1, window: Duration::from_secs(900) },
                label: "account".to_owned(),
                user: Some(user),
            };
            store.reserve_attempt(&counter, now).await?;
        }
    }
    let user = users.first().context("a user")?.user.id;
    let of_user = AuditFilter { user: Some(user), ..AuditFilter::default() };
    let attempts = AttemptFilter { user: Some(user), ..AttemptFilter::default() };
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..FIGURES {
        for (page, times) in times.iter_mut().enumerate() {
            let started = Instant::now();
            match page {
                0 => drop(store.unseen_since(Some(filled.realm), now, None, PAGE).await?),
                1 => drop(store.audit_rows(&of_user, LogPage::newest(PAGE)).await?),
                2 => drop(store.attempts(&attempts, LogPage::newest(PAGE)).await?),
                _ => drop(store.full_counters(now, None, 2 * PAGE).await?),
            }
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    let names = ["user list --inactive", "audit --user", "attempts --user", "limits list"];
    let medians =
        names.iter().zip(times).map(|(name, times)| format!("{name} {:.1} ms", median(times.into_iter())));
    let medians = medians.collect::<Vec<_>>().join(", ");
    println!("{kind:?}: {} users: first pages: {medians}", filled.users);
    Ok(())
}

/// Creates an empty store. Returns its folder, its cluster if it is in PostgreSQL, and its URL.
fn empty(arguments: &Arguments, kind: Kind, users: u64) -> Result<(PathBuf, Option<Cluster>, String)> {
    // The configuration lies there: a path in it is taken from its folder.
    let folder = std::path::absolute(arguments.folder.join(users.to_string()))?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let (cluster, url) = match kind {
        Kind::Sqlite => (None, format!("sqlite:{}", folder.join("auth.db").display())),
        Kind::Postgres => {
            let memory = format!("shared_buffers = {}kB\n", memory_kib()? / 4);
            let cluster = Cluster::with_settings(Durability::None, &memory)?;
            let url = cluster.database()?;
            (Some(cluster), url)
        }
    };
    std::fs::write(folder.join("auth.toml"), format!("[store]\nurl = \"{url}\"\n"))?;
    Ok((folder, cluster, url))
}

/// What an import of users took, and an update of them.
struct Imported {
    first: Duration,
    /// The peak memory of the first import in MiB.
    peak: f64,
    /// When 1 % of the users had changed.
    update: Duration,
}

/// Imports users, and imports them again when every hundredth has changed.
fn import(arguments: &Arguments, kind: Kind, users: u64) -> Result<Imported> {
    let (folder, cluster, _) = empty(arguments, kind, users)?;
    let lines = folder.join("users.jsonl");
    write_lines(&lines, users, "User")?;
    let (first, peak) = run_import(arguments, &folder, &[])?;
    write_lines(&lines, users, "Changed")?;
    let (update, _) = run_import(arguments, &folder, &["--update"])?;
    drop(cluster);
    std::fs::remove_dir_all(&folder)?;
    Ok(Imported { first, peak, update })
}

/// Writes users, and calls every hundredth one so.
fn write_lines(lines: &Path, users: u64, every_hundredth: &str) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(lines)?);
    writeln!(file, r#"{{"kind":"realm","realm":"main"}}"#)?;
    for number in 1..=users {
        let called = if number % 100 == 0 { every_hundredth } else { "User" };
        writeln!(
            file,
            r#"{{"kind":"user","realm":"main","username":"user{number}","email":"user{number}@example.com","full_name":"{called} {number}","password_hash":"$argon2id$v=19$m=19456,t=2,p=1$c2VlZHNlZWRzZWVkc2VlZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#
        )?;
    }
    file.into_inner()?.sync_all()?;
    Ok(())
}

/// Runs an import, and returns the time that it took and the peak memory in MiB.
fn run_import(arguments: &Arguments, folder: &Path, more: &[&str]) -> Result<(Duration, f64)> {
    let (config, lines) = (folder.join("auth.toml"), folder.join("users.jsonl"));
    let mut command = Command::new(&arguments.server);
    command.args(["import", "--config"]).arg(config).args(more).arg(lines).stdout(Stdio::null());
    let started = Instant::now();
    let mut import = command.spawn().with_context(|| arguments.server.display().to_string())?;
    let mut peak = 0;
    let ended = loop {
        // A process that has just ended has no memory.
        peak = process_memory_kib(import.id(), "VmHWM:").unwrap_or(peak);
        match import.try_wait()? {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let took = started.elapsed();
    ensure!(ended.success(), "the import ended with {ended}");
    Ok((took, f64::from(u32::try_from(peak)?) / 1024.0))
}

async fn fill(arguments: &Arguments, kind: Kind, users: u64) -> Result<Filled> {
    let (folder, cluster, url) = empty(arguments, kind, users)?;
    let seeded = seed(&arguments.server, &folder, users)?;
    let store: Arc<dyn Store> = match &cluster {
        Some(cluster) => {
            cluster.sql_in("test_0", "VACUUM ANALYZE")?;
            let rng = Arc::new(SeededRng::new(1));
            Arc::new(Postgres::open(&PostgresConfig::new(url), rng).await?)
        }
        None => Arc::new(Sqlite::open(&folder.join("auth.db"))?),
    };
    let realm = store.realms().await?.first().context("the realm")?.id;
    Ok(Filled { users, folder, store, realm, seeded, _cluster: cluster })
}

fn seed(server: &Path, folder: &Path, users: u64) -> Result<String> {
    let mut command = Command::new(server);
    command.args(["dev", "seed", "--users", &users.to_string(), "--config"]).arg(folder.join("auth.toml"));
    let output = command.output().with_context(|| server.display().to_string())?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout)?;
    Ok(printed.split(':').next().unwrap_or_default().to_owned())
}

/// The time of one look-up in microseconds. The same random users are looked up repeatedly, and the last time counts.
async fn figure(filled: &Filled, key: usize, round: usize) -> Result<f64> {
    let mut took = Duration::ZERO;
    for _ in 0..=WARM_UP {
        took = time(filled, key, &SeededRng::new(u64::try_from(round)?)).await?;
    }
    Ok(took.as_secs_f64() * 1e6 / f64::from(LOOKUPS))
}

async fn time(filled: &Filled, key: usize, random: &dyn Rng) -> Result<Duration> {
    let Filled { users, store, realm, .. } = filled;
    let mut keys = Vec::with_capacity(LOOKUPS as usize);
    for _ in 0..LOOKUPS {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let number = u64::from_le_bytes(bytes) % *users + 1;
        keys.push((format!("seed{number}"), format!("seed{number}@example.com"), digest(number)));
    }
    let started = Instant::now();
    for (name, address, digest) in &keys {
        let found = match key {
            0 => store.find(*realm, &Lookup::Name(NameKind::UserName, name)).await?.is_some(),
            1 => store.find(*realm, &Lookup::Name(NameKind::Email, address)).await?.is_some(),
            _ => store.by_digest(CredentialKind::ROCKETCHAT_TOKEN, digest).await?.is_some(),
        };
        ensure!(found, "{name} is not in the store");
    }
    Ok(started.elapsed())
}

/// The digest of the token that `auth-server dev seed` gives a user.
fn digest(number: u64) -> Digest {
    let token = format!("seed-token-{number}");
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    Digest::new(bytes)
}

//! `store-scale --server PROGRAM`: how long looking somebody up takes among few users and among many, in each
//! store, and what an import of many takes. Filled by `auth-server dev seed`, read warm: what is read was read before,
//! by every connection that reads it, and PostgreSQL keeps it in its own memory.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use auth_core::{CredentialKind, Digest, Lookup, NameKind, RealmId, Rng, SeededRng, Store};
use auth_store::{Postgres, PostgresOptions, Sqlite};
use benches::rounds::median;
use benches::server::{memory_kib, process_memory_kib};
use clap::Parser;
use test_postgres::{Cluster, Durability};

/// How many look-ups make a figure, and of how many figures the median is taken.
const LOOKUPS: u32 = 2000;
const FIGURES: usize = 21;

/// How often the same is read before a figure is taken: readers take turns, and each has to see every page.
const WARM_UP: u32 = 6;

/// Measures look-ups among few users and among many.
///
/// Example: store-scale --server target/release/auth-server --users 10000,1000000
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program, a release build.
    #[arg(long)]
    server: PathBuf,
    /// Which stores.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Kind::Sqlite, Kind::Postgres])]
    store: Vec<Kind>,
    /// Numbers of users; ratios are to the first.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 10_000_000])]
    users: Vec<u64>,
    /// Numbers of users that are imported as JSON lines.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    import: Vec<u64>,
    /// Where the stores are kept meanwhile; ten million users take some 15 GB in SQLite.
    #[arg(long, default_value = "target/bench-store")]
    folder: PathBuf,
}

/// The stores there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Sqlite,
    Postgres,
}

/// A filled store: how many users it has, and what filling it took.
struct Filled {
    users: u64,
    folder: PathBuf,
    store: Arc<dyn Store>,
    realm: RealmId,
    seeded: String,
    /// What is to be kept as long as the store.
    _cluster: Option<Cluster>,
}

/// How somebody is looked up.
const WAYS: [&str; 3] = ["name", "e-mail", "token"];

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for kind in &arguments.store {
        for users in &arguments.import {
            let (took, peak) = import(&arguments, *kind, *users)?;
            say(&format!(
                "{kind:?}: {users} users imported, {:.0} a second, {peak:.1} MiB at most",
                f64::from(u32::try_from(*users)?) / took.as_secs_f64()
            ));
        }
        let mut filled = Vec::new();
        for users in &arguments.users {
            filled.push(fill(&arguments, *kind, *users).await?);
        }
        report(*kind, &filled).await?;
        for Filled { folder, .. } in filled {
            std::fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

/// Looks up users of each store in turn, so that whatever else the machine does slows all of them down.
async fn report(kind: Kind, filled: &[Filled]) -> Result<()> {
    let mut figures: Vec<[Vec<f64>; 3]> = filled.iter().map(|_| Default::default()).collect();
    for round in 0..FIGURES {
        for (store, figures) in filled.iter().zip(&mut figures) {
            for (way, times) in figures.iter_mut().enumerate() {
                times.push(figure(store, way, round).await?);
            }
        }
    }
    let mut first: Option<[f64; 3]> = None;
    for (store, figures) in filled.iter().zip(figures) {
        let medians = figures.map(|times| median(times.into_iter()));
        let told = WAYS.iter().zip(medians).zip(*first.get_or_insert(medians));
        let told = told.map(|((way, time), base)| format!("by {way} {time:.1} µs ({:.2}×)", time / base));
        let told = told.collect::<Vec<_>>().join(", ");
        say(&format!("{kind:?}: {} users: {told}; {}", store.users, store.seeded));
    }
    Ok(())
}

/// An empty store in a folder of its own: the folder, its cluster if it is of PostgreSQL, and its URL.
fn empty(arguments: &Arguments, kind: Kind, users: u64) -> Result<(PathBuf, Option<Cluster>, String)> {
    let folder = arguments.folder.join(users.to_string());
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

/// Imports so many users; gives the time it takes, and the most memory in MiB.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn import(arguments: &Arguments, kind: Kind, users: u64) -> Result<(Duration, f64)> {
    let (folder, cluster, _) = empty(arguments, kind, users)?;
    let lines = folder.join("users.jsonl");
    let mut file = BufWriter::new(std::fs::File::create(&lines)?);
    writeln!(file, r#"{{"kind":"realm","realm":"main"}}"#)?;
    for number in 1..=users {
        writeln!(
            file,
            r#"{{"kind":"user","realm":"main","username":"user{number}","email":"user{number}@example.com","full_name":"User {number}","password_hash":"$argon2id$v=19$m=19456,t=2,p=1$c2VlZHNlZWRzZWVkc2VlZA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}"#
        )?;
    }
    file.into_inner()?.sync_all()?;
    let mut command = Command::new(&arguments.server);
    command.args(["import", "--config"]).arg(folder.join("auth.toml")).arg(&lines).stdout(Stdio::null());
    let started = Instant::now();
    let mut import = command.spawn().with_context(|| arguments.server.display().to_string())?;
    let mut peak = 0;
    let ended = loop {
        // A process that has just ended has no memory any more.
        peak = process_memory_kib(import.id(), "VmHWM:").unwrap_or(peak);
        match import.try_wait()? {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let took = started.elapsed();
    ensure!(ended.success(), "the import fails");
    drop(cluster);
    std::fs::remove_dir_all(&folder)?;
    Ok((took, f64::from(u32::try_from(peak)?) / 1024.0))
}

async fn fill(arguments: &Arguments, kind: Kind, users: u64) -> Result<Filled> {
    let (folder, cluster, url) = empty(arguments, kind, users)?;
    let seeded = seed(&arguments.server, &folder, users)?;
    let store: Arc<dyn Store> = match &cluster {
        Some(cluster) => {
            cluster.sql_in("test_0", "VACUUM ANALYZE")?;
            let rng = Arc::new(SeededRng::new(1));
            Arc::new(Postgres::open(&PostgresOptions::new(url), rng).await?)
        }
        None => Arc::new(Sqlite::open(&folder.join("auth.db"))?),
    };
    let realm = store.realms().await?.first().context("the realm")?.id;
    Ok(Filled { users, folder, store, realm, seeded, _cluster: cluster })
}

fn seed(server: &Path, folder: &Path, users: u64) -> Result<String> {
    let mut command = Command::new(server);
    command.args(["dev", "seed", "--users", &users.to_string(), "--config"]).arg(folder.join("auth.toml"));
    let done = command.output().with_context(|| server.display().to_string())?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told = String::from_utf8(done.stdout)?;
    Ok(told.split(':').next().unwrap_or_default().to_owned())
}

/// The time that one look-up takes, in microseconds: the same random users are read again and again, and the last
/// time counts.
async fn figure(filled: &Filled, way: usize, round: usize) -> Result<f64> {
    let mut took = Duration::ZERO;
    for _ in 0..=WARM_UP {
        took = time(filled, way, &SeededRng::new(u64::try_from(round)?)).await?;
    }
    Ok(took.as_secs_f64() * 1e6 / f64::from(LOOKUPS))
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
async fn time(filled: &Filled, way: usize, random: &dyn Rng) -> Result<Duration> {
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
        let found = match way {
            0 => store.find(*realm, &Lookup::Name(NameKind::UserName, name)).await?.is_some(),
            1 => store.find(*realm, &Lookup::Name(NameKind::Email, address)).await?.is_some(),
            _ => store.by_digest(CredentialKind::RocketChatToken, digest).await?.is_some(),
        };
        ensure!(found, "{name} is not there");
    }
    Ok(started.elapsed())
}

/// What `auth-server dev seed` gives a user as its token.
fn digest(number: u64) -> Digest {
    let token = format!("seed-token-{number}");
    let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    Digest::new(bytes)
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

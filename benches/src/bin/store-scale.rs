//! `store-scale --server PROGRAM`: how long looking somebody up takes among few users and among many, in each
//! store, and what an import of many takes. Filled by `auth-server dev seed`, read warm: every page that is read was
//! read before.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use auth_core::{CredentialKind, Digest, Lookup, NameKind, RealmId, Rng, SeededRng, Store};
use auth_store::{Postgres, PostgresOptions, Sqlite};
use clap::Parser;
use test_postgres::{Cluster, Durability};

/// How many look-ups make a figure, and of how many figures the median is taken.
const LOOKUPS: u32 = 2000;
const FIGURES: usize = 9;

/// Measures look-ups among few users and among many.
///
/// Example: store-scale --server target/release/auth-server --users 10000,1000000
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program, a release build.
    #[arg(long)]
    server: PathBuf,
    /// Numbers of users; ratios are to the first.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000, 10_000_000])]
    users: Vec<u64>,
    /// Numbers of users that are imported as JSON lines.
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 1_000_000])]
    import: Vec<u64>,
    /// Where the stores are kept meanwhile; ten million users take some 15 GB in either.
    #[arg(long, default_value = "target/bench-store")]
    folder: PathBuf,
}

/// The time that one look-up takes, in microseconds: by user name, by address, by token.
type Figures = [f64; 3];

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    for postgres in [false, true] {
        let name = if postgres { "postgres" } else { "sqlite" };
        for users in &arguments.import {
            let (took, peak) = import(&arguments, *users, postgres)?;
            say(&format!(
                "{name:9}{users:9} users imported: {:.0} a second, {peak:.1} MiB at most",
                f64::from(u32::try_from(*users)?) / took.as_secs_f64()
            ));
        }
        let mut first: Option<Figures> = None;
        for users in &arguments.users {
            let (figures, seeded) = measure(&arguments, *users, postgres).await?;
            let first = first.get_or_insert(figures);
            let told = |index: usize| {
                let (time, base) = (figures.get(index), first.get(index));
                time.zip(base)
                    .map_or(String::new(), |(time, base)| format!("{time:6.1} µs ({:.2}×)", time / base))
            };
            say(&format!(
                "{name:9}{users:9} users: by name {}, by e-mail {}, by token {}; {seeded}",
                told(0),
                told(1),
                told(2)
            ));
        }
    }
    Ok(())
}

/// An empty store in an empty folder: the folder, its cluster if it is of PostgreSQL, and its URL.
fn empty(arguments: &Arguments, postgres: bool) -> Result<(PathBuf, Option<Cluster>, String)> {
    let folder = arguments.folder.join(if postgres { "postgres" } else { "sqlite" });
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let cluster = if postgres { Some(Cluster::start(Durability::None)?) } else { None };
    let url = match &cluster {
        Some(cluster) => cluster.database()?,
        None => format!("sqlite:{}", folder.join("auth.db").display()),
    };
    std::fs::write(folder.join("auth.toml"), format!("[store]\nurl = \"{url}\"\n"))?;
    Ok((folder, cluster, url))
}

/// Imports so many users; gives the time it takes, and the most memory in MiB.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn import(arguments: &Arguments, users: u64, postgres: bool) -> Result<(Duration, f64)> {
    let (folder, cluster, _) = empty(arguments, postgres)?;
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
    let (status, mut peak) = (format!("/proc/{}/status", import.id()), 0.0);
    let ended = loop {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let kib = told.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = kib.and_then(|kib| kib.parse::<f64>().ok()).map_or(peak, |kib| kib / 1024.0);
        match import.try_wait()? {
            Some(ended) => break ended,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let took = started.elapsed();
    ensure!(ended.success(), "the import fails");
    drop(cluster);
    std::fs::remove_dir_all(&folder)?;
    Ok((took, peak))
}

async fn measure(arguments: &Arguments, users: u64, postgres: bool) -> Result<(Figures, String)> {
    let (folder, cluster, url) = empty(arguments, postgres)?;
    let seeded = seed(&arguments.server, &folder, users)?;
    let store: Arc<dyn Store> = match &cluster {
        Some(cluster) => {
            cluster.sql_in("test_0", "VACUUM ANALYZE")?;
            let rng = Arc::new(SeededRng::new(1));
            Arc::new(Postgres::open(&PostgresOptions::new(url), rng).await?)
        }
        None => Arc::new(Sqlite::open(&folder.join("auth.db"))?),
    };
    let figures = look_up(&*store, users).await?;
    drop(store);
    std::fs::remove_dir_all(&folder)?;
    Ok((figures, seeded))
}

fn seed(server: &Path, folder: &Path, users: u64) -> Result<String> {
    let mut command = Command::new(server);
    command.args(["dev", "seed", "--users", &users.to_string(), "--config"]).arg(folder.join("auth.toml"));
    let done = command.output().with_context(|| server.display().to_string())?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told = String::from_utf8(done.stdout)?;
    Ok(told.split(':').next().unwrap_or_default().to_owned())
}

async fn look_up(store: &dyn Store, users: u64) -> Result<Figures> {
    let realm = store.realms().await?.first().context("the realm")?.id;
    let mut figures: [Vec<f64>; 3] = Default::default();
    for kind in 0..3 {
        // The same random users are read twice; the second time counts.
        for round in 0..FIGURES {
            for warm in [false, true] {
                let random = SeededRng::new(u64::try_from(round)?);
                let took = time(store, realm, users, kind, &random).await?;
                if warm && let Some(times) = figures.get_mut(kind) {
                    times.push(took.as_secs_f64() * 1e6 / f64::from(LOOKUPS));
                }
            }
        }
    }
    Ok(figures.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.get(FIGURES / 2).copied().unwrap_or_default()
    }))
}

#[expect(clippy::disallowed_methods, reason = "it measures")]
async fn time(
    store: &dyn Store,
    realm: RealmId,
    users: u64,
    kind: usize,
    random: &dyn Rng,
) -> Result<Duration> {
    let mut keys = Vec::with_capacity(LOOKUPS as usize);
    for _ in 0..LOOKUPS {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let number = u64::from_le_bytes(bytes) % users + 1;
        keys.push((format!("seed{number}"), format!("seed{number}@example.com"), digest(number)));
    }
    let started = Instant::now();
    for (name, address, digest) in &keys {
        let found = match kind {
            0 => store.find(realm, &Lookup::Name(NameKind::UserName, name)).await?.is_some(),
            1 => store.find(realm, &Lookup::Name(NameKind::Email, address)).await?.is_some(),
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

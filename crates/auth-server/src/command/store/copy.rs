//! `auth-server store copy`: copies a whole store to another place.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use auth_core::{Rng, Stopwatch, SystemRng, SystemStopwatch};
use auth_store::{CopyReport, StoreCopy};

use crate::command::output::{print_line, print_remark};
use crate::command::progress::ProgressLine;
use crate::config::{Config, Store as StoreConfig, StoreLocation, environment};
use crate::store::{AnyStore, Opening};
use crate::store_lock::StoreLock;

/// What is said of an error after which the copy can be carried on.
const UNFINISHED: &str = "the copy is unfinished: the same command carries it on";

/// Copy the whole store to another place: from SQLite to PostgreSQL, back, or to another of the same kind.
///
/// Every row is copied but the counts of attempts, which end by themselves. Both stores are compared at the end. A copy that is
/// interrupted is carried on by the same command, and no server opens it before. Stop the servers first: what they change
/// later is not in the copy.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  auth-server store copy --config auth.toml --to-password-file db-password postgres://auth@db/auth\n  \
                  auth-server store copy --from postgres://auth@db/auth --from-password-file db-password sqlite:auth.db"
)]
pub(in crate::command) struct CopyStore {
    /// The configuration file, whose store is copied.
    #[arg(long, value_name = "FILE", required_unless_present = "from", conflicts_with = "from")]
    config: Option<PathBuf>,
    /// The store that is copied, in place of that of a configuration.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// A file with the password of the database that is copied, or `credential:NAME`.
    #[arg(long, value_name = "FILE", requires = "from")]
    from_password_file: Option<PathBuf>,
    /// A file with the certificates that are trusted for the database that is copied.
    #[arg(long, value_name = "FILE", requires = "from")]
    from_ca_file: Option<PathBuf>,
    /// A file with the password of the copy's database, or `credential:NAME`.
    #[arg(long, value_name = "FILE")]
    to_password_file: Option<PathBuf>,
    /// A file with the certificates that are trusted for the copy's database.
    #[arg(long, value_name = "FILE")]
    to_ca_file: Option<PathBuf>,
    /// Where the copy is written: `sqlite:PATH` of a new file, or `postgres://user@host/database` of an empty database.
    #[arg(value_name = "TO")]
    to: String,
}

impl CopyStore {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let from = match (&self.config, &self.from) {
            (Some(file), _) => Config::load(file, &environment::overrides())?.store,
            (None, Some(url)) => {
                StoreConfig::named("--from", url, self.from_password_file, self.from_ca_file)?
            }
            (None, None) => bail!("say which store is copied: --config FILE or --from URL"),
        };
        let to = StoreConfig::named("TO", &self.to, self.to_password_file, self.to_ca_file)?;
        if from.shown() == to.shown() {
            bail!("{} is the store itself: name another place for the copy", to.shown());
        }
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let (from, to) = (from.location()?, to.location()?);
        let locked = (path(&from), path(&to));
        let from =
            AnyStore::open_at("the store in PostgreSQL", from, Arc::clone(&rng), Opening::Unchanged).await?;
        if let Some(pending) = from.pending_upgrade() {
            bail!(
                "the schema of the store is of version {}: `auth-server store check` brings it to version {}; then copy it",
                pending.from,
                pending.to
            );
        }
        // Until the copy is done, no server begins to change a file that is read or written.
        let _read = locked.0.as_deref().map(StoreLock::take_file).transpose()?;
        let to = AnyStore::open_at("TO", to, rng, Opening::Copy).await?;
        let _written = locked.1.as_deref().map(StoreLock::take_file).transpose()?;
        copy(&from, &to).await
    }
}

/// The file of a store that is one.
fn path(location: &StoreLocation) -> Option<PathBuf> {
    match location {
        StoreLocation::Sqlite(path) => Some(path.clone()),
        StoreLocation::Postgres(_) => None,
    }
}

async fn copy(from: &AnyStore, to: &AnyStore) -> anyhow::Result<()> {
    let begun = SystemStopwatch::start();
    let mut copy = StoreCopy::begin(&from.copy_end(), &to.copy_end()).await?;
    let before = copy.rows();
    if copy.is_resumed() {
        print_remark(format_args!("carrying on a copy of which {before} rows are there"))?;
    }
    let line = ProgressLine::new();
    while let Some(batch) = copy.step().await.context(UNFINISHED)? {
        line.show(&format!("copying {}", batch.kind), batch.rows, Some(batch.of));
    }
    let rows = copy.rows() - before;
    let seconds = begun.elapsed().as_secs_f64();
    let report = copy.finish(|done, of| line.show("comparing", done, Some(of))).await?;
    drop(line);
    tell(&report, rows, seconds)
}

/// Prints the numbers of rows, and what the operator must know.
fn tell(report: &CopyReport, rows: u64, seconds: f64) -> anyhow::Result<()> {
    for (kind, count) in &report.counts {
        print_line(format_args!("{kind}: {count}"))?;
    }
    #[expect(clippy::cast_precision_loss, reason = "it is shown without a fraction")]
    let rate = rows as f64 / seconds.max(0.001);
    print_line(format_args!("copied {rows} rows in {seconds:.1} seconds, {rate:.0} a second"))?;
    print_line(format_args!("both stores are equal, row by row: sha256 {}", report.digest))?;
    print_remark(
        "the copy is read with the same key ring: give its servers the same key file. Counts of attempts were left out, \
         since they end by themselves.",
    )?;
    Ok(())
}

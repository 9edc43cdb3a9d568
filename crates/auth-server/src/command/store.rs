//! `auth-server backup`, `restore`, `explain` and `store`: copies, query plans and checks of the store.

mod copy;

use auth_core::SystemRng;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use auth_engine::keys::check_ring;

use super::config_file::ConfigFile;
use super::output::{print_line, print_remark};
use crate::config::{Config, StoreLocation};
use crate::keyfile;
use crate::store::{AnyStore, Opening, open_copy};

/// Copy the store while it is in use.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  auth-server backup --config auth.toml /backup/auth.db\n  \
                        auth-server backup --config auth.toml /backup/auth.db --keys-to /vault/keys.toml")]
pub(super) struct Backup {
    #[command(flatten)]
    file: ConfigFile,
    /// The new file, of mode 0600.
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// Copy the key ring as well, to this new file of mode 0600. Together the two copies reveal every key and second
    /// factor: keep them apart.
    #[arg(long, value_name = "FILE")]
    keys_to: Option<PathBuf>,
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        // Before an upgrade, a copy of the store as it is can be wanted.
        let AnyStore::Sqlite(store) = open(&config, Opening::Unchanged).await? else {
            bail!("a store in PostgreSQL is copied by PostgreSQL: use pg_basebackup or pg_dump");
        };
        store.backup(&self.to).await.with_context(|| self.to.display().to_string())?;
        let (store, keys) = (self.to.display(), &config.keys.file);
        match &self.keys_to {
            Some(to) => {
                keyfile::copy(&config.keys.path()?, to)?;
                print_line(format_args!("copied the store to {store} and the key ring to {}", to.display()))?;
            }
            None => print_line(format_args!(
                "copied the store to {store}, without the key ring: keep a copy of {keys} elsewhere, or else the keys \
                 and second factors in this copy can't be read"
            ))?,
        }
        Ok(())
    }
}

/// Restore the store from a copy. There must be no store in its place.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: auth-server restore --config auth.toml /backup/auth.db")]
pub(super) struct Restore {
    #[command(flatten)]
    file: ConfigFile,
    /// A file that `auth-server backup` has written.
    #[arg(value_name = "FROM")]
    from: PathBuf,
    /// The copy of the key ring, if the key ring itself is lost.
    #[arg(long, value_name = "FILE")]
    keys_from: Option<PathBuf>,
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        let StoreLocation::Sqlite(to) = config.store.location()? else {
            bail!("a store in PostgreSQL is restored by PostgreSQL: see docs/postgresql.md");
        };
        if to.exists() {
            bail!("there is a store at {} already: move it away first", to.display());
        }
        let from = self.from.display();
        if !self.from.is_file() {
            bail!("there is no copy {from}");
        }
        let keys = match &self.keys_from {
            Some(copy) => copy.clone(),
            None => config.keys.path()?,
        };
        let Some(file) = keyfile::read(&keys)? else {
            bail!(
                "the key ring {} is missing: without it keys and second factors in the copy can't be read; \
                 name a copy of it with --keys-from",
                keys.display()
            );
        };
        // The copy is checked before anything is written, and stays as it is: also one of an earlier version.
        let copy = open_copy(&self.from)?;
        check_integrity(&AnyStore::Sqlite(Arc::clone(&copy))).await?;
        check_ring(&*copy, &file.ring).await.with_context(|| from.to_string())?;
        if self.keys_from.is_some() {
            keyfile::copy(&keys, &config.keys.path()?)?;
        }
        copy.backup(&to).await.with_context(|| to.display().to_string())?;
        print_line(format_args!("restored {} from {from}", to.display()))?;
        print_remark(
            "what was revoked, deactivated, deleted or replaced since the copy was made is as it was then: passwords, \
             second factors, app passwords, accounts. Do it again where it matters.",
        )?;
        Ok(())
    }
}

/// Print the database's query plan of each statement that runs when users log in.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: auth-server explain --config auth.toml")]
pub(super) struct Explain {
    #[command(flatten)]
    file: ConfigFile,
}

impl Explain {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let plans = match open(&self.file.load()?, Opening::Upgrade).await? {
            AnyStore::Sqlite(store) => store.explain().await?,
            AnyStore::Postgres(store) => store.explain(false).await?,
        };
        for plan in plans {
            print_line(plan)?;
        }
        Ok(())
    }
}

/// Check the store, or copy it to another place.
#[derive(Debug, clap::Subcommand)]
pub(super) enum StoreCommand {
    /// Read the whole store, and report damage or a key ring that doesn't fit.
    #[command(after_help = "Example: auth-server store check --config auth.toml")]
    Check(ConfigFile),
    Copy(copy::CopyStore),
}

impl StoreCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let file = match self {
            Self::Check(file) => file,
            Self::Copy(command) => return command.run().await,
        };
        let config = file.load()?;
        let store = open(&config, Opening::Upgrade).await?;
        check_integrity(&store).await?;
        match keyfile::read(&config.keys.path()?)? {
            Some(file) => check_ring(&*store.records(), &file.ring).await?,
            None => bail!(
                "the store is sound, but the key ring {} is missing: keys and second factors can't be read",
                config.keys.file
            ),
        }
        print_line("the store is sound, and the key ring fits")?;
        Ok(())
    }
}

/// Opens the store, which must exist.
async fn open(config: &Config, opening: Opening) -> anyhow::Result<AnyStore> {
    AnyStore::open(config, Arc::new(SystemRng), opening).await
}

/// Fails if the store is damaged, with a line for each finding.
async fn check_integrity(store: &AnyStore) -> anyhow::Result<()> {
    let findings = match store {
        AnyStore::Sqlite(store) => store.integrity_check().await?,
        AnyStore::Postgres(store) => store.integrity_check().await?,
    };
    if findings.is_empty() {
        return Ok(());
    }
    bail!("the store is damaged: restore a copy\n{}", findings.join("\n"))
}

//! The option `--config`, which names the configuration file.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::output::print_remark;
use crate::assemble::Assembled;
use crate::config::{Config, ConfigError, environment};
use crate::logging;
use crate::store::NoStore;

/// The option `--config`.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigFile {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl ConfigFile {
    /// Reads and checks the file, with the overrides of the environment.
    pub(super) fn load(&self) -> anyhow::Result<Config> {
        Ok(self.load_config()?)
    }

    /// Does the same, with the mistake as an error of its own.
    pub(super) fn load_config(&self) -> Result<Config, ConfigError> {
        Config::load(&self.config, &environment::overrides())
    }

    pub(super) fn path(&self) -> &Path {
        &self.config
    }

    /// Opens the store, which must exist, and the engine for a command that ends by itself. Only warnings and errors are
    /// logged, since such a command prints its results itself.
    pub(super) async fn open(&self) -> anyhow::Result<Assembled> {
        Assembled::open(&self.load_quiet()?).await
    }

    /// Does the same for a command that changes nothing.
    pub(super) async fn open_unchanged(&self) -> anyhow::Result<Assembled> {
        Assembled::open_unchanged(&self.load_quiet()?).await
    }

    /// Does the same for a command that creates what is missing, and says so.
    pub(super) async fn open_or_create(&self) -> anyhow::Result<Assembled> {
        let assembled = Assembled::create(&self.load_quiet()?).await?;
        if let Some(created) = assembled.created() {
            print_remark(created)?;
        }
        Ok(assembled)
    }

    /// Opens the store for a command that changes nothing; if it is missing, an empty one that is gone with the returned
    /// folder.
    pub(super) async fn open_or_pretend(&self) -> anyhow::Result<(Assembled, Option<TempDir>)> {
        let mut config = self.load_quiet()?;
        match Assembled::open_unchanged(&config).await {
            Err(error) if error.is::<NoStore>() => {}
            opened => return Ok((opened?, None)),
        }
        let folder = tempfile::tempdir()?;
        config.store.set_file(&folder.path().join("auth.db"), true);
        config.keys.file = folder.path().join("keys.toml").into();
        Ok((Assembled::create(&config).await?, Some(folder)))
    }

    fn load_quiet(&self) -> anyhow::Result<Config> {
        load_quiet(self.load()?)
    }
}

/// Starts the log of a command that prints its results itself: warnings and errors alone.
pub(super) fn load_quiet(mut config: Config) -> anyhow::Result<Config> {
    "warn".clone_into(&mut config.log.level);
    logging::start(&config.log)?;
    Ok(config)
}

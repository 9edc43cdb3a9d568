//! The option `--config`, which names the configuration file.

use std::path::{Path, PathBuf};

use crate::assemble::Assembled;
use crate::config::{Config, environment};
use crate::logging;

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
        Ok(Config::load(&self.config, &environment::overrides())?)
    }

    pub(super) fn path(&self) -> &Path {
        &self.config
    }

    /// Opens the store and the engine for a command that ends by itself. Only warnings and errors are logged, since such a
    /// command prints its results itself.
    pub(super) async fn open(&self) -> anyhow::Result<Assembled> {
        let mut config = self.load()?;
        "warn".clone_into(&mut config.log.level);
        logging::start(&config.log)?;
        Assembled::open(&config).await
    }
}

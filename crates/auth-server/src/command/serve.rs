//! `auth-server serve`: the server.

use super::config_file::ConfigFile;
use crate::assemble::Assembled;
use crate::config::Config;
use crate::logging;
use crate::process;
use crate::serve::Bound;

/// Start the server. It runs until SIGTERM.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: auth-server serve --config auth.toml")]
pub(super) struct Serve {
    #[command(flatten)]
    file: ConfigFile,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let file = self.file;
        let config = file.load()?;
        let _log = logging::start(&config.log)?;
        process::prepare(&config);
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        let mut assembled = Assembled::open_with(&config, Vec::new()).await?;
        let bound = match (bind(&config, &mut assembled).await, assembled.created()) {
            (Err(error), Some(created)) => {
                return Err(error.context(format!("{created}, but it can't be served")));
            }
            (bound, _) => bound?,
        };
        let addresses = bound.addresses()?;
        let metrics = bound.metrics_address()?;
        let server = bound.serve(&config, assembled)?;
        for address in addresses {
            tracing::info!(%address, "listening");
        }
        if let Some(address) = metrics {
            tracing::info!(%address, "metrics are served at /metrics");
        }
        if config.mail.is_none() {
            tracing::info!(
                "there is no [mail]: no codes are mailed, and resets of passwords are not offered"
            );
        }
        server.reloading(move || file.load_config()).run().await
    }
}

/// Opens the protocols, then the ports.
async fn bind(config: &Config, assembled: &mut Assembled) -> anyhow::Result<Bound> {
    assembled.open_protocols(config).await?;
    Bound::bind(config).await
}

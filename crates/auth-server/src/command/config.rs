//! `auth-server config`: prints or checks a configuration.

mod deep;

use auth_core::ProtocolName;

use super::config_file::ConfigFile;
use super::output::print_line;
use crate::config::{ConfigError, DEFAULT, StoreLocation};
use crate::system_error::folder_of;

/// Print or check a configuration.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every key with its default.
    #[command(after_help = "Example: auth-server config default > auth.toml")]
    Default,
    /// Check a configuration: print errors and warnings. The exit code of a bad one is 78, as in every command.
    #[command(after_help = "Examples:\n  auth-server config check --config auth.toml\n  \
                            auth-server config check --config auth.toml --deep")]
    Check(Check),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
    /// Also open the store and the key ring, bind the ports and release them, and ask the directories and the SMTP server.
    /// Nothing is created or changed, and no mail is sent. What the next `serve` would do to a store of an earlier version is
    /// said.
    #[arg(long)]
    deep: bool,
}

impl ConfigCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Default => Ok(print_line(DEFAULT.trim_end())?),
            Self::Check(check) => check.run().await,
        }
    }
}

impl Check {
    async fn run(self) -> anyhow::Result<()> {
        let config = self.file.load()?;
        config.engine()?;
        if let StoreLocation::Sqlite(path) = config.store.location()? {
            let folder = folder_of(&path);
            if !folder.is_dir() {
                return Err(ConfigError::new(format!(
                    "[store] url: there is no folder {}",
                    folder.display()
                ))
                .into());
            }
        }
        for warning in config.warnings() {
            print_line(format_args!("warning: {warning}"))?;
        }
        if self.deep {
            deep::check(&config).await?;
        }
        let protocols: Vec<ProtocolName> = config.protocols().collect();
        let names: Vec<&str> = protocols.iter().map(ProtocolName::as_str).collect();
        print_line(format_args!("good: protocols {}", names.join(", ")))?;
        Ok(())
    }
}

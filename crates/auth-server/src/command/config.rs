//! `auth-server config`: prints or checks a configuration.

use anyhow::bail;
use auth_core::ProtocolName;

use super::config_file::ConfigFile;
use super::output::print_line;
use crate::config::{DEFAULT, StoreLocation};

/// Print or check a configuration.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ConfigCommand {
    /// Print every key with its default.
    #[command(after_help = "Example: auth-server config default > auth.toml")]
    Default,
    /// Check a configuration: print errors and warnings.
    #[command(after_help = "Example: auth-server config check --config auth.toml")]
    Check(ConfigFile),
}

impl ConfigCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Default => print_line(DEFAULT.trim_end())?,
            Self::Check(file) => check(&file)?,
        }
        Ok(())
    }
}

fn check(file: &ConfigFile) -> anyhow::Result<()> {
    let config = file.load()?;
    config.engine()?;
    if let StoreLocation::Sqlite(path) = config.store.location()?
        && let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        bail!("[store] url: there is no folder {}", folder.display());
    }
    for warning in config.warnings() {
        print_line(format_args!("warning: {warning}"))?;
    }
    let protocols: Vec<ProtocolName> = config.protocols().collect();
    let names: Vec<&str> = protocols.iter().map(ProtocolName::as_str).collect();
    print_line(format_args!("good: protocols {}", names.join(", ")))?;
    Ok(())
}

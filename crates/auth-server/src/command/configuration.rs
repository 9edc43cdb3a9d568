//! `auth-server config`.

use anyhow::bail;

use super::{ConfigFile, say};
use crate::config::{DEFAULT, Place};

/// Print or check a configuration.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Configuration {
    /// Print every key with its default.
    #[command(after_help = "Example: auth-server config default > auth.toml")]
    Default,
    /// Say whether a configuration can be used, and what in it is hardly meant.
    #[command(after_help = "Example: auth-server config check --config auth.toml")]
    Check(ConfigFile),
}

impl Configuration {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Default => say(DEFAULT.trim_end())?,
            Self::Check(file) => {
                let config = file.load()?;
                config.engine()?;
                if let Place::Sqlite(path) = config.store_place()?
                    && let Some(folder) = path.parent()
                    && !folder.as_os_str().is_empty()
                    && !folder.is_dir()
                {
                    bail!("[store] url: there is no folder {}", folder.display());
                }
                for warning in config.warnings() {
                    say(format_args!("warning: {warning}"))?;
                }
                let protocols: Vec<&str> = config.protocols().map(auth_core::ProtocolName::as_str).collect();
                say(format_args!("good: protocols {}", protocols.join(", ")))?;
            }
        }
        Ok(())
    }
}

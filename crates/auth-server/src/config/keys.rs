//! Section `[keys]`: the key ring's file.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, SecretFile};

/// Section `[keys]`: the key ring's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Keys {
    /// The file, which has mode 0600.
    pub file: SecretFile,
}

impl Default for Keys {
    fn default() -> Self {
        Self { file: PathBuf::from("keys.toml").into() }
    }
}

impl Keys {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.file.is_empty() {
            return Err(ConfigError::new("[keys] file is empty"));
        }
        Ok(())
    }

    /// The path of the key file.
    ///
    /// # Errors
    /// [`ConfigError`] when the file is a credential that systemd did not pass.
    pub(crate) fn path(&self) -> Result<PathBuf, ConfigError> {
        self.file.path("[keys] file")
    }
}

//! Section `[keys]`: the key ring's file.

use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, files};

/// Section `[keys]`: the key ring's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Keys {
    /// The path of the file, which has mode 0600; or `credential:` and the name of a systemd credential.
    pub file: PathBuf,
}

impl Default for Keys {
    fn default() -> Self {
        Self { file: "keys.toml".into() }
    }
}

impl Keys {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.file.as_os_str().is_empty() {
            return Err(ConfigError::new("[keys] file is empty"));
        }
        Ok(())
    }

    /// The path of the key file.
    ///
    /// # Errors
    /// [`ConfigError`] when the file is a credential that systemd did not pass.
    pub(crate) fn path(&self) -> Result<PathBuf, ConfigError> {
        let failed =
            |reason: String| ConfigError::new(format!("[keys] file {}: {reason}", self.file.display()));
        files::locate(&self.file).map_err(failed)
    }

    /// Whether the key file is a systemd credential, which can't be changed.
    pub(crate) fn is_credential(&self) -> bool {
        files::is_credential(&self.file)
    }
}

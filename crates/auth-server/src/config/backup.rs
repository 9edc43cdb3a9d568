//! Section `[backup]`: copies of the store that the running server makes.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

use super::value::{positive, positive_span};
use super::{ConfigError, Span};

/// Section `[backup]`: copies of the store that the running server makes, of a store in SQLite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Backup {
    /// The folder of the copies; without one none are made.
    #[serde(deserialize_with = "folder")]
    pub folder: Option<PathBuf>,
    /// How long after a copy the next one is made.
    #[serde(deserialize_with = "positive_span")]
    pub every: Span,
    /// How many copies are kept. The oldest beyond them are removed once a new one was checked.
    #[serde(deserialize_with = "positive")]
    pub keep: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self { folder: None, every: Span::secs(86_400), keep: 7 }
    }
}

impl Backup {
    pub(super) fn resolve(&mut self, base: &std::path::Path) {
        if let Some(folder) = &mut self.folder {
            *folder = base.join(&*folder);
        }
    }

    pub(super) fn check(&self, is_sqlite: bool) -> Result<(), ConfigError> {
        if self.folder.is_some() && !is_sqlite {
            return Err(ConfigError::new(
                "[backup] folder: a store in PostgreSQL is copied by PostgreSQL: use pg_dump or pg_basebackup, and leave \
                 [backup] out",
            ));
        }
        Ok(())
    }
}

fn folder<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok((!text.is_empty()).then(|| PathBuf::from(text)))
}

//! The folders of demo servers: kept, or thrown away with the server.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use crate::store_lock::StoreLock;
use crate::system;

/// How the names of the folders begin whose data is thrown away.
const PREFIX: &str = "auth-server-dev-";

/// The file by which a folder is known to be one that may be thrown away.
const MARK: &str = "thrown-away-by-auth-server-dev";

/// A server has locked its folder long before.
const STARTING: Duration = Duration::from_secs(60);

/// The folder of a demo server.
pub(super) enum Folder {
    Kept(PathBuf),
    /// Removed when this is dropped.
    ThrownAway(TempDir),
}

impl Folder {
    /// Makes the folder that is to be kept; without one, a new one that is thrown away.
    pub(super) fn make(kept: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(kept) = kept {
            std::fs::create_dir_all(kept).with_context(|| kept.display().to_string())?;
            return Ok(Self::Kept(kept.to_owned()));
        }
        let temporary = tempfile::Builder::new().prefix(PREFIX).tempdir()?;
        std::fs::write(temporary.path().join(MARK), "")?;
        Ok(Self::ThrownAway(temporary))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::ThrownAway(temporary) => temporary.path(),
        }
    }
}

/// Removes the folders of demo servers that were killed. A folder whose server runs is locked; one that is so young may be
/// that of a server that starts just now.
pub(super) fn remove_left_behind(folder: &Path) {
    let me = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX))
            && entry.metadata().is_ok_and(|file| {
                let age = file.modified().ok().and_then(system::age_of);
                file.is_dir() && file.uid() == me && age.is_some_and(|age| age > STARTING)
            });
        let path = entry.path();
        if is_ours
            && path.join(MARK).is_file()
            && let Ok(_lock) = StoreLock::take_file(&path.join("auth.db"))
        {
            // What can't be removed now is removed next time.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

//! Files that are written as a whole: readers see either the old content or the new one.
//!
//! A symbolic link is followed: it stays, and the file that it names is replaced. A replaced file keeps owner, group and
//! mode, so that root may replace the file of a service's user.

use std::fs::{File, Metadata};
use std::io::{Error, Write as _};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

use anyhow::{anyhow, bail};
use tempfile::NamedTempFile;

use crate::system_error::{file_reason, folder_of, plain_io};

/// Writes a temporary file beside `path`, of mode 0600 and synced to disk.
///
/// # Errors
/// A sentence for the operator, which begins with the path.
pub(crate) fn write_beside(path: &Path, content: &[u8]) -> anyhow::Result<NamedTempFile> {
    let folder = folder_of(path);
    // The folder is to blame, and not the file that may be there already.
    let failed = |error: Error| {
        anyhow!("{} can't be written: {}", path.display(), file_reason(&folder.join("new"), &error))
    };
    let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    Ok(file)
}

/// Replaces a file.
///
/// # Errors
/// A sentence for the operator, which begins with the path.
pub(crate) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    let failed = |error: Error| anyhow!("{shown} can't be replaced: {}", file_reason(path, &error));
    let target = path.canonicalize().map_err(failed)?;
    let old = std::fs::metadata(&target).map_err(failed)?;
    let file = write_beside(&target, content)?;
    if let Err(error) = resemble(file.as_file(), &old) {
        bail!(
            "{shown} can't keep its owner and group: {}; run this as root or as the owner",
            plain_io(&error)
        );
    }
    file.persist(&target).map_err(|error| failed(error.error))?;
    sync_folder(&target)?;
    Ok(())
}

/// Syncs the folder of a file to disk.
///
/// # Errors
/// Those of the system.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Gives a new file the owner, the group and the mode of an old one.
fn resemble(new: &File, old: &Metadata) -> std::io::Result<()> {
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(old.permissions())
}

//! The key ring's file: TOML, made with mode 0600, always replaced as a whole.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use anyhow::{Context, bail};
use auth_core::{Rng, Timestamp};
use auth_crypto::keyring::KeyRing;
use auth_engine::key_file;
use auth_transfer::rfc3339;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::secret_access::is_private;
use crate::system_error::{file_reason, folder_of, plain_io};
use crate::whole_file::{self, sync_folder};

/// The content of the file.
#[derive(Debug)]
pub(crate) struct KeyFile {
    pub(crate) ring: KeyRing,
    /// When the active key was promoted; `None` for the first key of a ring.
    pub(crate) promoted: Option<Timestamp>,
}

/// Reads a key file; `None` when there is none.
///
/// # Errors
/// A sentence for the operator, when the file can't be read, can be read by others too, or has other content.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<KeyFile>> {
    let shown = path.display();
    let failed =
        |error: std::io::Error| anyhow::anyhow!("the key file {shown}: {}", file_reason(path, &error));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !file.metadata().and_then(|file| is_private(path, &file)).map_err(failed)? {
        bail!("the key file {shown} can be read by others: chmod 600 {shown}");
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(failed)?;
    let unreadable = || format!("the key file {shown} is not one that this program wrote");
    let key_file::KeyFile { ring, promoted } =
        key_file::KeyFile::parse(&text).ok().with_context(unreadable)?;
    let promoted = match promoted.map(|text| text.parse::<jiff::Timestamp>()) {
        None => None,
        Some(Ok(time)) => Some(Timestamp::from_millis(time.as_millisecond())),
        Some(Err(_)) => bail!(unreadable()),
    };
    Ok(Some(KeyFile { ring, promoted }))
}

/// Copies a key file to a new file, which has mode 0600 as well.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let file = read(from)?.with_context(|| format!("the key file {} is missing", from.display()))?;
    let copy = temporary_file(to, &file.ring, file.promoted)?;
    copy.persist_noclobber(to).map_err(|error| {
        anyhow::anyhow!("the key file {}: {}", to.display(), file_reason(to, &error.error))
    })?;
    sync_folder(to)?;
    Ok(())
}

/// Creates a ring and its file, and returns `true` with the ring. If another process has created the file meanwhile,
/// returns that ring and `false`.
pub(crate) fn create(path: &Path, rng: &dyn Rng) -> anyhow::Result<(KeyRing, bool)> {
    let ring = KeyRing::generate(rng);
    let file = temporary_file(path, &ring, None)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync_folder(path)?,
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
            let other = read(path)?.with_context(|| format!("the key file {} is gone", path.display()))?;
            return Ok((other.ring, false));
        }
        Err(error) => {
            bail!("the key file {} can't be created: {}", path.display(), file_reason(path, &error.error));
        }
    }
    Ok((ring, true))
}

/// Replaces a key file. Readers see either the old content or the new one.
pub(crate) fn replace(path: &Path, ring: &KeyRing, promoted: Option<Timestamp>) -> anyhow::Result<()> {
    let text = content(ring, promoted);
    whole_file::replace(path, text.as_bytes()).map_err(|error| anyhow::anyhow!("the key file {error}"))
}

/// Locks a key file against changes by other commands, until the returned file is dropped.
pub(crate) fn lock(path: &Path) -> anyhow::Result<File> {
    let shown = path.display();
    let folder = path.canonicalize().and_then(|target| File::open(folder_of(&target)));
    let folder = folder.map_err(|error| anyhow::anyhow!("{shown}: {}", plain_io(&error)))?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => {
            bail!("another command is changing {shown}: wait until it has ended")
        }
        Err(TryLockError::Error(error)) => bail!("{shown}: {}", plain_io(&error)),
    }
}

/// A temporary file beside `path` that holds a ring.
fn temporary_file(path: &Path, ring: &KeyRing, promoted: Option<Timestamp>) -> anyhow::Result<NamedTempFile> {
    let text = content(ring, promoted);
    whole_file::write_beside(path, text.as_bytes()).map_err(|error| anyhow::anyhow!("the key file {error}"))
}

/// The text of a key file.
fn content(ring: &KeyRing, promoted: Option<Timestamp>) -> Zeroizing<String> {
    key_file::text(ring, promoted.and_then(rfc3339).as_deref())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    use auth_core::SeededRng;

    use super::*;

    #[test]
    fn a_link_stays_and_the_file_that_it_names_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("secrets")).unwrap();
        let (ring, _) = create(&path("secrets/keys.toml"), &SeededRng::new(1)).unwrap();
        symlink("secrets/keys.toml", path("near.toml")).unwrap();
        symlink(path("near.toml"), path("keys.toml")).unwrap();
        assert_eq!(read(&path("keys.toml")).unwrap().unwrap().ring.ids(), ring.ids());

        let locked = lock(&path("keys.toml")).unwrap();
        assert!(lock(&path("secrets/keys.toml")).is_err(), "a link is locked with what it names");
        drop(locked);
        let other = KeyRing::generate(&SeededRng::new(2));
        replace(&path("keys.toml"), &other, None).unwrap();
        for link in ["keys.toml", "near.toml"] {
            assert!(path(link).is_symlink(), "{link}");
        }
        let secret = |ring: &KeyRing| ring.keys().map(|key| key.secret.to_vec()).collect::<Vec<_>>();
        for name in ["keys.toml", "secrets/keys.toml"] {
            let read = read(&path(name)).unwrap().unwrap().ring;
            assert!(secret(&read) == secret(&other) && secret(&read) != secret(&ring), "{name}");
        }
        assert_eq!(std::fs::read_dir(path("secrets")).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_replaced_file_keeps_owner_group_and_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let (ring, _) = create(&path, &SeededRng::new(1)).unwrap();
        let facts = |path: &Path| {
            let file = std::fs::metadata(path).unwrap();
            (file.uid(), file.gid(), file.mode() & 0o7777)
        };
        assert_eq!(facts(&path).2, 0o600, "a new file");
        // Root rotates for a service user; other users can give away nothing, and only the mode is tried.
        let is_root = facts(&path).0 == 0;
        let service = is_root.then_some(12_345);
        for (owner, group, mode) in
            [(service, service, 0o600), (service, None, 0o400), (None, service, 0o600)]
        {
            chown(&path, owner, group).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let before = facts(&path);
            replace(&path, &ring, None).unwrap();
            assert_eq!(facts(&path), before);
            assert!(read(&path).unwrap().is_some());
        }
    }
}

//! Files that hold secrets: a path, or `credential:NAME` for one that systemd passes (`LoadCredential=`).

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{ConfigError, plain_io};

/// The prefix of a credential's name.
const CREDENTIAL: &str = "credential:";

/// Whether a file is a systemd credential.
pub(super) fn is_credential(file: &Path) -> bool {
    file.to_str().is_some_and(|file| file.starts_with(CREDENTIAL))
}

/// The path of a file.
///
/// # Errors
/// A sentence, when the file is a credential that was not passed, or whose name is not a plain one.
pub(super) fn locate(file: &Path) -> Result<PathBuf, String> {
    let Some(name) = file.to_str().and_then(|file| file.strip_prefix(CREDENTIAL)) else {
        return Ok(file.to_owned());
    };
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(format!("{CREDENTIAL} needs the plain name of a credential"));
    }
    #[expect(clippy::disallowed_methods, reason = "the folder in which systemd puts credentials")]
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    let folder = folder.ok_or("systemd passed no credentials: there is no $CREDENTIALS_DIRECTORY")?;
    Ok(Path::new(&folder).join(name))
}

/// The bytes of a file, without white space at the end. `at` names the key of the configuration in errors.
///
/// # Errors
/// [`ConfigError`] when the file can't be read.
pub(super) fn secret(at: &str, file: &Path) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let failed = |reason: String| ConfigError::new(format!("{at} {}: {reason}", file.display()));
    let path = locate(file).map_err(failed)?;
    let read = std::fs::read(path).map(Zeroizing::new).map_err(|error| failed(plain_io(&error)))?;
    Ok(Zeroizing::new(read.trim_ascii_end().to_vec()))
}

/// The text of a file, without white space at the end. `at` names the key of the configuration in errors.
///
/// # Errors
/// [`ConfigError`] when the file can't be read or is not UTF-8.
pub(crate) fn secret_text(at: &str, file: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let secret = secret(at, file)?;
    match std::str::from_utf8(&secret) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(ConfigError::new(format!("{at} {}: not UTF-8", file.display()))),
    }
}

//! Files that hold secrets: a path, or `credential:NAME` for one that systemd passes (`LoadCredential=`).

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{ConfigError, Keys, plain_io};

/// Before the name of a credential.
const CREDENTIAL: &str = "credential:";

/// Where a file is.
///
/// # Errors
/// A sentence: a credential is wanted, but none was passed, or it has no plain name.
fn locate(file: &Path) -> Result<PathBuf, String> {
    let Some(name) = file.to_str().and_then(|file| file.strip_prefix(CREDENTIAL)) else {
        return Ok(file.to_owned());
    };
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(format!("{CREDENTIAL} wants the plain name of a credential"));
    }
    #[expect(clippy::disallowed_methods, reason = "where systemd says that credentials are")]
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
    let folder = folder.ok_or("systemd passed no credentials: there is no $CREDENTIALS_DIRECTORY")?;
    Ok(Path::new(&folder).join(name))
}

impl Keys {
    /// Where the key file is.
    ///
    /// # Errors
    /// [`ConfigError`] when it is a credential that was not passed.
    pub(crate) fn path(&self) -> Result<PathBuf, ConfigError> {
        locate(&self.file).map_err(|why| ConfigError(format!("[keys] file {}: {why}", self.file.display())))
    }

    /// Whether the key file is one that systemd passes, and so can't be changed.
    pub(crate) fn is_credential(&self) -> bool {
        self.file.to_str().is_some_and(|file| file.starts_with(CREDENTIAL))
    }
}

/// What a file holds, without blanks and line ends behind it. `at` names the key of the configuration.
///
/// # Errors
/// [`ConfigError`] when it can't be read.
pub(super) fn secret(at: &str, file: &Path) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let told = |why: String| ConfigError(format!("{at} {}: {why}", file.display()));
    let path = locate(file).map_err(told)?;
    let read = std::fs::read(path).map(Zeroizing::new).map_err(|error| told(plain_io(&error)))?;
    Ok(Zeroizing::new(read.trim_ascii_end().to_vec()))
}

/// The same as text.
///
/// # Errors
/// [`ConfigError`] when it can't be read, or is no text.
pub(crate) fn secret_text(at: &str, file: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let secret = secret(at, file)?;
    let text = std::str::from_utf8(&secret);
    let text = text.map_err(|_| ConfigError(format!("{at} {}: not UTF-8", file.display())))?;
    Ok(Zeroizing::new(text.to_owned()))
}

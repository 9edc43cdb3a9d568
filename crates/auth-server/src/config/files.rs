//! Files that hold secrets: a path, or `credential:NAME` for one that systemd passes (`LoadCredential=`).

use std::fmt;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::ConfigError;
use crate::system_error::file_reason;

/// The prefix of a credential's name.
const CREDENTIAL: &str = "credential:";

/// A file that holds a secret: a path, or `credential:NAME` for one that systemd passes. Every key of the configuration
/// that names such a file has this type.
///
/// Methods take the name of the key, for errors. No error holds anything of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct SecretFile(PathBuf);

impl SecretFile {
    /// Takes a relative path as one in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        if !self.is_empty() && !self.is_credential() {
            self.0 = folder.join(&self.0);
        }
    }

    /// Whether the path is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_os_str().is_empty()
    }

    /// Whether the file is a systemd credential, which can't be changed from here.
    pub(crate) fn is_credential(&self) -> bool {
        self.credential().is_some()
    }

    /// The path of the file.
    ///
    /// # Errors
    /// [`ConfigError`] when the file is a credential that was not passed, or whose name is not a plain one.
    pub(crate) fn path(&self, key: &str) -> Result<PathBuf, ConfigError> {
        let Some(name) = self.credential() else {
            return Ok(self.0.clone());
        };
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(self.failed(key, format_args!("{CREDENTIAL} needs the plain name of a credential")));
        }
        #[expect(clippy::disallowed_methods, reason = "the folder in which systemd puts credentials")]
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY");
        let none = "systemd passed no credentials: there is no $CREDENTIALS_DIRECTORY";
        folder.map(|folder| Path::new(&folder).join(name)).ok_or_else(|| self.failed(key, none))
    }

    /// The bytes of the file, without a newline at the end.
    ///
    /// # Errors
    /// [`ConfigError`] when the file can't be read.
    pub(crate) fn read(&self, key: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        let path = self.path(key)?;
        let read = std::fs::read(&path);
        let mut bytes = Zeroizing::new(read.map_err(|error| self.failed(key, file_reason(&path, &error)))?);
        let line = bytes.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        if let Some(length) = line.map(<[u8]>::len) {
            bytes.truncate(length);
        }
        Ok(bytes)
    }

    /// The text of the file, without a newline at the end.
    ///
    /// # Errors
    /// [`ConfigError`] when the file can't be read or is not UTF-8.
    pub(crate) fn read_text(&self, key: &str) -> Result<Zeroizing<String>, ConfigError> {
        match std::str::from_utf8(&self.read(key)?) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(self.failed(key, "not UTF-8")),
        }
    }

    fn credential(&self) -> Option<&str> {
        self.0.to_str().and_then(|file| file.strip_prefix(CREDENTIAL))
    }

    fn failed(&self, key: &str, reason: impl fmt::Display) -> ConfigError {
        ConfigError::new(format!("{key} {self}: {reason}"))
    }
}

impl From<PathBuf> for SecretFile {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl fmt::Display for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// The certificates in a file, in PEM. `key` names the key of the file, for errors.
///
/// # Errors
/// [`ConfigError`] when the file can't be read, or holds no certificate.
pub(super) fn certificates(key: &str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    let failed = |reason: &str| ConfigError::new(format!("{key} {}: {reason}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| failed(&file_reason(path, &error)))?;
    let mut found = CertificateDer::pem_slice_iter(&bytes);
    match found.next() {
        Some(Ok(_)) => Ok(bytes),
        Some(Err(_)) => Err(failed("a certificate in it is damaged")),
        None if bytes.is_empty() => Err(failed("the file is empty: it must hold a certificate in PEM")),
        None => Err(failed("it holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")),
    }
}

/// The secret that a section has in a key, or in a file that the key with `_file` at the end of its name names.
///
/// # Errors
/// [`ConfigError`] when both keys are set, or the file can't be read or is not UTF-8.
pub(super) fn secret(
    section: &str,
    key: &str,
    given: Option<&str>,
    file: Option<&SecretFile>,
) -> Result<Option<Zeroizing<String>>, ConfigError> {
    match (given, file) {
        (None, None) => Ok(None),
        (Some(given), None) => Ok(Some(Zeroizing::new(given.to_owned()))),
        (None, Some(file)) => file.read_text(&format!("{section} {key}_file")).map(Some),
        (Some(_), Some(_)) => {
            Err(ConfigError::new(format!("{section} set either {key} or {key}_file, not both")))
        }
    }
}

#[cfg(test)]
mod tests;

//! Key files: a key ring as TOML, in a file that its owner alone can read.
//!
//! ```toml
//! [[key]]
//! id = 1
//! secret = "64 hexadecimal digits"
//! ```
//!
//! The first key is the active one. `promoted = "2026-01-31T12:00:00Z"` before it says since when.

use std::fmt;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use auth_core::Rng;
use auth_crypto::keyring::{KeyRing, RingKey};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// The content of a key file.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a record of what the file says")]
pub struct KeyFile {
    /// The key ring.
    pub ring: KeyRing,
    /// When the active key was promoted, as the file says it; `None` for the first key of a ring.
    pub promoted: Option<String>,
}

/// The text is no key file's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotAKeyFile;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    promoted: Option<String>,
    key: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: u32,
    secret: Zeroizing<String>,
}

impl KeyFile {
    /// Reads the text of a key file.
    ///
    /// # Errors
    /// [`NotAKeyFile`], which says no more: a parser's message could quote a secret.
    pub fn parse(text: &str) -> Result<Self, NotAKeyFile> {
        let content: Content = toml::from_str(text).map_err(|_| NotAKeyFile)?;
        let key = |key: Key| {
            let bytes =
                HEXLOWER.decode(key.secret.as_bytes()).map(Zeroizing::new).map_err(|_| NotAKeyFile)?;
            let secret = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| NotAKeyFile)?;
            Ok(RingKey { id: key.id, secret: Zeroizing::new(secret) })
        };
        let keys = content.key.into_iter().map(key).collect::<Result<_, _>>()?;
        let ring = KeyRing::from_keys(keys).map_err(|_| NotAKeyFile)?;
        Ok(Self { ring, promoted: content.promoted })
    }
}

/// Writes the text of a key file. `promoted` is the moment at which the active key was promoted, in RFC 3339.
///
/// ```
/// use auth_core::SystemRng;
/// use auth_crypto::keyring::KeyRing;
/// use auth_engine::key_file::{self, KeyFile};
///
/// let ring = KeyRing::generate(&SystemRng);
/// let text = key_file::text(&ring, None);
/// assert_eq!(KeyFile::parse(&text)?.ring.ids(), ring.ids());
/// # Ok::<(), key_file::NotAKeyFile>(())
/// ```
#[must_use]
pub fn text(ring: &KeyRing, promoted: Option<&str>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::from(
        "# auth-server's key ring. Without it the store's keys and second factors are lost: keep a copy.\n",
    ));
    let mut add = |line: fmt::Arguments<'_>| {
        // A String takes whatever is written.
        let _ = text.write_fmt(line);
    };
    if let Some(time) = promoted {
        add(format_args!("# When the first key became the active one.\npromoted = \"{time}\"\n"));
    }
    for key in ring.keys() {
        let secret = Zeroizing::new(HEXLOWER.encode(key.secret.as_slice()));
        add(format_args!("\n[[key]]\nid = {}\nsecret = \"{}\"\n", key.id, *secret));
    }
    text
}

/// Reads a key file; `None` when there is none.
///
/// # Errors
/// [`KeyFileError`] when the file can't be read, can be read by others too, or has other content.
pub fn read(path: &Path) -> Result<Option<KeyFile>, KeyFileError> {
    let failed = |why| KeyFileError { path: path.to_owned(), why };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(Why::Io(error))),
    };
    let metadata = file.metadata().map_err(|error| failed(Why::Io(error)))?;
    if metadata.is_dir() {
        return Err(failed(Why::Io(ErrorKind::IsADirectory.into())));
    }
    if !is_private(&metadata) {
        return Err(failed(Why::Public));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(|error| failed(Why::Io(error)))?;
    KeyFile::parse(&text).map(Some).map_err(|NotAKeyFile| failed(Why::Content))
}

/// Creates a key ring and its file, and returns `true` with it. If another process has created the file meanwhile, returns
/// that one's and `false`.
pub(crate) fn create(path: &Path, rng: &dyn Rng) -> Result<(KeyFile, bool), KeyFileError> {
    let failed = |error| KeyFileError { path: path.to_owned(), why: Why::Io(error) };
    let ring = KeyRing::generate(rng);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || {
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text(&ring, None).as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    match write().map_err(failed)?.persist_noclobber(path) {
        Ok(_) => {
            // A folder is synced where the system can.
            if let Ok(folder) = File::open(folder) {
                folder.sync_all().map_err(failed)?;
            }
            Ok((KeyFile { ring, promoted: None }, true))
        }
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => match read(path)? {
            Some(file) => Ok((file, false)),
            None => Err(failed(ErrorKind::NotFound.into())),
        },
        Err(error) => Err(failed(error.error)),
    }
}

/// Removes a key file that was made in vain.
pub(crate) fn remove(path: &Path) {
    // A file that stays is refused at the next opening.
    drop(fs::remove_file(path));
}

/// Whether nobody but the file's owner can read it.
#[cfg(unix)]
fn is_private(file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    file.mode() & 0o077 == 0
}

/// Whether nobody but the file's owner can read it: the system has no modes.
#[cfg(not(unix))]
fn is_private(_file: &Metadata) -> bool {
    true
}

/// Why a key file can't be used.
#[derive(Debug)]
pub struct KeyFileError {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Io(io::Error),
    Public,
    Content,
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Io(_) => write!(f, "the key file {path} can't be read or made"),
            Why::Public => write!(f, "the key file {path} can be read by others: chmod 600 {path}"),
            Why::Content => write!(f, "the key file {path} is not one that this program wrote"),
        }
    }
}

impl std::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Io(error) => Some(error),
            Why::Public | Why::Content => None,
        }
    }
}

impl fmt::Display for NotAKeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not the text of a key file")
    }
}

impl std::error::Error for NotAKeyFile {}

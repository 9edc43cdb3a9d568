//! The key ring's file: TOML, mode 0600, made once.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use auth_core::Rng;
use auth_crypto::keyring::{KeyRing, RingKey};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::config::plain_io;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: u32,
    secret: Zeroizing<String>,
}

/// Reads the ring; `None` when there is no file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Option<KeyRing>> {
    let shown = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => bail!("the key file {shown}: {}", plain_io(&error)),
    };
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("the key file {shown} can be read by others: chmod 600 {shown}");
    }
    // What the parser says could quote a secret.
    let unreadable = || format!("the key file {shown} is not one that this program wrote");
    let file: File = toml::from_str(&text).ok().with_context(unreadable)?;
    let mut keys = Vec::new();
    for key in file.key {
        let mut secret = Zeroizing::new([0; 32]);
        let bytes =
            HEXLOWER.decode(key.secret.as_bytes()).ok().map(Zeroizing::new).with_context(unreadable)?;
        if bytes.len() != secret.len() {
            bail!(unreadable());
        }
        secret.copy_from_slice(&bytes);
        keys.push(RingKey { id: key.id, secret });
    }
    if keys.is_empty() {
        bail!(unreadable());
    }
    Ok(Some(KeyRing::from_keys(keys).ok().with_context(unreadable)?))
}

/// Copies a ring's file to a new one, of mode 0600 too.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let unread =
        |error: std::io::Error| anyhow::anyhow!("the key file {}: {}", from.display(), plain_io(&error));
    let text = std::fs::read(from).map(Zeroizing::new).map_err(unread)?;
    let unmade =
        |error: std::io::Error| anyhow::anyhow!("the key file {}: {}", to.display(), plain_io(&error));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(unmade)?;
    file.write_all(&text)?;
    file.sync_all()?;
    Ok(())
}

/// Makes a ring and its file, which must not be there yet.
pub(crate) fn create(path: &Path, rng: &dyn Rng) -> anyhow::Result<KeyRing> {
    let ring = KeyRing::generate(rng);
    let mut text = Zeroizing::new(String::from(
        "# auth-server's key ring. Without it the store's keys and second factors are lost: keep a copy.\n",
    ));
    for key in ring.keys() {
        let secret = Zeroizing::new(HEXLOWER.encode(key.secret.as_slice()));
        write!(text, "\n[[key]]\nid = {}\nsecret = \"{}\"\n", key.id, *secret)?;
    }
    let shown = path.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| anyhow::anyhow!("the key file {shown} can't be made: {}", plain_io(&error)))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(ring)
}

//! Where an engine takes its key ring from.

use std::sync::Arc;

use auth_core::{Rng, Store};
use auth_crypto::keyring::KeyRing;

use crate::error::OpenError;
use crate::keys::{Keys, kept_ring};

/// Where an engine takes its key ring from.
pub(crate) enum KeySource {
    /// The store itself.
    Store,
    /// The program.
    Given(Arc<KeyRing>),
    /// A file.
    #[cfg(feature = "key-file")]
    File(std::path::PathBuf),
}

impl KeySource {
    /// Takes the ring, which is made where the store is new, and binds the store to it.
    pub(crate) async fn open(self, store: &Arc<dyn Store>, rng: &dyn Rng) -> Result<Keys, OpenError> {
        let ring = match self {
            Self::Store => Arc::new(kept_ring(&**store, rng).await?),
            Self::Given(ring) => ring,
            #[cfg(feature = "key-file")]
            Self::File(path) => return from_file(store, &path, rng).await,
        };
        Keys::open(Arc::clone(store), ring).await
    }
}

#[cfg(feature = "key-file")]
async fn from_file(store: &Arc<dyn Store>, path: &std::path::Path, rng: &dyn Rng) -> Result<Keys, OpenError> {
    use crate::key_file;

    let open = |file: key_file::KeyFile| Keys::open(Arc::clone(store), Arc::new(file.ring));
    if let Some(file) = key_file::read(path)? {
        return open(file).await;
    }
    if crate::keys::is_bound(&**store).await? {
        return Err(OpenError::KeyRingElsewhere);
    }
    let (file, made) = key_file::create(path, rng)?;
    let opened = open(file).await;
    if made && matches!(opened, Err(OpenError::OtherKeyRing)) {
        // Another process has bound the store first. This file is worth nothing, and would be taken for the store's.
        key_file::remove(path);
    }
    opened
}

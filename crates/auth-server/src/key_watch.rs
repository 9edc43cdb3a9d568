//! The key file of a running server: read every second, so that keys are rotated without a restart.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use auth_admin::Nodes;
use auth_core::Event;
use auth_crypto::keyring::KeyRing;
use auth_engine::Engine;
use tokio_util::sync::CancellationToken;

use crate::keyfile;

/// How often.
const LOOK: Duration = Duration::from_secs(1);

/// The server says which keys it knows at every tenth look, and at once when they have changed.
const TELL: u32 = 10;

/// Goes on with what the key file says, and tells the store which keys this server knows, until told to stop.
pub(crate) async fn watch(engine: Arc<Engine>, path: PathBuf, node: String, stop: CancellationToken) {
    let nodes = Nodes::new(&engine);
    let mut looks = 0_u32;
    let mut complained = String::new();
    loop {
        let mut tell = looks.is_multiple_of(TELL);
        match look(&engine, &path).await {
            Ok(changed) => {
                tell |= changed;
                complained.clear();
            }
            // Once for each thing that is wrong.
            Err(error) if complained != error.to_string() => {
                complained = error.to_string();
                tracing::error!(%error, "the key file can't be used: the server goes on with the keys it has");
            }
            Err(_) => {}
        }
        if tell && let Err(error) = nodes.report(&node).await {
            tracing::debug!(%error, "can't report this server's keys to the store");
        }
        looks = looks.wrapping_add(1);
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    if let Err(error) = nodes.withdraw(&node).await {
        tracing::debug!(%error, "can't withdraw this server's report from the store");
    }
}

/// Takes the ring over if the file has another one; tells whether.
async fn look(engine: &Engine, path: &std::path::Path) -> anyhow::Result<bool> {
    let Some(file) = keyfile::read(path)? else {
        anyhow::bail!("the key file {} is missing: bring it back from a copy", path.display());
    };
    if is_same(&file.ring, &engine.keys().ring()) {
        return Ok(false);
    }
    let ids = file.ring.ids();
    engine.keys().exchange(file.ring).await?;
    let event = Event::KeyRingChanged.as_str();
    tracing::info!(event, keys = ?ids, "the key ring has changed: the first key is the active one");
    Ok(true)
}

fn is_same(one: &KeyRing, other: &KeyRing) -> bool {
    one.ids() == other.ids() && one.keys().zip(other.keys()).all(|(a, b)| a.secret == b.secret)
}

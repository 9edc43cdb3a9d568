//! Which keys each running server knows: it says so in the store, again and again.

use std::time::Duration;

use auth_core::{InternalError, Timestamp};

use crate::Engine;

/// A server that has said nothing for so long is not running.
pub const STALE: Duration = Duration::from_secs(30);

/// Before a server's name.
const PLACE: &str = "node-keys/";

/// A running server and its ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeKeys {
    /// What the server calls itself.
    pub node: String,
    /// When it last said so.
    pub seen: Timestamp,
    /// The ids of its keys, the active one first.
    pub ids: Vec<u32>,
}

impl Engine {
    /// Says in the store which keys this server knows. Names of servers are theirs alone.
    ///
    /// # Errors
    /// A [`InternalError`] when that is not known to be stored.
    pub async fn tell_keys(&self, node: &str) -> Result<(), InternalError> {
        let ids: Vec<String> = self.ring().ids().iter().map(u32::to_string).collect();
        let told = format!("{} {}", self.now().as_millis(), ids.join(" "));
        self.put_keys(node, Some(told.as_bytes())).await
    }

    /// Takes back what this server has said, since it ends.
    ///
    /// # Errors
    /// A [`InternalError`] when that is not known to be stored.
    pub async fn withdraw_keys(&self, node: &str) -> Result<(), InternalError> {
        self.put_keys(node, None).await
    }

    async fn put_keys(&self, node: &str, told: Option<&[u8]>) -> Result<(), InternalError> {
        let place = format!("{PLACE}{node}");
        let before = self.store.meta(&place).await?;
        // Nobody else writes there but who tidies up.
        self.store.replace_meta(&place, before.as_deref(), told).await?;
        Ok(())
    }

    /// The servers that run on this store.
    ///
    /// # Errors
    /// A [`InternalError`] when the store can't be read.
    pub async fn nodes(&self) -> Result<Vec<NodeKeys>, InternalError> {
        let now = self.now();
        let mut running = Vec::new();
        for (place, told) in self.store.metas(PLACE).await? {
            match read(&place, &told) {
                Some(node) if now.since(node.seen) < STALE => running.push(node),
                // It was killed, or can't be read by this version.
                _ => {
                    self.store.replace_meta(&place, Some(&told), None).await?;
                }
            }
        }
        Ok(running)
    }
}

fn read(place: &str, told: &[u8]) -> Option<NodeKeys> {
    let mut numbers = std::str::from_utf8(told).ok()?.split(' ');
    let seen = Timestamp::from_millis(numbers.next()?.parse().ok()?);
    let ids = numbers.map(|id| id.parse().ok()).collect::<Option<_>>()?;
    Some(NodeKeys { node: place.strip_prefix(PLACE)?.to_owned(), seen, ids })
}

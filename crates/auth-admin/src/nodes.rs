//! Which keys each running server knows: every server says so in the store, again and again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, InternalError, Store, Timestamp};
use auth_engine::Engine;
use auth_engine::keys::Keys;

/// A server that has reported nothing for so long is not running.
pub const STALE: Duration = Duration::from_secs(30);

/// The prefix of a server's name in the store.
const PREFIX: &str = "node-keys/";

/// A running server and its ring.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeKeys {
    /// The server's name.
    pub node: String,
    /// When the server last reported.
    pub seen: Timestamp,
    /// The ids of its keys, the active one first.
    pub ids: Vec<u32>,
}

/// The servers that run on a store, and the keys that each of them knows.
pub struct Nodes {
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
}

impl Nodes {
    /// The servers that run on an engine's store.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            store: Arc::clone(engine.store()),
            keys: Arc::clone(engine.keys()),
            clock: Arc::clone(engine.clock()),
        }
    }

    /// Reports in the store which keys this server knows. Names of servers are unique.
    ///
    /// # Errors
    /// An [`InternalError`] when that may not have been stored.
    pub async fn report(&self, node: &str) -> Result<(), InternalError> {
        let ids: Vec<String> = self.keys.ring().ids().iter().map(u32::to_string).collect();
        let report = format!("{} {}", self.clock.now().as_millis(), ids.join(" "));
        self.put(node, Some(report.as_bytes())).await
    }

    /// Withdraws this server's report, since the server ends.
    ///
    /// # Errors
    /// An [`InternalError`] when that may not have been stored.
    pub async fn withdraw(&self, node: &str) -> Result<(), InternalError> {
        self.put(node, None).await
    }

    async fn put(&self, node: &str, report: Option<&[u8]>) -> Result<(), InternalError> {
        let name = format!("{PREFIX}{node}");
        let before = self.store.meta(&name).await?;
        // No other server writes there, but for one that tidies up.
        self.store.replace_meta(&name, before.as_deref(), report, None).await?;
        Ok(())
    }

    /// The servers that are running.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn running(&self) -> Result<Vec<NodeKeys>, InternalError> {
        let now = self.clock.now();
        let mut running = Vec::new();
        for (name, report) in self.store.metas(PREFIX).await? {
            match read(&name, &report) {
                Some(node) if now.since(node.seen) < STALE => running.push(node),
                // The server was killed, or its report can't be read by this version.
                _ => {
                    self.store.replace_meta(&name, Some(&report), None, None).await?;
                }
            }
        }
        Ok(running)
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nodes").finish_non_exhaustive()
    }
}

fn read(name: &str, report: &[u8]) -> Option<NodeKeys> {
    let mut numbers = std::str::from_utf8(report).ok()?.split(' ');
    let seen = Timestamp::from_millis(numbers.next()?.parse().ok()?);
    let ids = numbers.map(|id| id.parse().ok()).collect::<Option<_>>()?;
    Some(NodeKeys { node: name.strip_prefix(PREFIX)?.to_owned(), seen, ids })
}

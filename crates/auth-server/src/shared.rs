//! What all connections share.

use std::sync::Arc;
use std::time::Duration;

use auth_core::Clock;
use auth_engine::AttemptLimits;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::BodyMemory;
use crate::client_counts::ClientCounts;
use crate::connections::Connections;
use crate::error_log::ErrorLog;
use crate::forwarding_log::ForwardingLog;
use crate::origin::Proxies;
use crate::request_id::RequestIds;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    /// Which networks are banned.
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) proxies: Proxies,
    pub(crate) forwarding: ForwardingLog,
    /// Whether requests for other hosts than this machine are refused.
    pub(crate) loopback_hosts_only: bool,
    pub(crate) header_timeout: Duration,
    pub(crate) body_timeout: Duration,
    pub(crate) bodies: Arc<BodyMemory>,
    pub(crate) connections: Arc<Connections>,
    /// Requests that are being answered.
    pub(crate) requests: Arc<ClientCounts>,
    /// Sockets on which users are signed in.
    pub(crate) signed_in_sockets: Arc<ClientCounts>,
    /// The same by the user's id.
    pub(crate) user_sockets: Arc<ClientCounts<String>>,
    pub(crate) request_ids: RequestIds,
    pub(crate) errors: Arc<ErrorLog>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

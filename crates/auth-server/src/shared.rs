//! What all connections share.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use auth_core::{ClientKey, Clock};
use auth_engine::AttemptLimits;
use auth_tower::Proxies;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ban_log::BanLog;
use crate::body::BodyMemory;
use crate::client_counts::ClientCounts;
use crate::config;
use crate::connections::Connections;
use crate::error_log::ErrorLog;
use crate::forwarding_log::ForwardingLog;
use crate::request_id::RequestIds;
use crate::traces::Traces;

/// What of the configuration changes when the running server reads it anew.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) proxies: Proxies,
    pub(crate) body_timeout: Duration,
    pub(crate) drain_time: Duration,
    pub(crate) shutdown_timeout: Duration,
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) clock: Arc<dyn Clock>,
    /// Which networks are banned.
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) bans: BanLog,
    pub(crate) forwarding: ForwardingLog,
    pub(crate) live: ArcSwap<Live>,
    /// Whether requests for other hosts than this machine are refused.
    pub(crate) loopback_hosts_only: bool,
    pub(crate) header_timeout: Duration,
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
    pub(crate) traces: Traces,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Live {
    pub(crate) fn of(config: &config::Server) -> Self {
        Self {
            proxies: Proxies { trusted: config.trusted_proxies.clone(), header: config.client_header },
            body_timeout: config.body_timeout.0,
            drain_time: config.drain_time.0,
            shutdown_timeout: config.shutdown_timeout.0,
        }
    }
}

impl Shared {
    /// As whom the connections of an address are counted; `None` for a trusted proxy, whose are not.
    pub(crate) fn counted_as(&self, address: IpAddr) -> Option<ClientKey> {
        (!self.live.load().proxies.trust(address)).then(|| ClientKey::of(address.to_canonical()))
    }

    /// Whether no connection of an address is taken. A trusted proxy stands for others, who are judged by themselves.
    pub(crate) fn refuses_connection(&self, address: IpAddr) -> bool {
        self.counted_as(address).is_some() && self.refuses_request(address)
    }

    /// Whether requests of an address are refused.
    pub(crate) fn refuses_request(&self, address: IpAddr) -> bool {
        let is_banned = self.limits.network_rules().bans(address);
        if is_banned {
            self.bans.note(address);
        }
        is_banned
    }
}

//! `[metrics]`: where numbers about the server are shown.

use std::net::SocketAddr;

use serde::Deserialize;

/// Where numbers about the server are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Metrics {
    /// The address that answers `/metrics` to whoever can reach it; without it nothing does.
    pub listen: Option<SocketAddr>,
}

//! Section `[metrics]`: the address for those who watch the server.

use std::net::SocketAddr;

use serde::Deserialize;

use super::value::optional_address;

/// Section `[metrics]`: the address for those who watch the server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Metrics {
    /// The address that answers `/metrics`, `/livez` and `/readyz` to every client that can reach it; without an address there are
    /// none.
    #[serde(deserialize_with = "optional_address")]
    pub listen: Option<SocketAddr>,
}

impl Metrics {
    pub(super) fn warning(&self) -> Option<String> {
        let address = self.listen.filter(|address| !address.ip().is_loopback())?;
        Some(format!("[metrics] listen: every client that can reach {address} can read the metrics"))
    }
}

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

impl Metrics {
    /// What is hardly meant.
    pub(super) fn warning(&self) -> Option<String> {
        let address = self.listen.filter(|address| !address.ip().is_loopback())?;
        Some(format!("[metrics] listen: whoever can reach {address} reads the numbers"))
    }
}

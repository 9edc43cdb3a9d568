//! TLS clients.

pub(crate) mod config;
pub(crate) mod failure;
mod pinning;

//! Values to bytes: every answer that the protocol gives.

pub(crate) mod cookie;
pub(crate) mod error;
pub(crate) mod headers;

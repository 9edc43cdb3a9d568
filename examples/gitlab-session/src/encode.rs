//! Values to bytes: every answer that the protocol gives.

pub(crate) mod error;
pub(crate) mod response;
pub(crate) mod user;

//! Values to bytes: every answer that the protocol gives.

pub(crate) mod answer;
pub(crate) mod error;

//! The login pipeline.

pub(crate) mod app_password;
pub(crate) mod attempt_counts;
pub(crate) mod attempt_log;
mod attempt_sums;
pub(crate) mod backends;
pub(crate) mod directory;
pub(crate) mod entry_groups;
pub(crate) mod local_backend;
pub(crate) mod passwordless;
pub(crate) mod pipeline;
mod progress;
pub(crate) mod second_factor;
pub(crate) mod ticket;

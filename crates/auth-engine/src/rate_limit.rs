//! Limits of attempts: by this server, by all servers of a store, and the order in which the hashing pool works.

pub(crate) mod closed;
pub(crate) mod local;
pub(crate) mod networks;
mod optional_limiter;
pub(crate) mod priority;
pub(crate) mod reservation;
mod reset_links;
pub(crate) mod shared;
pub(crate) mod subject;
mod wrong_codes;

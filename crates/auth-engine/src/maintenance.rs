//! Work beside the requests: deleting what has ended, following the store, and handing out mail.

pub(crate) mod carrier;
pub(crate) mod outbox;
pub(crate) mod purge;
pub(crate) mod upkeep;

//! Work beside the requests: deleting what has ended, and handing out mail.

pub(crate) mod outbox;
pub(crate) mod purge;

//! What an application with a log-in page of its own asks: accounts, logins by password, and sessions.

pub(crate) mod accounts;
pub(crate) mod log_in;
pub(crate) mod sessions;

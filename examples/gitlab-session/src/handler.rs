//! The handlers: each takes the protocol and a request, asks the services, and returns an answer or an error.

pub(crate) mod own_token;
mod principal;
pub(crate) mod session;
pub(crate) mod user;

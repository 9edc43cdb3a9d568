//! The handlers: each takes the protocol and a request, asks the services, and returns an answer or an error.

pub(crate) mod auth;
pub(crate) mod sign_in;

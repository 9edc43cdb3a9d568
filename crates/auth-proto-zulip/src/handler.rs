//! The handlers: each takes the protocol and a request, asks the services, and returns an answer or an error.

pub(crate) mod account;
pub(crate) mod compatibility;
pub(crate) mod desktop;
pub(crate) mod development;
mod home;
mod log_in;
pub(crate) mod login;
mod own_settings;
pub(crate) mod pages;
mod session;
pub(crate) mod settings;
mod sign_in;

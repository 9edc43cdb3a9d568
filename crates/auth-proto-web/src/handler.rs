//! The handlers: each takes the protocol and a request, asks the services, and returns an answer or an error.

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod app_passwords;
pub(crate) mod code;
pub(crate) mod confirm;
pub(crate) mod details;
pub(crate) mod front;
pub(crate) mod password;
pub(crate) mod reset;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod two_step;
pub(crate) mod zulip;

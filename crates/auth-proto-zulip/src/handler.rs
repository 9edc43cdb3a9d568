//! The handlers: each takes the protocol and a request, asks the services, and returns an answer or an error.

pub(crate) mod account;
mod assertion;
pub(crate) mod compatibility;
pub(crate) mod development;
mod external;
mod flow;
mod home;
mod log_in;
pub(crate) mod login;
mod new_password;
mod own_settings;
mod pad;
pub(crate) mod pages;
mod remote_user;
mod reset;
pub(crate) mod session;
mod set_up;
pub(crate) mod settings;
mod sign_in;
pub(crate) mod take_over;

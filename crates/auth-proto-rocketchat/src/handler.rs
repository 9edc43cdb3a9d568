//! The handlers: one function for each endpoint, from a call to its answer.
//!
//! All have the same shape: `async fn name(state, call) -> Result<Answer, ApiError>`.

pub(crate) mod info;
pub(crate) mod login;
pub(crate) mod method;
pub(crate) mod own_account;
pub(crate) mod page;
pub(crate) mod personal_token;
pub(crate) mod preflight;
mod public_settings;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod settings;

//! The protocol as a whole: requests in, answers out, before services that answer as a test tells them to.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail too"
)]

mod account;
mod cases;
mod errors;
#[path = "../shared/fixture.rs"]
mod fixture;
mod limits;
mod login;
mod methods;
mod own_account;
mod session;
mod support;
mod wire;

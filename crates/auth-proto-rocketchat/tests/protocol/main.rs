//! The protocol as a whole: requests in, answers out, before an services that says what the test wants.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail too"
)]

mod account;
mod cases;
mod fixed;
mod fixture;
mod limits;
mod login;
mod methods;
mod refusals;
mod session;
mod wire;

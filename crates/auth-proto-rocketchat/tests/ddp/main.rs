//! Conversations over DDP, before an inside that knows the contract's fixture users.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail too"
)]

#[path = "../door/fixture.rs"]
mod fixture;
mod inside;
mod login;
mod methods;
mod second_factor;
mod talk;
mod time;
mod wire;

//! Conversations over DDP, before services that know the contract's fixture users.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may fail too"
)]

#[path = "../shared/fixture.rs"]
mod fixture;
mod login;
mod methods;
mod second_factor;
mod services;
mod talk;
mod time;
mod wire;

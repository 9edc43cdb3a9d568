//! The pages in a real browser, with scripts and without, beside real clients of the three protocols and real mail.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod account;
mod apps;
mod desktop;
mod fixtures;
mod password;
mod security;
mod sign_in;
mod story;
mod two_step;

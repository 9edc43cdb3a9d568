//! Forward authentication through its public interface: requests in, answers out, with a fake of the services.

#![expect(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod credentials;
mod fixtures;
mod questions;
mod sign_in;

//! Administration over an engine with a real SQLite store.
#![cfg(test)]

mod accounts;
mod app_passwords;
mod audit;
mod backup;
mod device_removals;
mod directory_groups;
mod directory_sync;
mod key_rotation;
mod password_check;
mod revocation;
mod second_factors;
mod tokens;
#[path = "../../../auth-engine/tests/engine/world.rs"]
mod world;

//! The built binary in its operator's hands: the configuration, what commands open and create, realms, and `dev`.
#![cfg(test)]

mod configuration;
mod deep_check;
mod dev;
mod dev_control;
mod opening;
mod pooler;
mod realms;
#[path = "../common/workspace.rs"]
mod workspace;

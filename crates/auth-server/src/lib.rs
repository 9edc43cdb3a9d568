//! One account store that speaks the login APIs of Zulip, Rocket.Chat and Zettelstore.
//!
//! This crate is the edge: it reads configuration, files, the clock and the operating system's randomness,
//! listens, and routes whole requests to the protocols. It decides nothing about who may log in and renders no
//! answer of a protocol. The binary parses its arguments and calls [`command::run`].

mod assemble;
mod body;
pub mod command;
pub mod config;
mod edge;
mod keyfile;
mod keys;
mod listener;
mod logging;
mod mail;
mod metrics;
mod router;
mod serve;
mod store;
mod upkeep;
mod websocket;

pub use assemble::Assembled;
pub use serve::{Bound, Server};

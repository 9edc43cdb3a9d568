//! One account store that speaks the login APIs of Zulip, Rocket.Chat and Zettelstore.
//!
//! This crate is the edge of the system: it reads the configuration, files, the clock and the operating system's
//! randomness, listens, and routes whole requests to the protocols. It decides nothing about who may log in and renders no
//! answer of a protocol. The binary parses its arguments and calls [`command::run`].
//!
//! A program that adds a protocol of its own assembles the server itself: see [`Assembled::open_with`] and
//! [`Assembled::mount`].

mod activity;
mod admin;
mod assemble;
mod backups;
mod ban_log;
mod body;
mod client_counts;
pub mod command;
pub mod config;
mod connections;
mod edge;
mod error_log;
mod forwarding_log;
mod health;
mod host;
mod key_watch;
mod keyfile;
mod listener;
mod log_rank;
mod log_writer;
mod logging;
mod mail;
mod maintenance;
mod metrics;
mod monitor;
mod process;
mod reload;
mod request_id;
mod response;
mod router;
mod secret_access;
mod serve;
mod service_manager;
mod shared;
mod side_listener;
mod store;
mod store_lock;
mod stream;
mod supervisor;
mod system;
mod system_error;
mod tally;
mod timed_directory;
mod tls;
mod traces;
mod websocket;
mod whole_file;

pub use assemble::Assembled;
pub use edge::socket::LocalAddress;
pub use mail::KeptMails;
pub use serve::{Bound, Server};

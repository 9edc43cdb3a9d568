//! Tests that hold the server to what the real Zulip, Rocket.Chat and Zettelstore answer.
//!
//! `data/` holds transcripts of a real Zulip server, cases derived from the sources and tests of the real systems, and
//! the configurations and users that they start from. [`Set::run`] starts the built server on them, sends each request
//! over a raw socket and compares the response. [`ExpectedFailures`] names the cases that do not hold yet; the list may
//! only get shorter.
//!
//! The crate also starts servers for other tests and for the benches: [`ServerConfig`] builds a configuration,
//! [`Server`] runs a server on it, [`forward_proxy`] proxies that ask it, [`slapd`] a directory, and [`nodes`] several servers on one store. [`browser`] drives a
//! real browser, and [`pages`] leads it through all pages.
//!
//! This crate knows the server by its command line and its port alone. It links no crate of the server and never reads
//! the store.
//!
//! ```
//! use auth_conformance::{ExpectedFailures, Report};
//!
//! let expected = ExpectedFailures::parse("ldap-login  directory\n")?;
//! let mut report = Report::default();
//! report.add("login", Vec::new());
//! report.add("ldap-login", vec!["status 401 instead of 200".to_owned()]);
//! assert_eq!(report.surprises(&expected), "");
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! # To add a case
//!
//! Add a line to a `data/*-cases.jsonl`. When the case starts from a state that no setup describes, add a setup to
//! `data/setups/*.toml`; [`setup`] describes the format.
//!
//! # To add a client
//!
//! Write down what it sends in `data/sequences/*.toml`; [`sequence`] describes the format. Where the client can be
//! installed, pin it in `clients/` and drive it too.

pub mod browser;
pub mod certificates;
pub mod client;
pub mod clock;
pub mod forward_proxy;
pub mod front_proxy;
pub mod http;
pub mod nodes;
pub mod oracle;
pub mod pages;
pub mod process;
pub mod proxy;
pub mod sequence;
pub mod setup;
pub mod slapd;
pub mod timing;
pub mod tls_tunnel;

mod binary;
mod carried;
mod cases;
mod comparison;
mod config;
mod dev_server;
mod html;
mod issued_token;
mod json;
mod mailbox;
mod options;
mod recorded;
mod report;
mod server;
mod set;
mod signed_token;
mod socket;
mod totp;
mod transcripts;
mod variables;
mod web_transcripts;

pub use binary::server_binary;
pub use config::ServerConfig;
pub use dev_server::DevServer;
pub use issued_token::IssuedToken;
pub use options::Options;
pub use report::{ExpectedFailures, Report, Verdict};
pub use server::Server;
pub use set::Set;
pub use totp::totp;

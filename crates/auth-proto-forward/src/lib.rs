//! Forward authentication as a pure function: a proxy's question in, answer out.
//!
//! A proxy in front of an application asks for each request: who is there, and may they go on? [`ForwardProtocol`] answers at
//! `/forward/auth` and below, whatever the method, and never waits for a body. It takes each credential that the other
//! protocols issue: a Zulip key or an app password by HTTP Basic authentication, the two headers of Rocket.Chat, a bearer
//! token of Zettelstore, the session of the pages, and a cookie of its own. The answer to a good one is 200 with
//! `Remote-User`, `Remote-Email`, `Remote-Name`, `Remote-Groups` and `Remote-Subject`.
//!
//! `/forward/sign-in` gives browsers that cookie, which reaches every host of a domain and is good here alone.
//!
//! The protocol decodes a question, asks the [`ForwardServices`], and renders their reply. It opens no socket, reads no
//! clock, makes no token and writes nothing.
//!
//! # A running example
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
//! use auth_core::{Account, Peer, Profile, Protocol, SecretReply};
//! use auth_proto_forward::{Config, Dialect, ForwardProtocol};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In a server, the services are the engine's. These take every name and secret for Ada's.
//! let realm = RealmBuilder::new("main").build();
//! let services = FakeServices::new().realm(realm.clone()).on_secret(move |_| {
//!     let user = Arc::new(UserBuilder::new("ada").realm(realm.id).build());
//!     let account = Account { user, password: None, totp: false };
//!     SecretReply { result: Ok(Profile::new(account, Arc::new(realm.clone()))), not_before: None }
//! });
//! let config = Config {
//!     hosts: vec!["wiki.example.org".to_owned()],
//!     trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
//!     ..Config::new("main", Dialect::Nginx)
//! };
//! let protocol = ForwardProtocol::new(config, Arc::new(services));
//!
//! let question = http::Request::get("/forward/auth")
//!     .header("X-Original-URL", "https://wiki.example.org/page")
//!     .header("X-Original-Method", "GET")
//!     .header("Authorization", "Basic YWRhOnNlY3JldA==")
//!     .body(bytes::Bytes::new())
//!     .unwrap();
//! let answer = protocol.handle(question, &Peer::new([127, 0, 0, 1].into())).await;
//!
//! assert_eq!(answer.response.status(), 200);
//! assert_eq!(answer.response.headers()["remote-user"], "ada");
//! # }
//! ```
//!
//! # To add a dialect
//!
//! Give it a variant of [`Dialect`], and read its headers in `decode/question.rs`. Its configuration for the proxy is printed
//! by a template of `auth-server`, which the tests of `auth-conformance` run with the real proxy.

pub mod decode;
pub mod owner;

mod access;
mod config;
mod encode;
mod error;
mod handler;
mod protocol;
mod request;
mod route;
mod state;

pub use config::{Config, CookieConfig, Dialect, Rule};
pub use encode::headers::IDENTITY;
pub use state::{ForwardProtocol, ForwardServices};

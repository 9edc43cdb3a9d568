//! Zettelstore's login API as a pure function: request in, answer out.
//!
//! [`ZettelstoreProtocol`] answers POST and PUT `/a` and the check command of POST `/x`, in the JSON form of
//! Zettelstore up to 0.11 or in the list form of later versions. It decodes a request, asks the
//! [`ZettelstoreServices`], and renders their reply. It never opens a socket, reads a clock, makes a token, or
//! decides who may log in.
//!
//! Its answers are those of the real server, to the byte, with these exceptions:
//!
//! - Login limits, which the real server lacks, are answered 429, and a full queue 503, both in plain text with
//!   `Retry-After`.
//! - A malformed form is answered 400, as Zettelstore's manual says, and not 401.
//! - A token in JSON form is sent under two keys, `access_token` and `token`.
//! - The web pages' cookie is read where the API reads it, and never set.
//!
//! # A running example
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use auth_core::testing::{FakeServices, RealmBuilder};
//! use auth_core::{Grant, Peer, Protocol, Token};
//! use auth_proto_zettelstore::{Config, ZettelstoreProtocol};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In a server, the services are the engine's. These renew every token for ten minutes.
//! let services = FakeServices::new().realm(RealmBuilder::new("notes").build()).on_renew(|_, _| {
//!     Ok(Grant::SignedToken { token: Token::new("new.token"), lifetime: Duration::from_secs(600) })
//! });
//! let protocol = ZettelstoreProtocol::new(Config::new("notes"), Arc::new(services));
//!
//! let request = http::Request::put("/a")
//!     .header("Host", "localhost")
//!     .header("Authorization", "Bearer old.token")
//!     .body(bytes::Bytes::new())
//!     .unwrap();
//! let answer = protocol.handle(request, &Peer::new([127, 0, 0, 1].into())).await;
//!
//! assert_eq!(answer.response.status(), 200);
//! assert_eq!(
//!     answer.response.body(),
//!     "{\"access_token\":\"new.token\",\"token\":\"new.token\",\"token_type\":\"Bearer\",\"expires_in\":600}\n"
//! );
//! # }
//! ```
//!
//! # To add a route
//!
//! 1. Recognise its path in `decode/path.rs`, and give it a row in the table of `route.rs`.
//! 2. Decode what its requests carry in `decode/`.
//! 3. Write a handler in `handler/`: it takes the protocol and the request, and returns an answer or an error.
//! 4. Render its success in `encode/answer.rs`. Name new errors in `error.rs`, and render them in
//!    `encode/error.rs`.
//! 5. Name the handler in `protocol.rs`, beside the method that it answers.

pub mod decode;

mod config;
mod encode;
mod error;
mod handler;
mod protocol;
mod request;
mod route;
mod state;

pub use config::{AnswerForm, Config};
pub use state::{ZettelstoreProtocol, ZettelstoreServices};

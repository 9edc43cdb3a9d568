//! Rocket.Chat's login API as a pure function of a request and the services behind it.
//!
//! [`RocketChatProtocol`] decodes a request, asks the [services](RocketChatServices), and renders the answer
//! byte for byte as Rocket.Chat 8.8 does. It does no I/O, asks no clock, keeps no state between requests, and
//! decides nothing about who may log in.
//!
//! ```text
//! request → route → call → handler → services
//!                             ↓
//!                     decode, encode → answer
//! ```
//!
//! Sockets speak [`ddp`]: a session takes frames in and gives frames out.
//!
//! Where the real server is careless, the answer is the safe one unless [`Config::exact`] says otherwise: a
//! body of the wrong types is a 400 instead of a 500, an unknown path answers JSON instead of text. The
//! [`exact`] points are listed.
//!
//! The facts about the wire format, with their sources, are in the file `docs/contract/rocketchat.md` of the
//! source repository.
//!
//! # A running example
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth_core::testing::{FakeServices, RealmBuilder};
//! use auth_core::{Peer, Protocol};
//! use auth_proto_rocketchat::{Config, RocketChatProtocol};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // This fake refuses every login. In a server the services are those of `auth-engine`.
//! let services = FakeServices::new().realm(RealmBuilder::new("chat").build());
//! let protocol = RocketChatProtocol::new(Config::new("chat", "http://localhost:3000"), Arc::new(services));
//!
//! let request = http::Request::post("/api/v1/login")
//!     .header("content-type", "application/json")
//!     .body(r#"{"user":"myusername","password":"guess"}"#.into())
//!     .unwrap();
//! let answer = protocol.handle(request, &Peer::new([127, 0, 0, 1].into())).await;
//! assert_eq!(answer.response.status(), 401);
//! assert_eq!(
//!     answer.response.body(),
//!     r#"{"success":false,"error":"Unauthorized","status":"error","message":"Unauthorized"}"#
//! );
//! # }
//! ```
//!
//! # To add a route
//!
//! Add an entry to the table in `route.rs`, a function to a file in `handler/`, and the arm in `protocol.rs`
//! that leads from the one to the other. Decoding goes into [`decode`], rendering into `encode`. A service
//! that no handler has asked before is added to [`RocketChatServices`].

mod call;
mod config;
pub mod ddp;
pub mod decode;
mod encode;
mod error;
pub mod exact;
mod handler;
mod protocol;
mod route;
mod state;

pub use config::Config;
pub use exact::EXACT_POINTS;
pub use state::{RocketChatProtocol, RocketChatServices};

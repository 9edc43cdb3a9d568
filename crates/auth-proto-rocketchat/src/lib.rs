//! Rocket.Chat's login API as a pure function of request and engine.
//!
//! [`RocketChatDoor`] decodes a request, asks the engine behind [`Inside`](auth_core::Inside), and renders the
//! answer byte for byte as Rocket.Chat 8.8 does (rocketchat.md). It does no I/O, asks no clock, keeps no state,
//! and decides nothing about who may log in.
//!
//! ```text
//! request → route table → decode → engine → encode → answer
//! ```
//!
//! Sockets speak [`ddp`]: a session of the same kind, frames in and frames out.
//!
//! Where the real server is careless, the answer is the safe one unless [`Config::exact`] says otherwise: a
//! body of the wrong types is a 400 instead of a 500, an unknown path answers JSON instead of text.
//!
//! # A running example
//!
//! ```
//! # use auth_core::*;
//! use std::sync::Arc;
//! use auth_proto_rocketchat::{Config, RocketChatDoor};
//! # struct Nobody;
//! # #[async_trait::async_trait]
//! # impl Authenticator for Nobody {
//! #     async fn log_in(&self, _: LoginAttempt) -> Result<LoginReply, Fault> {
//! #         let outcome = LoginOutcome::Refused(Refusal::Credentials(Cause::WrongPassword));
//! #         Ok(LoginReply { outcome, standing: None, not_before: None })
//! #     }
//! #     async fn check(&self, _: Presentation) -> Result<CheckReply, Fault> {
//! #         Ok(CheckReply { outcome: Err(CheckRefusal::Invalid), standing: None })
//! #     }
//! #     async fn renew(&self, _: Presentation, _: TokenForm) -> Result<Result<Grant, CheckRefusal>, Fault> {
//! #         Ok(Err(CheckRefusal::Invalid))
//! #     }
//! #     async fn revoke(&self, _: &Principal) -> Result<(), Fault> { Ok(()) }
//! #     fn admit(&self, _: DoorKind, _: &'static str, _: &Peer) -> Option<Standing> { None }
//! # }
//! # #[async_trait::async_trait]
//! # impl Accounts for Nobody {
//! #     async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, Fault> { Ok(ApiKey::new("")) }
//! #     async fn development_users(&self) -> Result<Option<Vec<Profile>>, Fault> { Ok(None) }
//! # }
//! # impl Sessions for Nobody {}
//! # impl PersonalTokens for Nobody {}
//! # impl SecondFactors for Nobody {}
//! # impl Passwords for Nobody {}
//! # #[async_trait::async_trait]
//! # impl Realms for Nobody {
//! #     async fn realm(&self, _: RealmName<'_>) -> Result<Option<Arc<Realm>>, Fault> {
//! #         Ok(Some(Arc::new(Realm::new(RealmId::from_bytes([1; 16]), "chat"))))
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // `Nobody` answers every log-in with "wrong password"; in a server it is the engine.
//! let door = RocketChatDoor::new(Config::new("chat", "http://localhost:3000"), Arc::new(Nobody));
//! let request = http::Request::post("/api/v1/login")
//!     .header("content-type", "application/json")
//!     .body(r#"{"user":"myusername","password":"guess"}"#.into())
//!     .unwrap();
//! let answer = door.answer(request, &Peer::new([127, 0, 0, 1].into())).await;
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
//! Add a line to the table in `route.rs` and a function in the module of its group; decoding goes below
//! [`decode`], rendering below `encode`.

mod config;
pub mod ddp;
pub mod decode;
mod door;
mod encode;
mod route;

pub use config::Config;
pub use door::RocketChatDoor;

//! Rocket.Chat's login API as a pure function of request and engine.
//!
//! [`RocketChatProtocol`] decodes a request, asks the engine behind [`Services`](auth_core::Services), and renders the
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
//! use auth_proto_rocketchat::{Config, RocketChatProtocol};
//! # struct Nobody;
//! # #[async_trait::async_trait]
//! # impl Authenticator for Nobody {
//! #     async fn log_in(&self, _: LoginAttempt) -> Result<LoginReply, InternalError> {
//! #         let outcome = LoginOutcome::Refused(LoginError::Credentials(FailureReason::WrongPassword));
//! #         Ok(LoginReply { outcome, rate_limit: None, not_before: None })
//! #     }
//! #     async fn check(&self, _: CredentialCheck) -> Result<CheckReply, InternalError> {
//! #         Ok(CheckReply { outcome: Err(TokenError::Invalid), rate_limit: None })
//! #     }
//! #     async fn renew(&self, _: CredentialCheck, _: TokenForm) -> Result<Result<Grant, TokenError>, InternalError> {
//! #         Ok(Err(TokenError::Invalid))
//! #     }
//! #     async fn revoke(&self, _: &Principal) -> Result<(), InternalError> { Ok(()) }
//! #     fn admit(&self, _: ProtocolName, _: &'static str, _: &Peer) -> Option<RateLimitStatus> { None }
//! # }
//! # #[async_trait::async_trait]
//! # impl Accounts for Nobody {
//! #     async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, InternalError> { Ok(ApiKey::new("")) }
//! #     async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> { Ok(None) }
//! # }
//! # impl Sessions for Nobody {}
//! # impl PersonalTokens for Nobody {}
//! # impl SecondFactors for Nobody {}
//! # impl Passwords for Nobody {}
//! # #[async_trait::async_trait]
//! # impl Realms for Nobody {
//! #     async fn realm(&self, _: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
//! #         Ok(Some(Arc::new(Realm::new(RealmId::from_bytes([1; 16]), "chat"))))
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // `Nobody` answers every log-in with "wrong password"; in a server it is the engine.
//! let protocol = RocketChatProtocol::new(Config::new("chat", "http://localhost:3000"), Arc::new(Nobody));
//! let request = http::Request::post("/api/v1/login")
//!     .header("content-type", "application/json")
//!     .body(r#"{"user":"myusername","password":"guess"}"#.into())
//!     .unwrap();
//! let answer = protocol.answer(request, &Peer::new([127, 0, 0, 1].into())).await;
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
mod encode;
mod protocol;
mod route;

pub use config::Config;
pub use protocol::RocketChatProtocol;

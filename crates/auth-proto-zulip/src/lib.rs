//! Zulip's log-in API as a pure function: request in, answer out.
//!
//! [`ZulipProtocol`] decodes a request, asks the [`Services`](auth_core::Services), and renders what it says in the
//! bytes of a Zulip server: status, headers, key order, line breaks. It does no I/O, opens no session, sleeps
//! never, draws no random numbers, and decides nothing about who may log in.
//!
//! Routes: `fetch_api_key`, `jwt/fetch_api_key`, `server_settings`, `users/me`, `users/me/api_key/regenerate`
//! and, on development servers, `dev_fetch_api_key` and `dev_list_users`, all below `/api/v1/`; and
//! `/compatibility`. `openapi.yaml` beside this crate describes them.
//!
//! # A running example
//!
//! ```
//! # use std::sync::Arc;
//! # use async_trait::async_trait;
//! # use auth_core::*;
//! use auth_proto_zulip::{Config, ZulipProtocol};
//!
//! /// An services without a single realm.
//! struct Empty;
//!
//! #[async_trait]
//! impl Realms for Empty {
//!     async fn realm(&self, _: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
//!         Ok(None)
//!     }
//! }
//! # impl Sessions for Empty {}
//! # impl PersonalTokens for Empty {}
//! # impl SecondFactors for Empty {}
//! # impl Passwords for Empty {}
//! # #[async_trait]
//! # impl Accounts for Empty {
//! #     async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, InternalError> { Err(InternalError::internal("none")) }
//! #     async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> { Ok(None) }
//! # }
//! # #[async_trait]
//! # impl Authenticator for Empty {
//! #     async fn log_in(&self, _: LoginAttempt) -> Result<LoginReply, InternalError> { Err(InternalError::internal("none")) }
//! #     async fn check(&self, _: CredentialCheck) -> Result<CheckReply, InternalError> { Err(InternalError::internal("none")) }
//! #     async fn renew(&self, _: CredentialCheck, _: TokenForm) -> Result<Result<Grant, TokenError>, InternalError> {
//! #         Err(InternalError::internal("none"))
//! #     }
//! #     async fn revoke(&self, _: &Principal) -> Result<(), InternalError> { Ok(()) }
//! #     fn admit(&self, _: ProtocolName, _: &'static str, _: &Peer) -> Option<RateLimitStatus> { None }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let protocol = ZulipProtocol::new(Config::default(), Arc::new(Empty), Arc::new(ManualClock::default()));
//! let request = http::Request::post("/api/v1/fetch_api_key?username=iago@zulip.com&password=abcd1234");
//! let peer = Peer::new([127, 0, 0, 1].into());
//! let answer = protocol.answer(request.body("".into()).unwrap(), &peer).await.response;
//! assert_eq!(answer.status(), 404);
//! let body = "{\"result\":\"error\",\"msg\":\"Invalid subdomain\",\"code\":\"NONEXISTENT_SUBDOMAIN\"}\n";
//! assert_eq!(answer.body(), body);
//! # }
//! ```
//!
//! # To add a route
//!
//! Name its path in `route.rs`, write what it does in a module of `routes`, with its documents as structures
//! whose fields stand in the order of the recorded keys, and put its cases into the tables of `tests`.

pub mod decode;

mod answer;
mod config;
mod pad;
mod protocol;
mod request;
mod route;
mod routes;
mod site;

pub use config::Config;
pub use pad::{NotAPad, OneTimePad};
pub use protocol::ZulipProtocol;

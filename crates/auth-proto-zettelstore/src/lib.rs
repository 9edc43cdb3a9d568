//! Zettelstore's log-in API as a pure function of request and engine.
//!
//! [`ZettelstoreProtocol`] answers POST and PUT `/a` and the check command of POST `/x`, in the JSON form of the
//! manual up to 0.11 or in the list form of later versions. It never opens a socket, asks a clock, makes a
//! token or decides who is let in: it reads requests, asks [`Services`](auth_core::Services), and renders.
//!
//! Its answers are the real server's, to the byte, but for what is decided in zettelstore.md 9, and for limits,
//! which the real server has none of: too many tries are answered 429, a full queue 503, both as plain text
//! with `Retry-After`. A malformed form is answered 400, as documented. The cookie of the web pages is read where
//! the API reads it, and never set.
//!
//! ```
//! use std::sync::Arc;
//! use auth_core::{Protocol, Peer};
//! use auth_proto_zettelstore::{Config, ZettelstoreProtocol};
//! # use auth_core::*;
//! # struct Nobody;
//! # #[async_trait::async_trait]
//! # impl Authenticator for Nobody {
//! #     async fn log_in(&self, _: LoginAttempt) -> Result<LoginReply, InternalError> {
//! #         let outcome = LoginOutcome::Refused(LoginError::Credentials(FailureReason::UnknownUser));
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
//! #     async fn regenerate_zulip_key(&self, _: &Principal) -> Result<ApiKey, InternalError> {
//! #         Err(InternalError::internal("nobody has a key"))
//! #     }
//! #     async fn development_users(&self) -> Result<Option<Vec<Profile>>, InternalError> { Ok(None) }
//! # }
//! # impl Sessions for Nobody {}
//! # impl PersonalTokens for Nobody {}
//! # impl SecondFactors for Nobody {}
//! # impl Passwords for Nobody {}
//! # #[async_trait::async_trait]
//! # impl Realms for Nobody {
//! #     async fn realm(&self, _: RealmName<'_>) -> Result<Option<Arc<Realm>>, InternalError> {
//! #         Ok(Some(Arc::new(Realm::new(RealmId::from_bytes([0; 16]), "notes"))))
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // `Nobody` is an `Services` that refuses everybody.
//! let protocol = ZettelstoreProtocol::new(Config::new("notes"), Arc::new(Nobody));
//!
//! let request = http::Request::post("/a")
//!     .header("Host", "localhost")
//!     .header("Authorization", "Basic SURFTlQ6UEFTU1dPUkQ=")
//!     .body(bytes::Bytes::new())
//!     .unwrap();
//! let answer = protocol.answer(request, &Peer::new([127, 0, 0, 1].into())).await.response;
//!
//! assert_eq!(answer.status(), 401);
//! assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"Default\"");
//! assert_eq!(answer.body(), "Authentication failed\n");
//! # }
//! ```

mod command;
mod config;
pub mod decode;
mod encode;
mod protocol;
mod token;

pub use config::{AnswerForm, Config};
pub use protocol::ZettelstoreProtocol;

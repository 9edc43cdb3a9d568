//! GitLab's session API as a fourth protocol of auth-server, added without a change in any of auth-server's crates.
//!
//! [`GitLabProtocol`] answers these calls, and `404` to everything else below `/api/v4`:
//!
//! | call | answer |
//! | --- | --- |
//! | `POST /api/v4/session` | 201 and the user with a new token, for `login` or `email` and `password` |
//! | `GET /api/v4/user` | 200 and the user whose token came along |
//! | `DELETE /api/v4/personal_access_tokens/self` | 204; the token that came along is revoked |
//!
//! A token comes along in `PRIVATE-TOKEN` or in `Authorization: Bearer`. The protocol decodes a request, asks the
//! [`GitLabServices`], and renders their reply. It opens no socket, reads no clock, makes no token, and does not decide
//! who may log in. [`GitLabRules`] tell the login pipeline what differs at this protocol.
//!
//! Real GitLab versions up to 10.1 have the first call. The answers here are like theirs, with these exceptions:
//!
//! - Passwords and tokens are not read from the query, since addresses end up in logs.
//! - The user is shown without the fields that a login server has nothing to say about.
//! - An account with a second factor is refused like any wrong password. Its owner logs in with an app password.
//!
//! # A running example
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth_core::testing::{FakeServices, RealmBuilder, UserBuilder};
//! use auth_core::{Grant, Login, LoginReply, Peer, Profile, Protocol, Token};
//! use gitlab_session::{Config, GITLAB, GitLabProtocol};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In a server, the services are the engine's. These let everybody in as one user.
//! let realm = RealmBuilder::new("main").build();
//! let user = UserBuilder::new("iago").realm(realm.id).email("iago@zulip.com").external_id(GITLAB, 7).build();
//! let user = Arc::new(user);
//! let services = FakeServices::new().realm(realm).on_log_in(move |attempt| LoginReply {
//!     result: Ok(Box::new(Login {
//!         profile: Profile {
//!             user: Arc::clone(&user),
//!             realm: Arc::clone(&attempt.realm),
//!             has_password: true,
//!             totp: false,
//!         },
//!         grant: Grant::Token { token: Token::new("new-token"), expires: None },
//!     })),
//!     rate_limit: None,
//!     not_before: None,
//! });
//! let protocol = GitLabProtocol::new(Config::new("main"), Arc::new(services));
//!
//! let request = http::Request::post("/api/v4/session")
//!     .header("Content-Type", "application/x-www-form-urlencoded")
//!     .body("login=iago&password=abcd1234".into())
//!     .unwrap();
//! let answer = protocol.handle(request, &Peer::new([127, 0, 0, 1].into())).await;
//!
//! assert_eq!(answer.response.status(), 201);
//! assert_eq!(
//!     answer.response.body(),
//!     r#"{"id":7,"username":"iago","name":"iago","email":"iago@zulip.com","state":"active","private_token":"new-token"}"#
//! );
//! # }
//! ```
//!
//! # To write a protocol crate of your own
//!
//! 1. **Names** (`name.rs`): choose a [`ProtocolName`](auth_core::ProtocolName), and a
//!    [`CredentialKind`](auth_core::CredentialKind) for what a login gives.
//! 2. **Configuration** (`config.rs`): the realm behind the protocol, and what an operator may set.
//! 3. **Exact points** (`exact.rs`): name each point in which the real system is careless, and list all of them.
//! 4. **Rules** (`rules.rs`): implement [`ProtocolRules`](auth_core::ProtocolRules). Override what differs from the
//!    pipeline as it stands; the ids of users and the life of tokens are there too.
//! 5. **Services** (`state.rs`): bound the protocol by the narrow traits that it uses.
//! 6. **Routes** (`route.rs`): a table of paths. A pattern, and never a path, is what logs see.
//! 7. **Decoding** (`decode/`): pure functions from bytes to values. Secrets go into their types at once.
//! 8. **Handlers** (`handler/`): each builds a [`LoginAttempt`](auth_core::LoginAttempt) or a
//!    [`CredentialCheck`](auth_core::CredentialCheck), asks the services, and returns an answer or an error.
//! 9. **Errors** (`error.rs`, `encode/error.rs`): one enum. Every refusal that must not tell why becomes one variant; an
//!    internal error is handed along in [`Answer::error`](auth_core::Answer::error), and the server logs it.
//! 10. **Encoding** (`encode/`): answers to the byte.
//! 11. **Dispatch** (`protocol.rs`): implement [`Protocol`](auth_core::Protocol): match the path, call the handler.
//! 12. **Mounting** (`main.rs`): give the rules to the server when it opens the store, then mount the protocol.
//!
//! The tests go along: tables in front of auth-core's `FakeServices` in `tests/protocol/`, the
//! rules in front of the real pipeline in `tests/engine.rs`, the program in `tests/server.rs`.

pub mod decode;
pub mod exact;

mod config;
mod encode;
mod error;
mod handler;
mod name;
mod protocol;
mod request;
mod route;
mod rules;
mod state;

pub use config::Config;
pub use exact::EXACT_POINTS;
pub use name::{GITLAB, GITLAB_TOKEN};
pub use rules::GitLabRules;
pub use state::{GitLabProtocol, GitLabServices};

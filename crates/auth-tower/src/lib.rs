//! The login protocols of auth-server under tower, axum and axum-login.
//!
//! [`ProtocolService`] makes a [`Service`](tower_service::Service) of any [`Protocol`](auth_core::Protocol): of those that
//! speak as Zulip, Rocket.Chat, Zettelstore, the pages or forward authentication do, and of one that you write. It is the
//! part that a protocol, which is a pure function, leaves to its server:
//!
//! ```text
//! request → where from? → path → body, within its limit → Protocol → wait for `not_before` → response
//! ```
//!
//! # A running example
//!
//! The answer to a wrong password comes no sooner than the engine says, so that its time tells nothing about the account:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use auth_core::testing::{FakeServices, RealmBuilder};
//! use auth_core::{FailureReason, LoginError, LoginReply, ManualClock, Timestamp};
//! use auth_proto_rocketchat::{Config, RocketChatProtocol};
//! use auth_tower::{PeerAddress, ProtocolService};
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower::ServiceExt as _;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! // In a server, services and clock are the engine's. These refuse every login after half a second.
//! let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_700_000_000)));
//! let services = FakeServices::new().realm(RealmBuilder::new("chat").build()).on_log_in(|_| LoginReply {
//!     not_before: Some(Timestamp::from_millis(1_700_000_000_500)),
//!     ..LoginReply::refused(LoginError::Credentials(FailureReason::WrongPassword))
//! });
//! let config = Config::new("chat", "https://example.org/chat");
//! let protocol = RocketChatProtocol::new(config, Arc::new(services));
//!
//! let service = ProtocolService::new(Arc::new(protocol), clock).below("/chat");
//!
//! let request = http::Request::post("/chat/api/v1/login")
//!     .header("Content-Type", "application/json")
//!     // The server does this, or `into_make_service_with_connect_info` of axum.
//!     .extension(PeerAddress(([192, 0, 2, 1], 4000).into()))
//!     .body(Full::<Bytes>::from(r#"{"user":"ada","password":"guess"}"#))
//!     .unwrap();
//! let began = tokio::time::Instant::now();
//! let response = service.oneshot(request).await.unwrap();
//!
//! assert_eq!(response.status(), 401);
//! assert!(began.elapsed() >= Duration::from_millis(500));
//! # }
//! ```
//!
//! # Under axum
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use auth_tower::{Proxies, ProtocolService};
//! use axum::Router;
//! use axum::routing::get;
//! # use std::sync::Arc;
//! # use auth_core::{Clock, Protocol};
//!
//! /// Serves an application, and the protocol at every path that is not the application's.
//! async fn serve(
//!     listener: tokio::net::TcpListener,
//!     protocol: Arc<dyn Protocol>,
//!     clock: Arc<dyn Clock>,
//!     proxies: Proxies,
//! ) -> std::io::Result<()> {
//!     let app = Router::new()
//!         .route("/hello", get("Hello!"))
//!         .fallback_service(ProtocolService::new(protocol, clock).trusting(proxies));
//!     axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
//! }
//! ```
//!
//! With the feature `axum`, handlers take `SignedIn`: the user of any credential that the protocols have issued. With the
//! feature `axum-login`, `LoginBackend` lets that crate log users in.
//!
//! # What stays with the server
//!
//! * **Connections**: how many, how long they may be idle, how long the head of a request may take, TLS.
//! * **Memory of bodies**: a body is read whole, up to its protocol's limit and
//!   [for a minute](ProtocolService::body_timeout). Limit how many requests are answered at a time.
//! * **Names of headers as they are spelled.** HTTP has no case there, and a few old clients have: for them, answer by
//!   HTTP/1 with `title_case_headers(true)` of hyper's builder, which `axum::serve` can't be told.
//! * **Logs of paths.** A path may hold a secret. The service opens a span with the route's pattern in its place; a layer
//!   that logs whole addresses undoes that.
//!
//! # Under another framework
//!
//! The parts can be taken one by one: [`Origin`] and [`Proxies`] find the client, [`read_body`] reads a body,
//! [`ask`] has a protocol answer, and [`until`] waits.
//!
//! # Features
//!
//! | feature | contents |
//! | --- | --- |
//! | `axum` | `SignedIn` and `Client`, extractors; the `ConnectInfo` of axum is taken for the client's address |
//! | `axum-login` | `LoginBackend`, a backend for axum-login |

mod answer;
mod body;
mod forwarded;
mod host;
mod log;
#[cfg(feature = "axum-login")]
mod login_backend;
mod mount;
mod origin;
mod service;
#[cfg(feature = "axum")]
mod signed_in;

pub use answer::{LONGEST_DELAY, ask, until};
#[cfg(feature = "axum")]
pub use auth_proto_forward::owner::OwnerError;
pub use body::{ReadBody, Room, Unbounded, read_body};
pub use forwarded::ClientHeader;
pub use host::settle_host;
#[cfg(feature = "axum-login")]
pub use login_backend::{LoggedIn, LoginBackend, LoginCredentials, LoginServices, SessionKey};
pub use origin::{Doubt, Origin, Proxies};
pub use service::{PeerAddress, ProtocolService};
#[cfg(feature = "axum")]
pub use signed_in::{Client, SignInCheck, SignInError, SignedIn};

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
//! # A whole server
//!
//! An engine over accounts in SQLite, one protocol over the engine, and the service of that protocol:
//!
//! ```
//! use std::error::Error;
//! use std::sync::Arc;
//!
//! use auth_core::SystemClock;
//! use auth_engine::{Engine, NewAccount};
//! use auth_proto_rocketchat::{Config, RocketChatProtocol};
//! use auth_store::Sqlite;
//! use auth_tower::{PeerAddress, ProtocolService};
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower::ServiceExt as _;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn Error>> {
//!     // Where the server keeps its files: a temporary folder, in this example.
//!     let folder = tempfile::tempdir()?;
//!     let store = Arc::new(Sqlite::open(&folder.path().join("accounts.db"))?);
//!     let engine = Engine::builder(store).key_file(folder.path().join("keys.toml")).open().await?;
//!     let engine = Arc::new(engine);
//!     let maintenance = engine.spawn_maintenance();
//!     engine.ensure_realm("chat").await?;
//!     engine.create_account("chat", &NewAccount::new("ada", "correct-horse-battery-9876")).await?;
//!
//!     // The protocol asks the engine. Its address is that under which clients reach the service.
//!     let config = Config::new("chat", "https://example.org/chat");
//!     let protocol = RocketChatProtocol::new(config, Arc::clone(&engine) as _);
//!     let rules = Arc::clone(&engine);
//!     let service = ProtocolService::new(Arc::new(protocol), Arc::new(SystemClock))
//!         .below("/chat")
//!         .banning(move |address| rules.limits().network_rules().bans(address));
//!
//!     // A server would call the service for each request of its connections, and say whose each is.
//!     let request = http::Request::post("/chat/api/v1/login")
//!         .header("Content-Type", "application/json")
//!         .extension(PeerAddress(([192, 0, 2, 1], 4000).into()))
//!         .body(Full::<Bytes>::from(r#"{"user":"ada","password":"correct-horse-battery-9876"}"#))?;
//!     let response = service.oneshot(request).await?;
//!     assert_eq!(response.status(), 200);
//!
//!     maintenance.stop().await;
//!     Ok(())
//! }
//! ```
//!
//! # A delayed answer
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
//! [`ask`] has a protocol answer, and [`until`] waits. This does with hyper alone what [`ProtocolService`] does:
//!
//! ```
//! use std::convert::Infallible;
//! use std::net::SocketAddr;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use auth_core::{BodyRule, BodyTooLarge, Clock, InternalError, Protocol, RequestError, RequestId, merge_slashes};
//! use auth_tower::{Origin, Proxies, ReadBody, Unbounded, ask, read_body, settle_host, until};
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body::Body;
//! use http_body_util::Full;
//! use hyper::server::conn::http1;
//! use hyper::service::service_fn;
//! use hyper_util::rt::{TokioIo, TokioTimer};
//! use tokio::net::TcpListener;
//!
//! /// The protocol, and what its server knows.
//! struct Login {
//!     protocol: Arc<dyn Protocol>,
//!     clock: Arc<dyn Clock>,
//!     proxies: Proxies,
//! }
//!
//! async fn answer<B: Body>(login: &Login, mut request: Request<B>, from: SocketAddr) -> Response<Bytes> {
//!     let Login { protocol, clock, proxies } = login;
//!     settle_host(&mut request);
//!     // Before the path is matched: some protocols take `//api` for `/api`.
//!     if protocol.merges_slashes() {
//!         merge_slashes(&mut request);
//!     }
//!     let route = protocol.route(request.uri().path());
//!     let peer = Origin::of(from, request.headers(), proxies).peer(request.headers(), RequestId::default());
//!
//!     let (mut head, body) = request.into_parts();
//!     let body = match protocol.body_rule(&route, &head.method, &head.headers) {
//!         // The body may never come: nobody waits for it.
//!         BodyRule::Ignored => Ok(ReadBody::Whole(Bytes::new())),
//!         BodyRule::UpTo(limit) => {
//!             tokio::time::timeout(Duration::from_secs(60), read_body(body, limit, &mut Unbounded)).await
//!         }
//!     };
//!     let body = match body {
//!         Ok(ReadBody::Whole(body)) => body,
//!         // The protocol answers that itself, in its own words.
//!         Ok(ReadBody::TooLarge) => {
//!             head.extensions.insert(BodyTooLarge);
//!             Bytes::new()
//!         }
//!         Ok(ReadBody::Broken) => return protocol.refuse(RequestError::BodyBroken).response,
//!         Ok(ReadBody::NoRoom) => {
//!             return protocol.refuse(InternalError::busy(Duration::from_secs(1)).into()).response;
//!         }
//!         Err(_) => return protocol.refuse(RequestError::BodyTooSlow).response,
//!     };
//!
//!     let answer = ask(&**protocol, &route, Request::from_parts(head, body), &peer).await;
//!     if let Some(error) = &answer.error {
//!         eprintln!("{} failed: {}", route.pattern, error.cause());
//!     }
//!     until(answer.not_before, &**clock).await;
//!     answer.response
//! }
//!
//! /// Serves the protocol by HTTP/1.
//! async fn serve(listener: TcpListener, login: Arc<Login>) -> std::io::Result<()> {
//!     loop {
//!         let (stream, from) = listener.accept().await?;
//!         let login = Arc::clone(&login);
//!         let service = service_fn(move |request| {
//!             let login = Arc::clone(&login);
//!             async move { Ok::<_, Infallible>(answer(&login, request, from).await.map(Full::new)) }
//!         });
//!         let mut server = http1::Builder::new();
//!         server.timer(TokioTimer::new());
//!         tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
//!     }
//! }
//! # use auth_core::ManualClock;
//! # use auth_core::testing::{FakeServices, RealmBuilder};
//! # use auth_proto_rocketchat::{Config, RocketChatProtocol};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! #     let services = FakeServices::new().realm(RealmBuilder::new("chat").build());
//! #     let protocol = RocketChatProtocol::new(Config::new("chat", "https://example.org"), Arc::new(services));
//! #     let (clock, proxies) = (Arc::new(ManualClock::default()), Proxies::default());
//! #     let login = Login { protocol: Arc::new(protocol), clock, proxies };
//! #     let request = Request::get("//api//info").body(Full::<Bytes>::default()).unwrap();
//! #     let response = answer(&login, request, ([192, 0, 2, 1], 4000).into()).await;
//! #     assert_eq!(response.status(), 200);
//! #     let request = Request::post("/api/v1/login").body(Full::<Bytes>::from(vec![b' '; 64 << 20])).unwrap();
//! #     let response = answer(&login, request, ([192, 0, 2, 1], 4000).into()).await;
//! #     assert!(response.status().is_client_error());
//! #     let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
//! #     assert!(tokio::time::timeout(Duration::ZERO, serve(listener, Arc::new(login))).await.is_err());
//! # }
//! ```
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

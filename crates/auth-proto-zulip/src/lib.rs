//! Zulip's login API and login pages as a pure function: request in, answer out.
//!
//! [`ZulipProtocol`] decodes a request, asks the [`ZulipServices`], and renders their reply in the bytes of a Zulip
//! server: status, headers, key order, line breaks. It does no I/O, never sleeps, draws no random numbers, and does not
//! decide who may log in.
//!
//! Routes: `fetch_api_key`, `jwt/fetch_api_key`, `server_settings`, `users/me`, `users/me/api_key/regenerate`
//! and, on development servers, `dev_fetch_api_key` and `dev_list_users`, all below `/api/v1/`; and
//! `/compatibility`. `openapi.yaml` beside this crate describes them. To a request that a proxy forwarded, or that is for
//! a foreign host, a development server answers as any other.
//!
//! With [`Config::web`] there are pages as well, at Zulip's paths and with its cookies, statuses and words:
//!
//! | path | what it is |
//! | --- | --- |
//! | `/login/`, `/accounts/login/` | the log-in page, with a second step for whoever has a second factor |
//! | `/accounts/login/start/web/` | an app has a browser ask for its user's API key |
//! | `/accounts/login/new-password/` | a new password where one is due |
//! | `/accounts/logout/`, `/accounts/deactivated/`, `/` | the way out, the page of a deactivated realm, the first page |
//! | `/json/users/me`, `/json/fetch_api_key`, `/json/settings` | calls by the session of a browser |
//!
//! What keeps them safe: every form holds the browser's CSRF secret, masked ([`decode::csrf`]); `next` leads to this site alone
//! ([`decode::next`]); links are made of the configured host; and a key leaves for an app only by a button on a page that
//! names account and server, within 15 minutes of a sign-in.
//!
//! Where the real server tells too much or lets its limits be evaded, the answer is the safe one unless
//! [`Config::exact`] names the [point](exact).
//!
//! # A running example
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth_core::testing::{FakeServices, RealmBuilder};
//! use auth_core::{LoginError, LoginReply, ManualClock, Peer, Protocol};
//! use auth_proto_zulip::{Config, ZulipProtocol};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In a server, the services are the engine's. These know one realm, whose users are all deactivated.
//! let services = FakeServices::new()
//!     .realm(RealmBuilder::new("main").build())
//!     .on_log_in(|_| LoginReply::refused(LoginError::UserInactive));
//! let protocol = ZulipProtocol::new(Config::default(), Arc::new(services), Arc::new(ManualClock::default()));
//!
//! let request = http::Request::post("/api/v1/fetch_api_key?username=iago@zulip.com&password=abcd1234");
//! let peer = Peer::new([127, 0, 0, 1].into());
//! let answer = protocol.handle(request.body("".into()).unwrap(), &peer).await;
//!
//! assert_eq!(answer.response.status(), 401);
//! assert_eq!(
//!     answer.response.body(),
//!     "{\"result\":\"error\",\"msg\":\"Account is deactivated\",\"code\":\"USER_DEACTIVATED\"}\n"
//! );
//! # }
//! ```
//!
//! # To add a route
//!
//! 1. Give its path and its methods a row in the table of `route.rs`.
//! 2. Write a handler in `handler/`: it takes the protocol and the request, and returns an answer or an error. Its
//!    documents are structures whose fields stand in the order of the recorded keys.
//! 3. Name new errors in `error.rs`, and render them in `encode/error.rs`.
//! 4. Name the handler in `protocol.rs`, and put its cases into the tables of `tests`.
//!
//! A page has a row among the pages of `route.rs`, a struct in `view/` with its template in `templates/`, texts in each
//! language in `text/`, and is named in `handler/pages.rs`.

pub mod decode;
pub mod exact;

mod browser;
mod config;
mod desktop_key;
mod encode;
mod error;
mod handler;
mod methods;
mod one_time_pad;
mod protocol;
mod request;
mod route;
mod site;
mod state;
mod text;
mod view;
mod visit;

pub use auth_pages::Brand;
pub use config::{Config, WebMethod};
pub use decode::remote_user::RemoteUser;
pub use desktop_key::DesktopKey;
pub use exact::EXACT_POINTS;
pub use one_time_pad::{InvalidPad, OneTimePad};
pub use state::{ZulipProtocol, ZulipServices};

//! Sign-in and account pages as a pure function: request in, answer out.
//!
//! [`WebProtocol`] answers these paths, and 404 to everything else below them:
//!
//! | path | what it is |
//! | --- | --- |
//! | `/` | the front page, with the users and commands of a demonstration where there is one |
//! | `/sign-in`, `/sign-in/code`, `/sign-out` | name and password, then the second factor; and the way out |
//! | `/account` | the overview of an account |
//! | `/account/details` | another display name, and another address |
//! | `/account/password` | a new password, also where one is due |
//! | `/account/confirm` | shows anew who is there, before a way into the account is added |
//! | `/account/two-step` | an authenticator app with its backup codes, and codes by mail |
//! | `/account/app-passwords`, `/account/sessions` | what else the account is signed in with, and its end |
//! | `/account/zulip` | the API key and the file `zuliprc` |
//! | `/reset-password`, `/reset-password/TOKEN` | a link by mail, and the new password of whoever follows it |
//! | `/verify-email/TOKEN` | asks whoever follows a mailed link to confirm the address |
//! | `/style-HASH.css`, `/icon-HASH.svg` | the style sheet and the picture, in the operator's colours |
//!
//! The protocol decodes a request, asks the [`WebServices`], and renders their reply. It opens no socket, reads no clock,
//! makes no token, and does not decide who may log in.
//!
//! Every page works without scripts, with a keyboard, on a phone, and in two languages. What pages keep to:
//!
//! - **Forms** hold a text that the server sealed for one form and one browser, good for an hour. A form from another site is
//!   refused by `Sec-Fetch-Site`, by `Origin` where that is missing, and by the sealed text in any case. Forms that must not be
//!   sent twice use the text up.
//! - **Cookies** are `__Host-auth-session` and, before sign-in, `__Host-auth-pre`. A sign-in and a confirmation give a new
//!   session.
//! - **Redirects** lead to paths of this site alone: [`decode::next`] reads them by their grammar. Links are made of the
//!   configured address and never of the `Host` header.
//! - **Headers** allow no script, no frame, no other site and no cache, on errors too.
//! - **GET changes nothing.** A link of a mail may be opened by anybody; its token is used up by the form behind it.
//!
//! # A running example
//!
//! ```
//! use std::sync::Arc;
//!
//! use auth_core::testing::{FakeServices, RealmBuilder};
//! use auth_core::{Peer, Protocol};
//! use auth_proto_web::{Config, WebProtocol};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! // In a server, the services are the engine's. These know one realm and nobody in it.
//! let services = FakeServices::new().realm(RealmBuilder::new("main").build());
//! let pages = WebProtocol::new(Config::new("https://auth.example.org", "main"), Arc::new(services));
//!
//! let request = http::Request::get("/account").body(bytes::Bytes::new()).unwrap();
//! let answer = pages.handle(request, &Peer::new([127, 0, 0, 1].into())).await;
//! assert_eq!(answer.response.status(), 303);
//! assert_eq!(answer.response.headers()["location"], "/sign-in?next=%2Faccount");
//!
//! let request = http::Request::get("/sign-in").body(bytes::Bytes::new()).unwrap();
//! let answer = pages.handle(request, &Peer::new([127, 0, 0, 1].into())).await;
//! assert_eq!(answer.response.status(), 200);
//! assert!(std::str::from_utf8(answer.response.body()).unwrap().contains("<h1>Sign in</h1>"));
//! # }
//! ```
//!
//! # To add a page
//!
//! 1. Give its path a row in the table of `route.rs`.
//! 2. Write its texts in `text/table.rs` and in each language beside it; the compiler names what is missing.
//! 3. Write its template in `templates/`, and its struct in `view/`.
//! 4. Name its form in `form.rs`, where it has one.
//! 5. Write a handler in `handler/`: it takes the protocol and a request, and returns an answer or an error.
//! 6. Name the handler in `protocol.rs`.

pub mod decode;

mod answer;
mod config;
mod encode;
mod error;
mod factor;
mod form;
mod handler;
mod notice;
mod protocol;
mod request;
mod route;
mod rules;
mod session;
mod site;
mod state;
mod text;
mod view;
mod visitor;

pub use auth_pages::{Brand, Colour};
pub use config::{Config, Demo, DemoCommand, DemoUser};
pub use state::{WebProtocol, WebServices};

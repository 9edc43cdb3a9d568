//! DDP, the protocol of Rocket.Chat's sockets, as far as a login server speaks it.
//!
//! A [`Session`] is the server's end of one socket: text frames in, text frames out. It opens no socket, asks
//! no clock and never sleeps. The owner of the socket hands in frames and the time, and sends what comes out.
//!
//! ```text
//! socket → frame → Command → method → engine → Message → frame → socket
//!                     └─ connect, ping, sub ───────┘
//! ```
//!
//! The session answers `connect`, `ping`, `sub`, `unsub` and the methods `login`, `logout`, `rooms/get`,
//! `subscriptions/get`, `logoutOtherClients`, `removeOtherTokens`, `getNewToken`, `getUsernameSuggestion`, `setUsername`,
//! `setUserPassword` and `2fa:…`; any other method is not found. Its user is the one document of the collection `users`, which is sent at the login, when it changes, and when the user logs
//! out. A frame is answered whole before the next one is read, so that a socket has at most one login in flight.
//!
//! # To add a method
//!
//! Add its name to the match in `ddp/method.rs` and, where it gives a result of its own, a variant of the
//! result there.

mod collection;
mod command;
mod error;
mod message;
mod method;
mod output;
mod session;
mod user_document;

pub use command::{Command, FrameError, Params};
pub(crate) use message::Message;
pub(crate) use method::{Origin, SignedIn, call, is_log_in};
pub use output::{Close, Output};
pub use session::{Session, SessionConfig};

/// Whether clients open sockets at a path. Meteor's server has three: the last is for those that know SockJS, and speak
/// without its frames there.
#[must_use]
pub fn is_socket_path(path: &str) -> bool {
    matches!(path, "/websocket" | "/websocket/" | "/sockjs/websocket")
}

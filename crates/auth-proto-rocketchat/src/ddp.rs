//! DDP, the protocol of Rocket.Chat's sockets, as far as a log-in server speaks it (rocketchat.md 6.2).
//!
//! A [`Session`] is one client's conversation: text frames in, text frames out. It opens no socket, asks no
//! clock and sleeps never; whoever holds the socket hands frames and moments in, and sends what it is given.
//!
//! ```text
//! socket → frame → Command → method → engine → Message → frame → socket
//!                     └─ greeting, ping, sub ──────┘
//! ```
//!
//! Spoken are `connect`, `ping`, `sub`, `unsub` and the methods `login`, `logout`, `rooms/get` and `2fa:…`; of
//! any other method it says that it isn't there. A frame is answered whole before the next is read, so that a
//! socket has one log-in in flight at most.
//!
//! # To add a method
//!
//! Add a name to the match in `ddp/method.rs` and, where it has a result of its own, a form of the result there.

mod command;
mod error;
mod message;
mod method;
mod session;

pub use command::{Command, Params, Unreadable};
pub(crate) use message::Message;
pub(crate) use method::{Origin, SignedIn, call};
pub use session::{Client, Close, Session, Settings, Turn};

/// The path of the socket.
pub const PATH: &str = "/websocket";

//! The requests of a session to the owner of its socket.

use std::fmt;

use auth_core::{InternalError, Timestamp};

use serde_json::value::RawValue;

use super::message::Message;

/// The requests of a session to the owner of its socket, in this order: wait, send, close.
#[derive(Default)]
#[expect(clippy::exhaustive_structs, reason = "the owner of the socket takes it apart")]
pub struct Output {
    /// The moment before which nothing must be sent.
    pub not_before: Option<Timestamp>,
    /// The text frames to send.
    pub frames: Vec<String>,
    /// Set when the socket is to be closed.
    pub close: Option<Close>,
    /// The internal error that the frames or the close tell of. The server, not the session, logs its cause.
    pub error: Option<InternalError>,
}

/// Why a socket is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has its code")]
pub enum Close {
    /// Client and server have no version of DDP in common.
    Version,
    /// The client was silent for too long.
    Idle,
    /// The token with which the client signed in is no longer good.
    SignedOut,
    /// The token with which the client signed in can't be checked.
    Unavailable,
}

impl Close {
    /// The status code of the close frame (RFC 6455, section 7.4.1).
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Version | Self::Idle => 1000,
            Self::SignedOut => 1008,
            Self::Unavailable => 1011,
        }
    }
}

impl Output {
    /// Sends messages.
    pub(super) fn send(messages: &[Message<'_>]) -> Self {
        Self { frames: messages.iter().map(Message::encode).collect(), ..Self::default() }
    }

    /// Tells the client that a frame could not be taken. A frame that is JSON, and neither a text nor a number, comes back
    /// with the reason, as Meteor's server sends it.
    pub(super) fn frame_error(reason: &'static str, frame: &str) -> Self {
        let offending_message: Option<&RawValue> = serde_json::from_str(frame)
            .ok()
            .filter(|message: &&RawValue| message.get().starts_with(['{', '[']));
        Self::send(&[Message::Error { reason, offending_message }])
    }

    /// Refuses a greeting, with the version that would be accepted.
    pub(super) fn refuse_greeting(version: &'static str) -> Self {
        Self { close: Some(Close::Version), ..Self::send(&[Message::Failed { version }]) }
    }

    /// Closes the socket without a message.
    pub(super) fn close(close: Close) -> Self {
        Self { close: Some(close), ..Self::default() }
    }
}

impl fmt::Debug for Output {
    /// Frames carry tokens, so only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("not_before", &self.not_before)
            .field("frames", &self.frames.len())
            .field("close", &self.close)
            .field("error", &self.error)
            .finish()
    }
}

//! One client's conversation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Peer, Quota, SlidingWindow, Timestamp};

use super::command::{Command, Unreadable};
use super::message::Message;
use super::method::{self, Origin, SignedIn};
use crate::RocketChatProtocol;

/// The versions of DDP that are spoken, best first.
const VERSIONS: [&str; 3] = ["1", "pre2", "pre1"];

/// How often the token of somebody who is signed in is checked: what is revoked is off within a second.
const CHECK_EVERY: Duration = Duration::from_millis(800);

/// What an operator sets of all sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain settings that the server fills in")]
pub struct Settings {
    /// A client that was silent for so long is hung up on. It is asked for a sign of life after half of it.
    pub idle: Duration,
    /// Log-ins that one session may try (rocketchat.md 4.1); refused ones are not counted.
    pub login_limit: Option<Quota>,
}

impl Default for Settings {
    /// A minute; five log-ins in ten seconds, as Meteor allows.
    fn default() -> Self {
        let login_limit = Some(Quota { attempts: 5, window: Duration::from_secs(10) });
        Self { idle: Duration::from_secs(60), login_limit }
    }
}

/// Who is at the other end.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "servers build it")]
pub struct Client {
    /// Where it is.
    pub peer: Peer,
    /// The program, as it names itself in the handshake; empty where it doesn't.
    pub agent: String,
}

/// A conversation over one socket.
pub struct Session {
    protocol: Arc<RocketChatProtocol>,
    settings: Settings,
    client: Client,
    id: String,
    greeted: bool,
    user: Option<SignedIn>,
    logins: SlidingWindow,
    heard: Timestamp,
    pinged: bool,
    checked: Timestamp,
}

/// What is to be done now, in this order: wait, send, hang up.
#[derive(Default)]
#[expect(clippy::exhaustive_structs, reason = "whoever holds the socket takes it apart")]
pub struct Turn {
    /// Nothing must be sent before this moment.
    pub not_before: Option<Timestamp>,
    /// Text frames to send.
    pub frames: Vec<String>,
    /// Set when the conversation is over.
    pub close: Option<Close>,
}

/// Why a conversation is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has its code")]
pub enum Close {
    /// No common version of DDP.
    Version,
    /// The client was silent for too long.
    Idle,
    /// The token that it was signed in with is good no more.
    SignedOut,
    /// Whether the token is still good can't be known.
    Unavailable,
}

impl Close {
    /// The code of the socket's close frame (RFC 6455, 7.4.1).
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Version | Self::Idle => 1000,
            Self::SignedOut => 1008,
            Self::Unavailable => 1011,
        }
    }
}

impl Session {
    /// A conversation that begins at `now`. `id` is what the client is told of it; it means nothing.
    #[must_use]
    pub fn new(
        protocol: Arc<RocketChatProtocol>,
        settings: Settings,
        client: Client,
        id: String,
        now: Timestamp,
    ) -> Self {
        Self {
            protocol,
            settings,
            client,
            id,
            greeted: false,
            user: None,
            logins: SlidingWindow::default(),
            heard: now,
            pinged: false,
            checked: now,
        }
    }

    /// Whether somebody is signed in.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.user.is_some()
    }

    /// The moment at which [`Session::on_time`] wants to be called, unless a frame comes before.
    #[must_use]
    pub fn wake_at(&self) -> Timestamp {
        let silence = if self.pinged { self.settings.idle } else { self.settings.idle / 2 };
        let hang_up = self.heard + silence;
        if self.is_signed_in() { hang_up.min(self.checked + CHECK_EVERY) } else { hang_up }
    }

    /// Takes a text frame that came at `now`.
    pub async fn on_frame(&mut self, frame: &str, now: Timestamp) -> Turn {
        (self.heard, self.pinged) = (now, false);
        match Command::decode(frame) {
            Ok(Command::Connect { version, support }) if !self.greeted => self.greet(&version, &support),
            Err(Unreadable::Connect) if !self.greeted => Turn::fail(VERSIONS[0]),
            Ok(Command::Connect { .. }) | Err(Unreadable::Connect) => Turn::error("Already connected"),
            _ if !self.greeted => Turn::error("Must connect first"),
            Err(Unreadable::Message) => Turn::error("Bad request"),
            Err(Unreadable::Method) => Turn::error("Malformed method invocation"),
            Err(Unreadable::Subscription) => Turn::error("Malformed subscription"),
            Ok(Command::Ping { id }) => Turn::say(&[Message::Pong { id }]),
            Ok(Command::Pong) => Turn::default(),
            Ok(Command::Sub { id }) => Turn::say(&[Message::Ready { subs: [&id] }]),
            Ok(Command::Unsub { id }) => Turn::say(&[Message::Nosub { id: &id }]),
            Ok(Command::Method { id, name, params }) => self.call(&id, &name, params, now).await,
        }
    }

    /// Does what time brings: asks a silent client for a sign of life, hangs up on one that gives none, and
    /// looks whether the token that the client is signed in with is still good.
    pub async fn on_time(&mut self, now: Timestamp) -> Turn {
        // A clock that was set back must not keep anybody alive.
        (self.heard, self.checked) = (self.heard.min(now), self.checked.min(now));
        if let Some(close) = self.look_after_user(now).await {
            return Turn::hang_up(close);
        }
        let silence = now.since(self.heard);
        if silence >= self.settings.idle {
            return Turn::hang_up(Close::Idle);
        }
        if silence >= self.settings.idle / 2 && !self.pinged {
            self.pinged = true;
            return Turn::say(&[Message::Ping]);
        }
        Turn::default()
    }

    async fn look_after_user(&mut self, now: Timestamp) -> Option<Close> {
        let user = self.user.as_ref().filter(|_| now.since(self.checked) >= CHECK_EVERY)?;
        self.checked = now;
        match method::check(&self.protocol, &self.client.peer, user).await {
            Ok(Some(_)) => None,
            Ok(None) => Some(Close::SignedOut),
            Err(_) => Some(Close::Unavailable),
        }
    }

    /// The client's favourite among the versions that are spoken must be the one it greets with.
    fn greet(&mut self, version: &str, support: &[String]) -> Turn {
        let best = support.iter().find_map(|wanted| VERSIONS.into_iter().find(|known| known == wanted));
        if best != Some(version) {
            return Turn::fail(best.unwrap_or(VERSIONS[0]));
        }
        self.greeted = true;
        Turn::say(&[Message::Connected { session: &self.id }])
    }

    async fn call(&mut self, id: &str, name: &str, params: super::Params, now: Timestamp) -> Turn {
        let refused = self
            .settings
            .login_limit
            .filter(|_| method::is_log_in(name))
            .and_then(|rule| self.logins.reserve(rule, now).retry_after);
        let called = match refused {
            Some(wait) => Err(super::error::MethodError::TooMany(wait)).into(),
            None => {
                let Client { peer, agent } = &self.client;
                let origin = Origin { peer, agent, user: self.user.as_ref(), proof: None };
                method::call(&self.protocol, &origin, name, params).await
            }
        };
        if let Some(user) = called.user {
            (self.user, self.checked) = (user, now);
        }
        let told = [Message::result(id, &called.outcome), Message::Updated { methods: [id] }];
        Turn { not_before: called.not_before, ..Turn::say(&told) }
    }
}

impl Turn {
    fn say(messages: &[Message<'_>]) -> Self {
        Self { frames: messages.iter().map(Message::encode).collect(), ..Self::default() }
    }

    fn error(reason: &'static str) -> Self {
        Self::say(&[Message::Error { reason }])
    }

    fn fail(version: &'static str) -> Self {
        Self { close: Some(Close::Version), ..Self::say(&[Message::Failed { version }]) }
    }

    fn hang_up(close: Close) -> Self {
        Self { close: Some(close), ..Self::default() }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("client", &self.client)
            .field("signed_in", &self.is_signed_in())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Turn {
    /// Frames carry tokens: only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn")
            .field("not_before", &self.not_before)
            .field("frames", &self.frames.len())
            .field("close", &self.close)
            .finish()
    }
}

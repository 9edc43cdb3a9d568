//! The server's end of one socket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Peer, Quota, SlidingWindow, Timestamp};

use super::collection::difference;
use super::command::{Command, FrameError, Params};
use super::error::MethodError;
use super::message::Message;
use super::method::{self, Origin, SignedIn, UserChange};
use super::output::{Close, Output};
use super::user_document::UserDocument;
use crate::state::RocketChatProtocol;

/// The versions of DDP that the server speaks, best first.
const VERSIONS: [&str; 3] = ["1", "pre2", "pre1"];

/// How often the token of a signed-in user is checked, so that a revoked one closes the socket within a
/// second.
const CHECK_EVERY: Duration = Duration::from_millis(800);

/// The longest silence before a ping is sent, as Meteor's heartbeat has it: there are clients that do nothing before the
/// first.
const PING_AFTER: Duration = Duration::from_secs(15);

/// The configuration of all sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "plain values that the server reads from its configuration file"
)]
pub struct SessionConfig {
    /// How long a client may be silent before the socket is closed. A ping is sent after 15 seconds, or after half of the
    /// time if that is less.
    pub idle: Duration,
    /// The limit of logins of one session. Logins that it refuses are not counted.
    pub login_limit: Option<Quota>,
}

impl Default for SessionConfig {
    /// A minute of silence, and five logins in ten seconds, as Meteor allows.
    fn default() -> Self {
        let login_limit = Some(Quota { attempts: 5, window: Duration::from_secs(10) });
        Self { idle: Duration::from_secs(60), login_limit }
    }
}

/// The server's end of one socket: takes frames and the time, gives an [`Output`] for each.
///
/// # Example
///
/// ```
/// use std::sync::Arc;
///
/// use auth_core::testing::FakeServices;
/// use auth_core::{Peer, Timestamp};
/// use auth_proto_rocketchat::ddp::{Session, SessionConfig};
/// use auth_proto_rocketchat::{Config, RocketChatProtocol};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let config = Config::new("chat", "http://localhost:3000");
/// let protocol = Arc::new(RocketChatProtocol::new(config, Arc::new(FakeServices::new())));
/// let client = Peer::new([127, 0, 0, 1].into()).with_agent("test/1");
/// let now = Timestamp::from_secs(1_700_000_000);
/// let mut session = Session::new(protocol, SessionConfig::default(), client, "id".to_owned(), now);
///
/// let output = session.on_frame(r#"{"msg":"connect","version":"1","support":["1"]}"#, now).await;
/// assert_eq!(output.frames, [r#"{"msg":"connected","session":"id"}"#]);
/// # }
/// ```
pub struct Session {
    state: Arc<RocketChatProtocol>,
    config: SessionConfig,
    client: Peer,
    id: String,
    /// Whether the greeting was accepted.
    greeted: bool,
    user: Option<SignedIn>,
    /// The user as the client's copy of the collection has it.
    document: Option<UserDocument>,
    logins: SlidingWindow,
    /// When the last frame came.
    heard: Timestamp,
    /// Whether a ping was sent since the last frame came.
    pinged: bool,
    /// When the user signed in or the token was last checked.
    checked: Timestamp,
}

impl Session {
    /// Begins a session at `now`. `id` is the name that the client is told; it has no meaning.
    #[must_use]
    pub fn new(
        protocol: Arc<RocketChatProtocol>,
        config: SessionConfig,
        client: Peer,
        id: String,
        now: Timestamp,
    ) -> Self {
        Self {
            state: protocol,
            config,
            client,
            id,
            greeted: false,
            user: None,
            document: None,
            logins: SlidingWindow::default(),
            heard: now,
            pinged: false,
            checked: now,
        }
    }

    /// The id of the user who is signed in.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(SignedIn::id)
    }

    /// Whether a user is signed in.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.user.is_some()
    }

    /// The moment at which [`Session::on_time`] is to be called, unless a frame comes first.
    #[must_use]
    pub fn wake_at(&self) -> Timestamp {
        let silence = if self.pinged { self.config.idle } else { self.ping_after() };
        let end_of_silence = self.heard + silence;
        if self.is_signed_in() { end_of_silence.min(self.checked + CHECK_EVERY) } else { end_of_silence }
    }

    /// The silence after which a ping is sent.
    fn ping_after(&self) -> Duration {
        PING_AFTER.min(self.config.idle / 2)
    }

    /// Takes a text frame that came at `now`.
    pub async fn on_frame(&mut self, frame: &str, now: Timestamp) -> Output {
        (self.heard, self.pinged) = (now, false);
        // A client that talks all the time must not put off the check when the clock was set back.
        self.checked = self.checked.min(now);
        match Command::decode(frame) {
            Ok(Command::Connect { version, support }) if !self.greeted => self.greet(&version, &support),
            Err(FrameError::Connect) if !self.greeted => Output::refuse_greeting(VERSIONS[0]),
            Ok(Command::Connect { .. }) | Err(FrameError::Connect) => {
                Output::frame_error("Already connected", frame)
            }
            Err(FrameError::Message) => Output::frame_error("Bad request", frame),
            _ if !self.greeted => Output::frame_error("Must connect first", frame),
            Err(FrameError::Kind) => Output::frame_error("Bad request", frame),
            Err(FrameError::Method) => Output::frame_error("Malformed method invocation", frame),
            Err(FrameError::Subscription) => Output::frame_error("Malformed subscription", frame),
            Ok(Command::Ping { id }) => Output::send(&[Message::Pong { id }]),
            Ok(Command::Pong) => Output::default(),
            Ok(Command::Sub { id }) => Output::send(&[Message::Ready { subs: [&id] }]),
            Ok(Command::Unsub { id }) => Output::send(&[Message::Nosub { id: &id }]),
            Ok(Command::Method { id, name, params }) => self.call(&id, &name, params, now).await,
        }
    }

    /// Does what is due at `now`: checks the token of the user, sends a ping to a silent client, closes the
    /// socket of one that has been silent for too long.
    pub async fn on_time(&mut self, now: Timestamp) -> Output {
        // A clock that was set back must not keep a session alive.
        (self.heard, self.checked) = (self.heard.min(now), self.checked.min(now));
        let mut output = self.check_user(now).await;
        if output.close.is_some() {
            return output;
        }
        let silence = now.since(self.heard);
        if silence >= self.config.idle {
            return Output::close(Close::Idle);
        }
        if silence >= self.ping_after() && !self.pinged {
            self.pinged = true;
            output.frames.push(Message::Ping.encode());
        }
        output
    }

    /// Checks the token of the user when it is due: tells the client what has changed about the user, or closes the socket.
    async fn check_user(&mut self, now: Timestamp) -> Output {
        let Some(user) = self.user.as_ref().filter(|_| now.since(self.checked) >= CHECK_EVERY) else {
            return Output::default();
        };
        self.checked = now;
        match user.check(&self.state, &self.client).await {
            Ok(principal) => {
                let document = UserDocument::of(&principal.profile.user);
                Output { frames: self.show(Some(document)), ..Output::default() }
            }
            Err(MethodError::Internal(error)) => {
                Output { error: Some(error), ..Output::close(Close::Unavailable) }
            }
            Err(_) => Output::close(Close::SignedOut),
        }
    }

    /// The frames that bring the client's copy of the user up to date.
    fn show(&mut self, document: Option<UserDocument>) -> Vec<String> {
        let frames = difference(self.document.as_ref(), document.as_ref());
        self.document = document;
        frames
    }

    /// Answers a greeting. It must name the version that the client likes best of those that the server
    /// speaks.
    fn greet(&mut self, version: &str, support: &[String]) -> Output {
        let best = support.iter().find_map(|wanted| VERSIONS.into_iter().find(|known| known == wanted));
        if best != Some(version) {
            return Output::refuse_greeting(best.unwrap_or(VERSIONS[0]));
        }
        self.greeted = true;
        Output::send(&[Message::Connected { session: &self.id }])
    }

    async fn call(&mut self, id: &str, name: &str, params: Params, now: Timestamp) -> Output {
        let wait = self
            .config
            .login_limit
            .filter(|_| method::is_log_in(name))
            .and_then(|quota| self.logins.reserve(quota, now).retry_after);
        let outcome = match wait {
            Some(wait) => MethodError::Limited(wait).into(),
            None => {
                let origin = Origin { peer: &self.client, user: self.user.as_ref(), factor: None };
                method::call(&self.state, &origin, name, params).await
            }
        };
        let error = outcome.internal_error();
        // What a method changes is shown before its result, as in Meteor.
        let mut frames = match outcome.change {
            UserChange::None => Vec::new(),
            UserChange::SignedIn(user, document) => {
                (self.user, self.checked) = (Some(user), now);
                self.show(Some(document))
            }
            UserChange::SignedOut => {
                self.user = None;
                self.show(None)
            }
        };
        let messages = [Message::result(id, &outcome.result), Message::Updated { methods: [id] }];
        frames.extend(messages.iter().map(Message::encode));
        Output { not_before: outcome.not_before, frames, close: None, error }
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

//! What a wire protocol implements, and what it demands of the login pipeline.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::request::merge_slashes;
use crate::{
    CredentialKind, Entry, FailureReason, InternalError, LoginError, NewId, Peer, ProtocolName, Quota, Rng,
    Timestamp, User,
};

/// A wire protocol: whole requests in, whole answers out. A protocol renders and never decides who may log in.
#[async_trait]
pub trait Protocol: Send + Sync {
    /// The protocol's name.
    fn name(&self) -> ProtocolName;

    /// Matches a path, as sent and without the query.
    fn route(&self, path: &str) -> Route;

    /// Whether a run of slashes in a path counts as one, as behind a proxy that merges them. The server merges them before
    /// it asks [`Protocol::route`], and in the request that it hands over.
    fn merges_slashes(&self) -> bool {
        true
    }

    /// Returns how much of a request's body the protocol reads.
    fn body_rule(&self, route: &Route, method: &http::Method, headers: &http::HeaderMap) -> BodyRule;

    /// Renders an error that kept a request from the protocol, as when the server had no room for it.
    fn refuse(&self, error: RequestError) -> Answer;

    /// Answers a request that was matched by [`Protocol::route`]. Malformed requests are answered too.
    async fn answer(&self, route: &Route, request: http::Request<Bytes>, peer: &Peer) -> Answer;

    /// Matches a request and answers it: for servers with one protocol, and for tests.
    async fn handle(&self, mut request: http::Request<Bytes>, peer: &Peer) -> Answer {
        if self.merges_slashes() {
            merge_slashes(&mut request);
        }
        let route = self.route(request.uri().path());
        self.answer(&route, request, peer).await
    }
}

/// A path as a protocol understands it. A path is matched once; the route goes back to the protocol with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it, servers take it apart")]
pub struct Route {
    /// Whether the protocol knows the path.
    pub matched: RouteMatch,
    /// The pattern of the path, for logs and metrics: never the path itself, which may hold a secret.
    pub pattern: &'static str,
    /// The index of the route in the protocol's own table.
    pub index: usize,
}

/// How much of a request's body a protocol reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a body is read or it is not")]
pub enum BodyRule {
    /// Nothing: the request is answered without waiting for its body, which may never come.
    Ignored,
    /// At most so many bytes. In place of a larger body, the request has an empty one and carries [`BodyTooLarge`] among
    /// its extensions.
    UpTo(usize),
}

/// How well a protocol knows a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "routing needs no more")]
pub enum RouteMatch {
    /// The path is not the protocol's.
    None,
    /// The path lies below one of the protocol's prefixes, but is not documented.
    Prefix,
    /// The path is not documented, but of a form that only this protocol has.
    OwnForm,
    /// The path is one of the protocol's documented paths.
    Documented,
}

/// A request extension that says that the body exceeded [`BodyRule::UpTo`] and was dropped.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a mark")]
pub struct BodyTooLarge;

/// Why a server keeps a request from its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a protocol must render every reason")]
pub enum RequestError {
    /// The request's body did not come in time: 408.
    BodyTooSlow,
    /// The request's body can't be read, as when its chunks are malformed: 400.
    BodyBroken,
    /// The operator has banned the network that the request comes from: 403.
    Banned,
    /// The request could not be judged.
    Internal(InternalError),
}

impl From<InternalError> for RequestError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

/// An answer, with what the server needs to know about it.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it, servers take it apart")]
pub struct Answer {
    /// The answer.
    pub response: http::Response<Bytes>,
    /// The moment before which the answer must not be sent. The server, not the protocol, sleeps until then.
    pub not_before: Option<Timestamp>,
    /// The internal error that the answer tells of. The server, not the protocol, logs its cause.
    pub error: Option<InternalError>,
}

impl Answer {
    /// Creates an answer that carries the internal error behind it.
    #[must_use]
    pub fn failed(response: http::Response<Bytes>, error: InternalError) -> Self {
        Self { response, not_before: None, error: Some(error) }
    }
}

impl From<http::Response<Bytes>> for Answer {
    /// An answer that may be sent at once.
    fn from(response: http::Response<Bytes>) -> Self {
        Self { response, not_before: None, error: None }
    }
}

/// What a protocol demands of the login pipeline beyond the rules that all protocols share.
///
/// Every method but the name has a default, which is the pipeline as it stands. The engine has the rules of its own
/// protocols; a crate that adds a protocol hands its rules to the engine when the engine is built.
pub trait ProtocolRules: Send + Sync {
    /// The protocol whose rules these are.
    fn protocol(&self) -> ProtocolName;

    /// Whether users may log in with a password at this protocol.
    fn takes_passwords(&self) -> bool {
        true
    }

    /// Whether an empty password may be right: against a hash that a Zettelstore made, and no other.
    fn takes_empty_passwords(&self) -> bool {
        false
    }

    /// Whether a password whose stored hash is out of date must be strong enough to be hashed anew.
    fn demands_strength(&self) -> bool {
        false
    }

    /// Whether the state of account and realm is told before the password is known to be right.
    fn tells_state_first(&self) -> bool {
        false
    }

    /// Whether a user of a directory is told that the password matches the stored one, which the account may not log in
    /// with.
    fn tells_local_password(&self) -> bool {
        false
    }

    /// Whether accounts with a second factor can be asked for it, so that people need no app passwords.
    fn has_second_step(&self) -> bool {
        true
    }

    /// Whether a client that is asked for a second factor gets a ticket, with which it goes on without the password: for
    /// protocols whose clients keep no password, such as pages.
    fn gives_tickets(&self) -> bool {
        false
    }

    /// Whether an app password is taken, where it is for all protocols. Pages take none: they change accounts, and app
    /// passwords are for programs.
    fn takes_app_passwords(&self) -> bool {
        true
    }

    /// Whether owners are told by mail of what they change by the protocol themselves of their passwords and second factors.
    fn tells_of_own_changes(&self) -> bool {
        true
    }

    /// Whether a TOTP code is good again within its window.
    fn takes_codes_again(&self) -> bool {
        false
    }

    /// Refuses a user although the password is right.
    ///
    /// # Errors
    /// The [`LoginError`] that the client is told.
    fn check_user(&self, user: &User) -> Result<(), LoginError> {
        let _ = user;
        Ok(())
    }

    /// Refuses a directory's entry that lacks what the protocol shows of an account.
    ///
    /// # Errors
    /// The [`FailureReason`] for the log.
    fn check_entry(&self, entry: &Entry) -> Result<(), FailureReason> {
        let _ = entry;
        Ok(())
    }

    /// The time that an answer to a login takes from the look-up on; zero answers at once.
    fn login_delay(&self) -> Duration {
        Duration::ZERO
    }

    /// The protocol's own limits of failed logins.
    fn login_quotas(&self) -> LoginQuotas {
        LoginQuotas::default()
    }

    /// The limit of calls per client key and route.
    fn call_quota(&self) -> Option<Quota> {
        None
    }

    /// The limit of calls per user.
    fn user_quota(&self) -> Option<Quota> {
        None
    }

    /// How long tokens of a kind live, and how many of them an account keeps.
    fn token_policy(&self, kind: CredentialKind) -> TokenPolicy {
        let _ = kind;
        TokenPolicy::default()
    }

    /// The kinds of tokens by which a client may log in again with [`LoginMethod::Resume`](crate::LoginMethod::Resume).
    fn resumable(&self) -> &'static [CredentialKind] {
        &[]
    }

    /// The kinds of tokens that the protocol adds to those of this crate: a change of password and a deactivation revoke
    /// them, and operators list and revoke them.
    fn token_kinds(&self) -> &'static [CredentialKind] {
        &[]
    }

    /// The id under which the protocol shows a new user; `None` where it shows none.
    fn new_id(&self, rng: &dyn Rng, joined: Timestamp) -> Option<NewId> {
        let _ = (rng, joined);
        None
    }
}

/// A protocol's own limits of failed logins, beside those that all protocols share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "rules build it, the engine takes it apart")]
pub struct LoginQuotas {
    /// Failed attempts per account.
    pub account: Option<Quota>,
    /// Failed attempts per client key.
    pub client: Option<Quota>,
    /// What counts as one account.
    pub counting: AttemptCounting,
}

/// What counts as one account in a protocol's own limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the engine must know every way to count")]
pub enum AttemptCounting {
    /// A name from one client key, whatever its spelling, and the account once it is known.
    #[default]
    NameAndAccount,
    /// A name from one client key, whatever its spelling. The status is told to clients.
    Name,
    /// A name as typed, from anywhere. The status is told to clients. The real Zulip counts so: another spelling is
    /// another count, and everybody can use up an account's attempts.
    TypedName,
    /// A user name from anywhere, unless a code came along; refused attempts of a client key count too. The real
    /// Rocket.Chat counts so.
    UserNameAnywhere,
}

/// How long tokens live, and how many of them an account keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "rules build it, the engine takes it apart")]
pub struct TokenPolicy {
    /// How long a token lives.
    pub lifetime: Duration,
    /// How many tokens of the kind an account keeps: the oldest makes room.
    pub keep: u32,
}

impl Default for TokenPolicy {
    /// 90 days, and 50 tokens.
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(90 * 24 * 3600), keep: 50 }
    }
}

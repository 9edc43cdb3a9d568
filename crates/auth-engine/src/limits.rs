//! The conduct of limits: a try is reserved before anything is known about it, and given back on success.
//!
//! Hard limits are per (account, client network), and per network: nobody can lock anybody else out. The
//! exceptions are the real systems' own, where the operator asked to be `exact`.
//!
//! ```text
//! reserve ── by network and by the name as typed ──▶ look-up ── identify: by the account ──▶ hash
//! ```
//!
//! So all names of an account share one count, and a name that is nobody's has its own; both are refused at the
//! same place when it is the same name that is tried.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use auth_core::{
    Account, ClientKey, Digest, ExactPoint, Identifier, LoginAttempt, LoginError, LoginMethod, NameKind,
    Peer, ProtocolName, Quota, RateLimitStatus, RateLimiter, RealmId, SecondStep, Timestamp, UserId, fold,
};
use auth_crypto::opaque::digest;
use data_encoding::HEXLOWER;

use crate::config::Config;

/// Keys held per limiter. A key with its tries takes some 300 bytes: full, a limiter stays below 20 MiB.
const CAPACITY: usize = 65_536;

/// Mails that strangers can have sent to one account: its owner's own log-ins are not held back by it.
const MAILS: Quota = Quota { attempts: 5, window: Duration::from_secs(3600) };

/// All limiters of one server.
#[derive(Debug)]
pub(crate) struct Limits {
    account: Gate<Subject>,
    network: Gate<ClientKey>,
    second_factor: Gate<UserId>,
    mails: Gate<UserId>,
    zulip_login: Gate<Subject>,
    zulip_api: Gate<UserId>,
    rocketchat_api: Gate<(&'static str, ClientKey)>,
    rocketchat_user: Gate<Subject>,
    rocketchat_address: Gate<ClientKey>,
    /// [`ExactPoint::LimitByTypedName`].
    zulip_by_typed_name: bool,
    /// [`ExactPoint::BlockByTypedName`].
    rocketchat_by_typed_name: bool,
}

/// Whom a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    /// A name, whatever the spelling, from one network.
    Name { realm: RealmId, kind: Option<NameKind>, name: [u8; 32], network: ClientKey },
    /// An account, whatever the name, from one network.
    Account(UserId, ClientKey),
    /// A name as typed, from anywhere (the real Zulip's rule).
    Typed([u8; 32]),
    /// A user name, from anywhere (the real Rocket.Chat's rule).
    UserName(RealmId, [u8; 32]),
}

/// Where a try is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Account(Subject),
    ClientKey(ClientKey),
    ZulipLogin(Subject),
    RocketChatUser(Subject),
    RocketChatAddress(ClientKey),
}

/// A limit that may be switched off.
#[derive(Debug)]
struct Gate<K> {
    rule: Option<Quota>,
    limiter: Option<Mutex<RateLimiter<K>>>,
}

/// The tries that one attempt has reserved. Dropped, they stay counted.
#[derive(Debug)]
pub(crate) struct Ticket {
    at: Timestamp,
    taken: Vec<Place>,
    /// Those of them that the store has counted too, by what it calls them.
    shared: Vec<(Place, Digest)>,
    /// How the protocol's own limit stands, for its headers.
    pub(crate) rate_limit: Option<RateLimitStatus>,
}

/// Too many tries, and how the protocol's own limit stands, where it is the one.
pub(crate) type Limited = (LoginError, Option<RateLimitStatus>);

/// A limit as the servers of a store share it: what the store calls it, and its rule.
pub(crate) type SharedLimit = (Digest, Quota);

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        let shared = config.limits;
        let rocketchat = &config.rocketchat;
        Self {
            account: Gate::new(shared.map(|shared| shared.account)),
            network: Gate::new(shared.map(|shared| shared.network)),
            second_factor: Gate::new(shared.map(|shared| shared.second_factor)),
            mails: Gate::new(shared.map(|_| MAILS)),
            zulip_login: Gate::new(config.zulip.login_limit),
            zulip_api: Gate::new(config.zulip.api_limit),
            rocketchat_api: Gate::new(rocketchat.api_limit),
            rocketchat_user: Gate::new(rocketchat.block_by_user),
            rocketchat_address: Gate::new(rocketchat.block_by_address),
            zulip_by_typed_name: config.zulip.exact.has(ExactPoint::LimitByTypedName),
            rocketchat_by_typed_name: rocketchat.exact.has(ExactPoint::BlockByTypedName),
        }
    }

    /// Reserves a try of everything that counts this attempt before its account is known, or of nothing.
    pub(crate) fn reserve(&self, attempt: &LoginAttempt, now: Timestamp) -> Result<Ticket, Limited> {
        let mut ticket = Ticket::at_moment(now);
        let network = attempt.peer.client_key();
        let name = named(&attempt.proof).map(|who| name(attempt, who));
        self.take(&mut ticket, Place::ClientKey(network))?;
        if let Some(name) = &name {
            self.take(&mut ticket, Place::Account(name.clone()))?;
        }
        match attempt.protocol {
            ProtocolName::Zulip => {
                let typed = named(&attempt.proof)
                    .filter(|_| self.zulip_by_typed_name)
                    .map(|who| Subject::Typed(short(who.typed())));
                if let Some(subject) = typed.or(name) {
                    ticket.rate_limit = self.take(&mut ticket, Place::ZulipLogin(subject))?;
                }
            }
            ProtocolName::RocketChat if self.rocketchat_by_typed_name => {
                self.block_as_rocketchat_does(&mut ticket, attempt)?;
            }
            ProtocolName::RocketChat => {
                self.take(&mut ticket, Place::RocketChatAddress(network))?;
                if let Some(name) = name {
                    self.take(&mut ticket, Place::RocketChatUser(name))?;
                }
            }
            _ => {}
        }
        Ok(ticket)
    }

    /// Reserves a try of what counts by account, now that it is known: a ticket of its own, or nothing. What
    /// `ticket` has reserved stays reserved in either case, as for a name that is nobody's.
    pub(crate) fn identify(
        &self,
        ticket: &Ticket,
        attempt: &LoginAttempt,
        account: &Account,
    ) -> Result<Ticket, Limited> {
        let user = &account.user;
        let subject = Subject::Account(user.id, attempt.peer.client_key());
        let mut more = Ticket::at_moment(ticket.at);
        self.take(&mut more, Place::Account(subject.clone()))?;
        if attempt.protocol != ProtocolName::RocketChat {
            return Ok(more);
        }
        if !self.rocketchat_by_typed_name {
            self.take(&mut more, Place::RocketChatUser(subject))?;
            return Ok(more);
        }
        // Counted, but not tested, under the user name of whoever sends an address or a code.
        let user_name = user.user_name().map(|name| Subject::UserName(user.realm, short(&fold(name))));
        if let Some(place) =
            user_name.map(Place::RocketChatUser).filter(|place| !ticket.taken.contains(place))
        {
            self.count(&place, ticket.at);
            more.taken.push(place);
        }
        Ok(more)
    }

    /// rocketchat.md 4.2: the address is tested first, and tries that it is refused count; then the user name,
    /// where one was sent without a code, and tries that it is refused don't.
    fn block_as_rocketchat_does(&self, ticket: &mut Ticket, attempt: &LoginAttempt) -> Result<(), Limited> {
        let user_name = match named(&attempt.proof) {
            Some(Identifier::Name { kind: NameKind::UserName, typed }) => {
                Some(Place::RocketChatUser(Subject::UserName(attempt.realm, short(&fold(typed)))))
            }
            _ => None,
        };
        let address = Place::RocketChatAddress(attempt.peer.client_key());
        if let Err(limited) = self.take(ticket, address.clone()) {
            self.count(&address, ticket.at);
            if let Some(user_name) = &user_name {
                self.count(user_name, ticket.at);
            }
            return Err(limited);
        }
        let is_tested = matches!(attempt.second_step, SecondStep::NotOffered | SecondStep::Offered(None));
        match user_name {
            Some(user_name) if is_tested => self.take(ticket, user_name).map(drop),
            Some(user_name) => {
                self.count(&user_name, ticket.at);
                ticket.taken.push(user_name);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// After a success: the try is uncounted, and the protocols' own limits begin anew, as documented.
    pub(crate) fn succeeded(&self, ticket: Ticket) {
        for place in &ticket.taken {
            match place {
                Place::ZulipLogin(subject) => self.zulip_login.clear(subject),
                Place::RocketChatUser(subject) => self.rocketchat_user.clear(subject),
                Place::RocketChatAddress(network) if self.rocketchat_by_typed_name => {
                    self.rocketchat_address.clear(network);
                }
                _ => self.uncount(place, ticket.at),
            }
        }
    }

    /// The attempt was no try after all: a second factor is asked for, or it could not be judged.
    pub(crate) fn give_back(&self, ticket: &mut Ticket) {
        for place in ticket.taken.drain(..) {
            self.uncount(&place, ticket.at);
        }
    }

    /// Counts a call with a Zulip key.
    pub(crate) fn zulip_call(&self, user: UserId, now: Timestamp) -> Option<RateLimitStatus> {
        self.zulip_api.reserve(&user, now)
    }

    /// Counts a call of a Rocket.Chat route.
    pub(crate) fn rocketchat_call(
        &self,
        route: &'static str,
        peer: &Peer,
        now: Timestamp,
    ) -> Option<RateLimitStatus> {
        let key = (route, peer.client_key());
        let rate_limit = self.rocketchat_api.reserve(&key, now)?;
        // Clients are told when a window ends that began with its first call (rocketchat.md 4.1).
        let reset = self.rocketchat_api.with(|limiter| limiter.frees_at(&key)).flatten();
        Some(RateLimitStatus { reset: reset.unwrap_or(rate_limit.reset), ..rate_limit })
    }

    /// Reserves a try at a second factor; `false` when there were too many.
    pub(crate) fn reserve_second_factor(&self, user: UserId, now: Timestamp) -> bool {
        is_let_through(self.second_factor.reserve(&user, now))
    }

    /// The second factor was right.
    pub(crate) fn second_factor_passed(&self, user: UserId, at: Timestamp) {
        self.second_factor.give_back(&user, at);
    }

    /// Counts a mail that somebody who isn't signed in has sent to an account; `false` when there were too many.
    pub(crate) fn reserve_mail(&self, user: UserId, now: Timestamp) -> bool {
        is_let_through(self.mails.reserve(&user, now))
    }

    /// What a try at a second factor is called in the store.
    pub(crate) fn shared_second_factor(&self, user: UserId) -> Option<SharedLimit> {
        Some((digest(&format!("second factor {user}")), self.second_factor.rule?))
    }

    /// The longest time for which the store needs to remember a try.
    pub(crate) fn longest_window(&self) -> Duration {
        let rules = [self.account.rule, self.network.rule, self.second_factor.rule];
        rules.into_iter().flatten().map(|rule| rule.window).max().unwrap_or_default()
    }

    /// The rule that servers share for a place, and what the store calls the place; protocols' own limits they don't.
    fn shared(&self, place: &Place) -> Option<SharedLimit> {
        let (name, rule) = match place {
            Place::ClientKey(network) => (format!("network {network}"), self.network.rule?),
            Place::Account(subject) => (format!("account {}", subject.called()?), self.account.rule?),
            _ => return None,
        };
        Some((digest(&name), rule))
    }

    /// Reserves a try at a place; gives back what the ticket has reserved when that is refused.
    fn take(&self, ticket: &mut Ticket, place: Place) -> Result<Option<RateLimitStatus>, Limited> {
        let now = ticket.at;
        let rate_limit = match &place {
            Place::Account(subject) => self.account.reserve(subject, now),
            Place::ClientKey(network) => self.network.reserve(network, now),
            Place::ZulipLogin(subject) => self.zulip_login.reserve(subject, now),
            Place::RocketChatUser(subject) => self.rocketchat_user.reserve(subject, now),
            Place::RocketChatAddress(network) => self.rocketchat_address.reserve(network, now),
        };
        let Some(retry_after) = rate_limit.and_then(|rate_limit| rate_limit.retry_after) else {
            ticket.taken.push(place);
            return Ok(rate_limit);
        };
        self.give_back(ticket);
        Err(match place {
            Place::ClientKey(_) | Place::RocketChatAddress(_) => {
                (LoginError::NetworkLimited { retry_after }, None)
            }
            Place::ZulipLogin(_) => (LoginError::AccountLimited { retry_after }, rate_limit),
            Place::Account(_) | Place::RocketChatUser(_) => {
                (LoginError::AccountLimited { retry_after }, None)
            }
        })
    }

    /// Counts a try at a place of the real Rocket.Chat's, refused or not.
    fn count(&self, place: &Place, now: Timestamp) {
        match place {
            Place::RocketChatUser(subject) => self.rocketchat_user.count(subject, now),
            Place::RocketChatAddress(network) => self.rocketchat_address.count(network, now),
            _ => {}
        }
    }

    fn uncount(&self, place: &Place, at: Timestamp) {
        match place {
            Place::Account(subject) => self.account.give_back(subject, at),
            Place::ClientKey(network) => self.network.give_back(network, at),
            Place::ZulipLogin(subject) => self.zulip_login.give_back(subject, at),
            Place::RocketChatUser(subject) => self.rocketchat_user.give_back(subject, at),
            Place::RocketChatAddress(network) => self.rocketchat_address.give_back(network, at),
        }
    }
}

impl Ticket {
    fn at_moment(at: Timestamp) -> Self {
        Self { at, taken: Vec::with_capacity(6), shared: Vec::new(), rate_limit: None }
    }

    /// Takes over what another of the same try has reserved.
    pub(crate) fn join(&mut self, other: Self) {
        self.taken.extend(other.taken);
        self.shared.extend(other.shared);
    }

    /// When the try was made.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// What is reserved here and has not been asked of the store.
    pub(crate) fn unshared(&mut self, limits: &Limits) -> Vec<SharedLimit> {
        let new = self.taken.iter().filter(|place| self.shared.iter().all(|(shared, _)| shared != *place));
        let new: Vec<_> =
            new.filter_map(|place| limits.shared(place).map(|limit| (place.clone(), limit))).collect();
        new.into_iter()
            .map(|(place, limit)| {
                self.shared.push((place, limit.0));
                limit
            })
            .collect()
    }

    /// Takes what was asked of the store, to be given back there.
    pub(crate) fn take_shared(&mut self) -> Vec<Digest> {
        self.shared.drain(..).map(|(_, name)| name).collect()
    }

    /// The store has refused one of those it was asked, and counts no try of it: how that is told.
    pub(crate) fn refused(&mut self, name: &Digest, retry_after: Duration) -> Option<LoginError> {
        let index = self.shared.iter().position(|(_, shared)| shared == name)?;
        Some(match self.shared.swap_remove(index).0 {
            Place::ClientKey(_) => LoginError::NetworkLimited { retry_after },
            _ => LoginError::AccountLimited { retry_after },
        })
    }
}

impl Subject {
    /// What the store calls it, where servers share it.
    fn called(&self) -> Option<String> {
        match self {
            Self::Name { realm, kind, name, network } => {
                Some(format!("name {realm} {kind:?} {} {network}", HEXLOWER.encode(name)))
            }
            Self::Account(user, network) => Some(format!("user {user} {network}")),
            Self::Typed(_) | Self::UserName(..) => None,
        }
    }
}

impl<K: Clone + Eq + Hash> Gate<K> {
    fn new(rule: Option<Quota>) -> Self {
        Self { rule, limiter: rule.map(|rule| Mutex::new(RateLimiter::new(rule, CAPACITY))) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut RateLimiter<K>) -> T) -> Option<T> {
        // A panic while counting leaves counts that are still sound.
        self.limiter.as_ref().map(|limiter| act(&mut limiter.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn reserve(&self, key: &K, now: Timestamp) -> Option<RateLimitStatus> {
        self.with(|limiter| limiter.reserve(key, now))
    }

    fn count(&self, key: &K, now: Timestamp) {
        self.with(|limiter| limiter.count(key, now));
    }

    fn give_back(&self, key: &K, at: Timestamp) {
        self.with(|limiter| limiter.give_back(key, at));
    }

    fn clear(&self, key: &K) {
        self.with(|limiter| limiter.clear(key));
    }
}

fn is_let_through(rate_limit: Option<RateLimitStatus>) -> bool {
    rate_limit.is_none_or(|rate_limit| rate_limit.retry_after.is_none())
}

/// Whom a password is said to be of.
pub(crate) fn named(proof: &LoginMethod) -> Option<&Identifier> {
    match proof {
        LoginMethod::Password { who, .. } | LoginMethod::Digest { who, .. } => Some(who),
        _ => None,
    }
}

fn name(attempt: &LoginAttempt, who: &Identifier) -> Subject {
    let (kind, typed) = match who {
        Identifier::Name { kind, typed } => (Some(*kind), typed.trim()),
        other => (None, other.typed()),
    };
    Subject::Name {
        realm: attempt.realm,
        kind,
        name: short(&fold(typed)),
        network: attempt.peer.client_key(),
    }
}

/// Names are as long as the client likes; keys are not.
fn short(name: &str) -> [u8; 32] {
    *digest(name).as_bytes()
}

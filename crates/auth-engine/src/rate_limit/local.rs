//! This server's own counts: an attempt is reserved before anything is known about it, and given back on success.
//!
//! Hard limits are per account and client key, and per client key: no client can lock another one out. The exceptions
//! are the real systems' own, where the operator asked for them.
//!
//! ```text
//! reserve ── by client key and by the name as typed ──▶ look-up ── identify: by the account ──▶ hash
//! ```
//!
//! So all names of an account share one count, and a name that no account has gets a count of its own; both are refused
//! at the same point when the same name is tried again and again.

use std::time::Duration;

use auth_core::{
    Account, AttemptCounting, ClientKey, Digest, Identifier, LoginAttempt, LoginError, LoginMethod, NameKind,
    Peer, ProtocolName, Quota, RateLimitStatus, RealmId, SecondStep, Timestamp, UserId, fold,
};
use auth_crypto::opaque::digest;
use data_encoding::HEXLOWER;

use super::optional_limiter::OptionalLimiter;
use crate::config::Config;
use crate::rules::RuleSet;

/// Mails that clients which are not signed in can have sent to one account: its owner's own logins don't count.
const MAILS: Quota = Quota { attempts: 5, window: Duration::from_secs(3600) };

/// All limiters of one server.
#[derive(Debug)]
pub(crate) struct LocalLimits {
    account: OptionalLimiter<Subject>,
    client: OptionalLimiter<ClientKey>,
    second_factor: OptionalLimiter<UserId>,
    mails: OptionalLimiter<UserId>,
    protocols: Vec<ProtocolLimits>,
}

/// A protocol's own limiters.
#[derive(Debug)]
struct ProtocolLimits {
    protocol: ProtocolName,
    counting: AttemptCounting,
    account: OptionalLimiter<Subject>,
    client: OptionalLimiter<ClientKey>,
    calls: OptionalLimiter<(&'static str, ClientKey)>,
    user_calls: OptionalLimiter<UserId>,
}

/// What a limit counts as one account.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Subject {
    /// A name, whatever the spelling, from one client key.
    Name { realm: RealmId, kind: Option<NameKind>, name: [u8; 32], client: ClientKey },
    /// An account, whatever the name, from one client key.
    Account(UserId, ClientKey),
    /// A name as typed, from anywhere.
    Typed([u8; 32]),
    /// A user name, from anywhere.
    UserName(RealmId, [u8; 32]),
}

/// The counter at which an attempt is reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Counter {
    Account(Subject),
    Client(ClientKey),
    ProtocolAccount(ProtocolName, Subject),
    ProtocolClient(ProtocolName, ClientKey),
}

/// What one attempt has reserved. Dropped, it stays counted.
#[derive(Debug)]
pub(crate) struct Reservation {
    at: Timestamp,
    counters: Vec<Counter>,
    /// Those of them that the store has counted too, by the store's name for them.
    shared: Vec<(Counter, Digest)>,
    /// The protocol's own limit after this attempt, for its headers.
    pub(crate) status: Option<RateLimitStatus>,
}

/// A refused reservation.
#[derive(Debug)]
pub(crate) struct Limited {
    pub(crate) error: LoginError,
    /// The protocol's own limit, where that one refused.
    pub(crate) status: Option<RateLimitStatus>,
}

/// A limit as the servers of a store share it: the store's name for it, and its quota.
pub(crate) type SharedLimit = (Digest, Quota);

impl LocalLimits {
    pub(crate) fn new(config: &Config, rules: &RuleSet) -> Self {
        let shared = config.limits;
        let protocols = rules.iter().map(|rules| {
            let quotas = rules.login_quotas();
            ProtocolLimits {
                protocol: rules.protocol(),
                counting: quotas.counting,
                account: OptionalLimiter::new(quotas.account),
                client: OptionalLimiter::new(quotas.client),
                calls: OptionalLimiter::new(rules.call_quota()),
                user_calls: OptionalLimiter::new(rules.user_quota()),
            }
        });
        Self {
            account: OptionalLimiter::new(shared.map(|shared| shared.account)),
            client: OptionalLimiter::new(shared.map(|shared| shared.client)),
            second_factor: OptionalLimiter::new(shared.map(|shared| shared.second_factor)),
            mails: OptionalLimiter::new(shared.map(|_| MAILS)),
            protocols: protocols.collect(),
        }
    }

    /// Reserves an attempt at every counter that needs no account, or at none.
    pub(crate) fn reserve(&self, attempt: &LoginAttempt, now: Timestamp) -> Result<Reservation, Limited> {
        let mut reservation = Reservation::new(now);
        let client = attempt.peer.client_key();
        let who = password_of(attempt);
        let name = who.map(|who| name(attempt, who));
        self.take(&mut reservation, Counter::Client(client))?;
        if let Some(name) = &name {
            self.take(&mut reservation, Counter::Account(name.clone()))?;
        }
        let Some(limits) = self.of(attempt.protocol) else { return Ok(reservation) };
        if limits.counting == AttemptCounting::UserNameAnywhere {
            self.reserve_user_name(limits, &mut reservation, attempt)?;
            return Ok(reservation);
        }
        let protocol = limits.protocol;
        self.take(&mut reservation, Counter::ProtocolClient(protocol, client))?;
        let subject = match limits.counting {
            AttemptCounting::TypedName => who.map(|who| Subject::Typed(short(&who.typed()))),
            _ => name,
        };
        if let Some(subject) = subject {
            let status = self.take(&mut reservation, Counter::ProtocolAccount(protocol, subject))?;
            reservation.status = status.filter(|_| limits.tells_status());
        }
        Ok(reservation)
    }

    /// Reserves an attempt at the counters of an account, now that it is known: a reservation of its own, or none. What
    /// `reservation` holds stays reserved in either case, as for a name that no account has.
    pub(crate) fn identify(
        &self,
        reservation: &Reservation,
        attempt: &LoginAttempt,
        account: &Account,
    ) -> Result<Reservation, Limited> {
        let user = &account.user;
        let subject = Subject::Account(user.id, attempt.peer.client_key());
        let mut more = Reservation::new(reservation.at);
        self.take(&mut more, Counter::Account(subject.clone()))?;
        let Some(limits) = self.of(attempt.protocol) else { return Ok(more) };
        match limits.counting {
            AttemptCounting::NameAndAccount => {
                self.take(&mut more, Counter::ProtocolAccount(limits.protocol, subject))?;
            }
            AttemptCounting::Name | AttemptCounting::TypedName => {}
            AttemptCounting::UserNameAnywhere => {
                // Counted, but not tested, under the user name of the sender of an address or a code.
                let user_name =
                    user.user_name().map(|name| Subject::UserName(user.realm, short(&fold(name))));
                let counter = user_name.map(|subject| Counter::ProtocolAccount(limits.protocol, subject));
                if let Some(counter) = counter.filter(|counter| !reservation.counters.contains(counter)) {
                    self.count(&counter, reservation.at);
                    more.counters.push(counter);
                }
            }
        }
        Ok(more)
    }

    /// Counts as the real Rocket.Chat does: the address is tested first, and attempts that it is refused count; then the
    /// user name, where one was sent without a code, and attempts that it is refused don't.
    fn reserve_user_name(
        &self,
        limits: &ProtocolLimits,
        reservation: &mut Reservation,
        attempt: &LoginAttempt,
    ) -> Result<(), Limited> {
        let user_name = match password_of(attempt) {
            Some(Identifier::Name { kind: NameKind::UserName, typed }) => {
                let subject = Subject::UserName(attempt.realm.id, short(&fold(typed)));
                Some(Counter::ProtocolAccount(limits.protocol, subject))
            }
            _ => None,
        };
        let address = Counter::ProtocolClient(limits.protocol, attempt.peer.client_key());
        if let Err(limited) = self.take(reservation, address.clone()) {
            self.count(&address, reservation.at);
            if let Some(user_name) = &user_name {
                self.count(user_name, reservation.at);
            }
            return Err(limited);
        }
        let is_tested = matches!(attempt.second_step, SecondStep::NotOffered | SecondStep::Offered(None));
        match user_name {
            Some(user_name) if is_tested => self.take(reservation, user_name).map(drop),
            Some(user_name) => {
                self.count(&user_name, reservation.at);
                reservation.counters.push(user_name);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Uncounts the attempt after a success, and lets the protocol's own limits begin anew, as documented.
    pub(crate) fn succeeded(&self, reservation: Reservation) {
        for counter in &reservation.counters {
            match counter {
                Counter::ProtocolAccount(protocol, subject) => {
                    if let Some(limits) = self.of(*protocol) {
                        limits.account.clear(subject);
                    }
                }
                Counter::ProtocolClient(protocol, client) => match self.of(*protocol) {
                    Some(limits) if limits.counting == AttemptCounting::UserNameAnywhere => {
                        limits.client.clear(client);
                    }
                    _ => self.uncount(counter, reservation.at),
                },
                _ => self.uncount(counter, reservation.at),
            }
        }
    }

    /// Uncounts an attempt that was none after all: a second factor is asked for, or the attempt could not be judged.
    pub(crate) fn give_back(&self, reservation: &mut Reservation) {
        for counter in reservation.counters.drain(..) {
            self.uncount(&counter, reservation.at);
        }
    }

    /// Counts a call by a user against the protocol's limit.
    pub(crate) fn user_call(
        &self,
        protocol: ProtocolName,
        user: UserId,
        now: Timestamp,
    ) -> Option<RateLimitStatus> {
        self.of(protocol)?.user_calls.reserve(&user, now)
    }

    /// Counts a call of a route against the protocol's limit.
    pub(crate) fn call(
        &self,
        protocol: ProtocolName,
        route: &'static str,
        peer: &Peer,
        now: Timestamp,
    ) -> Option<RateLimitStatus> {
        let limiter = &self.of(protocol)?.calls;
        let key = (route, peer.client_key());
        let status = limiter.reserve(&key, now)?;
        // Clients are told when a window ends that began with its first call.
        let reset = limiter.with(|limiter| limiter.frees_at(&key)).flatten();
        Some(RateLimitStatus { reset: reset.unwrap_or(status.reset), ..status })
    }

    /// Reserves an attempt at a second factor; `false` when there were too many.
    pub(crate) fn reserve_second_factor(&self, user: UserId, now: Timestamp) -> bool {
        is_let_through(self.second_factor.reserve(&user, now))
    }

    /// Uncounts an attempt at a second factor that was right.
    pub(crate) fn second_factor_passed(&self, user: UserId, at: Timestamp) {
        self.second_factor.give_back(&user, at);
    }

    /// Counts a mail that a client which is not signed in has sent to an account; `false` when there were too many.
    pub(crate) fn reserve_mail(&self, user: UserId, now: Timestamp) -> bool {
        is_let_through(self.mails.reserve(&user, now))
    }

    /// The store's name for attempts at a user's second factor.
    pub(crate) fn shared_second_factor(&self, user: UserId) -> Option<SharedLimit> {
        Some((digest(&format!("second factor {user}")), self.second_factor.quota()?))
    }

    /// The longest time for which the store needs to remember an attempt.
    pub(crate) fn longest_window(&self) -> Duration {
        let quotas = [self.account.quota(), self.client.quota(), self.second_factor.quota()];
        quotas.into_iter().flatten().map(|quota| quota.window).max().unwrap_or_default()
    }

    fn of(&self, protocol: ProtocolName) -> Option<&ProtocolLimits> {
        self.protocols.iter().rfind(|limits| limits.protocol == protocol)
    }

    /// The quota that servers share for a counter, and the store's name for the counter; protocols' own limits are not
    /// shared.
    fn shared(&self, counter: &Counter) -> Option<SharedLimit> {
        let (name, quota) = match counter {
            Counter::Client(client) => (format!("network {client}"), self.client.quota()?),
            Counter::Account(subject) => {
                (format!("account {}", subject.shared_name()?), self.account.quota()?)
            }
            Counter::ProtocolAccount(..) | Counter::ProtocolClient(..) => return None,
        };
        Some((digest(&name), quota))
    }

    /// Reserves an attempt at a counter; gives back everything that the reservation holds when that is refused.
    fn take(
        &self,
        reservation: &mut Reservation,
        counter: Counter,
    ) -> Result<Option<RateLimitStatus>, Limited> {
        let now = reservation.at;
        let status = match &counter {
            Counter::Account(subject) => self.account.reserve(subject, now),
            Counter::Client(client) => self.client.reserve(client, now),
            Counter::ProtocolAccount(protocol, subject) => {
                self.of(*protocol).and_then(|limits| limits.account.reserve(subject, now))
            }
            Counter::ProtocolClient(protocol, client) => {
                self.of(*protocol).and_then(|limits| limits.client.reserve(client, now))
            }
        };
        // A limit that is switched off counts nothing.
        let Some(counted) = status else { return Ok(None) };
        let Some(retry_after) = counted.retry_after else {
            reservation.counters.push(counter);
            return Ok(status);
        };
        self.give_back(reservation);
        Err(match counter {
            Counter::Client(_) | Counter::ProtocolClient(..) => {
                Limited { error: LoginError::ClientLimited { retry_after }, status: None }
            }
            Counter::ProtocolAccount(protocol, _) => {
                let is_told = self.of(protocol).is_some_and(ProtocolLimits::tells_status);
                Limited {
                    error: LoginError::AccountLimited { retry_after },
                    status: status.filter(|_| is_told),
                }
            }
            Counter::Account(_) => {
                Limited { error: LoginError::AccountLimited { retry_after }, status: None }
            }
        })
    }

    /// Counts an attempt at a protocol's own counter, refused or not.
    fn count(&self, counter: &Counter, now: Timestamp) {
        match counter {
            Counter::ProtocolAccount(protocol, subject) => {
                if let Some(limits) = self.of(*protocol) {
                    limits.account.count(subject, now);
                }
            }
            Counter::ProtocolClient(protocol, client) => {
                if let Some(limits) = self.of(*protocol) {
                    limits.client.count(client, now);
                }
            }
            Counter::Account(_) | Counter::Client(_) => {}
        }
    }

    fn uncount(&self, counter: &Counter, at: Timestamp) {
        match counter {
            Counter::Account(subject) => self.account.give_back(subject, at),
            Counter::Client(client) => self.client.give_back(client, at),
            Counter::ProtocolAccount(protocol, subject) => {
                if let Some(limits) = self.of(*protocol) {
                    limits.account.give_back(subject, at);
                }
            }
            Counter::ProtocolClient(protocol, client) => {
                if let Some(limits) = self.of(*protocol) {
                    limits.client.give_back(client, at);
                }
            }
        }
    }
}

impl ProtocolLimits {
    /// Whether clients are told the status of the limit.
    fn tells_status(&self) -> bool {
        matches!(self.counting, AttemptCounting::Name | AttemptCounting::TypedName)
    }
}

impl Reservation {
    fn new(at: Timestamp) -> Self {
        Self { at, counters: Vec::with_capacity(6), shared: Vec::new(), status: None }
    }

    /// Takes over what another reservation of the same attempt holds.
    pub(crate) fn join(&mut self, other: Self) {
        self.counters.extend(other.counters);
        self.shared.extend(other.shared);
    }

    /// When the attempt was made.
    pub(crate) fn at(&self) -> Timestamp {
        self.at
    }

    /// The shared limits that are reserved here and have not been asked of the store; they count as asked from now on.
    pub(crate) fn unshared(&mut self, limits: &LocalLimits) -> Vec<SharedLimit> {
        let is_new = |counter: &&Counter| self.shared.iter().all(|(shared, _)| shared != *counter);
        let new: Vec<_> = self
            .counters
            .iter()
            .filter(is_new)
            .filter_map(|counter| limits.shared(counter).map(|limit| (counter.clone(), limit)))
            .collect();
        self.shared.extend(new.iter().map(|(counter, (name, _))| (counter.clone(), *name)));
        new.into_iter().map(|(_, limit)| limit).collect()
    }

    /// Takes the names of what was asked of the store, to be given back there.
    pub(crate) fn take_shared(&mut self) -> Vec<Digest> {
        self.shared.drain(..).map(|(_, name)| name).collect()
    }

    /// Forgets a shared counter at which the store has refused the attempt and counted none; gives the refusal.
    pub(crate) fn refused(&mut self, name: &Digest, retry_after: Duration) -> Option<LoginError> {
        let index = self.shared.iter().position(|(_, shared)| shared == name)?;
        Some(match self.shared.swap_remove(index).0 {
            Counter::Client(_) => LoginError::ClientLimited { retry_after },
            _ => LoginError::AccountLimited { retry_after },
        })
    }
}

impl Subject {
    /// The store's name for it, where servers share it.
    fn shared_name(&self) -> Option<String> {
        match self {
            Self::Name { realm, kind, name, client } => {
                Some(format!("name {realm} {kind:?} {} {client}", HEXLOWER.encode(name)))
            }
            Self::Account(user, client) => Some(format!("user {user} {client}")),
            Self::Typed(_) | Self::UserName(..) => None,
        }
    }
}

fn is_let_through(status: Option<RateLimitStatus>) -> bool {
    status.is_none_or(|status| status.retry_after.is_none())
}

/// The name that came with a password.
pub(crate) fn password_of(attempt: &LoginAttempt) -> Option<&Identifier> {
    match &attempt.method {
        LoginMethod::Password { who, .. } => Some(who),
        _ => None,
    }
}

fn name(attempt: &LoginAttempt, who: &Identifier) -> Subject {
    let kind = if let Identifier::Name { kind, .. } = who { Some(*kind) } else { None };
    let name = short(&fold(who.typed().trim()));
    Subject::Name { realm: attempt.realm.id, kind, name, client: attempt.peer.client_key() }
}

/// Names are as long as the client likes; keys are not.
fn short(name: &str) -> [u8; 32] {
    *digest(name).as_bytes()
}

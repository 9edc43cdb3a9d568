//! The conduct of limits: a try is reserved before anything is known about it, and given back on success.
//!
//! Hard limits are per account and client network, and per network: nobody can lock anybody else out. The
//! exceptions are the real systems' own, where the operator asked to be `exact`.

use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use auth_core::{
    DoorKind, ExactPoint, Identifier, Limiter, LoginAttempt, NameKind, Network, Peer, Proof, RealmId,
    Refusal, Rule, Standing, Timestamp, UserId, fold,
};
use auth_crypto::opaque::digest;

use crate::config::Config;

/// Keys held per limiter. A key with its tries takes some 300 bytes: full, a limiter stays below 20 MiB.
const CAPACITY: usize = 65_536;

/// All limiters of one server.
#[derive(Debug)]
pub(crate) struct Limits {
    account: Gate<Subject>,
    network: Gate<Network>,
    second_factor: Gate<UserId>,
    zulip_login: Gate<Subject>,
    zulip_api: Gate<UserId>,
    rocketchat_api: Gate<(&'static str, Network)>,
    rocketchat_user: Gate<Subject>,
    rocketchat_address: Gate<Network>,
    typed_name_counts: bool,
}

/// Whom a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// An account, whatever the spelling, from one network.
    Account { realm: RealmId, kind: Option<NameKind>, name: [u8; 32], network: Network },
    /// A name as typed, from anywhere (the real Zulip's rule).
    Typed([u8; 32]),
}

/// A limit that may be switched off.
#[derive(Debug)]
struct Gate<K>(Option<Mutex<Limiter<K>>>);

/// The tries that one attempt has reserved. Dropped, they stay counted.
#[derive(Debug)]
pub(crate) struct Ticket {
    at: Timestamp,
    subject: Option<Subject>,
    network: Network,
    door: DoorKind,
    /// How the door's own limit stands, for its headers.
    pub(crate) standing: Option<Standing>,
}

impl Limits {
    pub(crate) fn new(config: &Config) -> Self {
        let shared = config.limits;
        let rocketchat = &config.rocketchat;
        Self {
            account: Gate::new(shared.map(|shared| shared.account)),
            network: Gate::new(shared.map(|shared| shared.network)),
            second_factor: Gate::new(shared.map(|shared| shared.second_factor)),
            zulip_login: Gate::new(config.zulip.login_limit),
            zulip_api: Gate::new(config.zulip.api_limit),
            rocketchat_api: Gate::new(rocketchat.api_limit),
            rocketchat_user: Gate::new(rocketchat.block_by_user),
            rocketchat_address: Gate::new(rocketchat.block_by_address),
            typed_name_counts: config.zulip.exact.has(ExactPoint::LimitByTypedName),
        }
    }

    /// Reserves a try of everything that counts this attempt, or of nothing.
    pub(crate) fn reserve(
        &self,
        attempt: &LoginAttempt,
        now: Timestamp,
    ) -> Result<Ticket, (Refusal, Option<Standing>)> {
        let mut ticket = Ticket {
            at: now,
            subject: self.subject(attempt),
            network: attempt.peer.network(),
            door: attempt.door,
            standing: None,
        };
        let by_account = |standing: Standing| Refusal::AccountLimited {
            retry_after: standing.retry_after.unwrap_or_default(),
        };
        let by_network = |standing: Standing| Refusal::NetworkLimited {
            retry_after: standing.retry_after.unwrap_or_default(),
        };

        // Each step that refuses gives back what the steps before it reserved.
        if let Some(refused) = self.network.refuses(&ticket.network, now) {
            return Err((by_network(refused), None));
        }
        let shared = self.shared_subject(&ticket, attempt);
        if let Some(refused) = shared.as_ref().and_then(|subject| self.account.refuses(subject, now)) {
            self.network.give_back(&ticket.network, now);
            return Err((by_account(refused), None));
        }
        let undo_shared = || {
            self.network.give_back(&ticket.network, now);
            if let Some(subject) = &shared {
                self.account.give_back(subject, now);
            }
        };
        match attempt.door {
            DoorKind::Zulip => {
                let standing =
                    ticket.subject.as_ref().and_then(|subject| self.zulip_login.reserve(subject, now));
                if let Some(standing) = standing.filter(|standing| standing.retry_after.is_some()) {
                    undo_shared();
                    return Err((by_account(standing), Some(standing)));
                }
                ticket.standing = standing;
            }
            DoorKind::RocketChat => {
                if let Some(refused) = self.rocketchat_address.refuses(&ticket.network, now) {
                    undo_shared();
                    return Err((by_network(refused), None));
                }
                let refused =
                    ticket.subject.as_ref().and_then(|subject| self.rocketchat_user.refuses(subject, now));
                if let Some(refused) = refused {
                    undo_shared();
                    self.rocketchat_address.give_back(&ticket.network, now);
                    return Err((by_account(refused), None));
                }
            }
            _ => {}
        }
        Ok(ticket)
    }

    /// After a success: the try is uncounted, and the doors' own limits begin anew, as documented.
    pub(crate) fn succeeded(&self, ticket: &Ticket, attempt: &LoginAttempt) {
        self.give_back(ticket, attempt);
        if let Some(subject) = &ticket.subject {
            match ticket.door {
                DoorKind::Zulip => self.zulip_login.clear(subject),
                DoorKind::RocketChat => self.rocketchat_user.clear(subject),
                _ => {}
            }
        }
    }

    /// The attempt was no try after all: a second factor is asked for, or it could not be judged.
    pub(crate) fn give_back(&self, ticket: &Ticket, attempt: &LoginAttempt) {
        self.network.give_back(&ticket.network, ticket.at);
        if let Some(subject) = self.shared_subject(ticket, attempt) {
            self.account.give_back(&subject, ticket.at);
        }
        match (ticket.door, &ticket.subject) {
            (DoorKind::Zulip, Some(subject)) => self.zulip_login.give_back(subject, ticket.at),
            (DoorKind::RocketChat, subject) => {
                self.rocketchat_address.give_back(&ticket.network, ticket.at);
                if let Some(subject) = subject {
                    self.rocketchat_user.give_back(subject, ticket.at);
                }
            }
            _ => {}
        }
    }

    /// Counts a call with a Zulip key.
    pub(crate) fn zulip_call(&self, user: UserId, now: Timestamp) -> Option<Standing> {
        self.zulip_api.reserve(&user, now)
    }

    /// Counts a call of a Rocket.Chat route.
    pub(crate) fn rocketchat_call(
        &self,
        route: &'static str,
        peer: &Peer,
        now: Timestamp,
    ) -> Option<Standing> {
        self.rocketchat_api.reserve(&(route, peer.network()), now)
    }

    /// Reserves a try at a second factor; `false` when there were too many.
    pub(crate) fn reserve_second_factor(&self, user: UserId, now: Timestamp) -> bool {
        self.second_factor.refuses(&user, now).is_none()
    }

    /// The second factor was right.
    pub(crate) fn second_factor_passed(&self, user: UserId, at: Timestamp) {
        self.second_factor.give_back(&user, at);
    }

    /// Whom the door's own limit counts: nobody where no name is given.
    fn subject(&self, attempt: &LoginAttempt) -> Option<Subject> {
        let who = named(&attempt.proof)?;
        if attempt.door == DoorKind::Zulip && self.typed_name_counts {
            return Some(Subject::Typed(short(who.typed())));
        }
        Some(account(attempt, who))
    }

    /// The shared limiter always counts by account and network.
    fn shared_subject(&self, ticket: &Ticket, attempt: &LoginAttempt) -> Option<Subject> {
        match &ticket.subject {
            Some(Subject::Typed(_)) => named(&attempt.proof).map(|who| account(attempt, who)),
            other => other.clone(),
        }
    }
}

impl<K: Clone + Eq + Hash> Gate<K> {
    fn new(rule: Option<Rule>) -> Self {
        Self(rule.map(|rule| Mutex::new(Limiter::new(rule, CAPACITY))))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Limiter<K>) -> T) -> Option<T> {
        // A panic while counting leaves counts that are still sound.
        self.0.as_ref().map(|limiter| act(&mut limiter.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    fn reserve(&self, key: &K, now: Timestamp) -> Option<Standing> {
        self.with(|limiter| limiter.reserve(key, now))
    }

    /// Reserves, and gives the standing when that was refused.
    fn refuses(&self, key: &K, now: Timestamp) -> Option<Standing> {
        self.reserve(key, now).filter(|standing| standing.retry_after.is_some())
    }

    fn give_back(&self, key: &K, at: Timestamp) {
        self.with(|limiter| limiter.give_back(key, at));
    }

    fn clear(&self, key: &K) {
        self.with(|limiter| limiter.clear(key));
    }
}

fn named(proof: &Proof) -> Option<&Identifier> {
    match proof {
        Proof::Password { who, .. } | Proof::Digest { who, .. } => Some(who),
        _ => None,
    }
}

fn account(attempt: &LoginAttempt, who: &Identifier) -> Subject {
    let (kind, typed) = match who {
        Identifier::Name { kind, typed } => (Some(*kind), typed.trim()),
        other => (None, other.typed()),
    };
    Subject::Account {
        realm: attempt.realm,
        kind,
        name: short(&fold(typed)),
        network: attempt.peer.network(),
    }
}

/// Names are as long as the client likes; keys are not.
fn short(name: &str) -> [u8; 32] {
    *digest(name).as_bytes()
}

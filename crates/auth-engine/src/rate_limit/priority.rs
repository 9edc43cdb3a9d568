//! How soon a password is hashed: an account under attack comes later, but for client keys that it has logged in from.
//!
//! No attempt is refused here. The order in which the pool works depends on it, and so does the share of wrong codes that
//! is left for a client (`wrong_codes.rs`). Names that no account has count like those of accounts, so that the order
//! doesn't tell which accounts exist.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{Account, ClientKey, Clock, Identifier, KNOWN_CLIENTS, Quota, RateLimiter, RealmId, UserId};
use auth_crypto::pool::{JobClass, Priority};

use super::subject::NameKey;

/// With so many failures, from whatever client keys, an account counts as under attack.
const ATTACK: Quota = Quota { attempts: 20, window: Duration::from_secs(15 * 60) };

/// Names and accounts whose failures are counted at a time: at most some 20 MiB.
const COUNTED: usize = 32_768;

/// Pairs of an account and a client key in one generation: at most some 6 MiB in both.
const GENERATION: usize = 32_768;

/// How many pairs of an account and a client key are learnt from the store's log at the start: at most some 200 KiB.
pub(crate) const KNOWN_PAIRS: u32 = 4096;

/// How many of the newest attempts in the store's log are read for them, so that no log makes the start slow.
pub(crate) const KNOWN_WITHIN: u32 = 200_000;

/// Failures by account, and client keys by the accounts that have logged in from them. Bounded, and gone with the process,
/// but for what the attempt log tells the next one.
pub(crate) struct Priorities {
    clock: Arc<dyn Clock>,
    failures: Mutex<RateLimiter<Target>>,
    familiar: Mutex<Generations>,
}

/// The account or name that an attempt is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Target {
    Account(UserId),
    Name(NameKey),
}

/// A set that forgets the pairs that were not asked for during one generation. An account has [`KNOWN_CLIENTS`] in each at
/// most, and forgets its own oldest for more.
#[derive(Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

/// Pairs of an account and a client key.
#[derive(Default)]
struct Generation {
    pairs: usize,
    /// By account, the oldest first.
    clients: HashMap<UserId, VecDeque<ClientKey>>,
}

impl Priorities {
    /// Begins with the accounts and client keys that the log tells, the newest first.
    pub(crate) fn new(clock: Arc<dyn Clock>, known: &[(UserId, ClientKey)]) -> Self {
        let failures = Mutex::new(RateLimiter::new(ATTACK, COUNTED));
        let new = Self { clock, failures, familiar: Mutex::default() };
        for (user, client) in known.iter().rev() {
            new.logged_in(*user, *client);
        }
        new
    }

    /// Notes a login that succeeded.
    pub(crate) fn logged_in(&self, user: UserId, client: ClientKey) {
        lock(&self.familiar).add((user, client));
    }

    /// Whether an account has logged in from a client key, as far as is remembered.
    pub(crate) fn is_familiar(&self, user: UserId, client: ClientKey) -> bool {
        lock(&self.familiar).contains((user, client))
    }

    /// Notes a login that failed.
    pub(crate) fn failed(&self, realm: RealmId, who: &Identifier, account: Option<&Account>) {
        lock(&self.failures).count(&target(realm, who, account), self.clock.now());
    }

    /// The class of the hashing job of an attempt.
    pub(crate) fn job_class(
        &self,
        realm: RealmId,
        who: &Identifier,
        account: Option<&Account>,
        client: ClientKey,
    ) -> JobClass {
        let is_familiar = account.is_some_and(|account| self.is_familiar(account.user.id, client));
        let priority = if is_familiar {
            Priority::Familiar
        } else if lock(&self.failures).is_closed(&target(realm, who, account), self.clock.now()) {
            Priority::Suspect
        } else {
            Priority::Usual
        };
        JobClass { client_key: client, priority }
    }
}

impl Generations {
    fn add(&mut self, pair: (UserId, ClientKey)) {
        if self.young.pairs >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.add(pair);
    }

    fn contains(&mut self, pair: (UserId, ClientKey)) -> bool {
        if self.young.contains(pair) {
            return true;
        }
        let is_old = self.old.contains(pair);
        if is_old {
            self.add(pair);
        }
        is_old
    }
}

impl Generation {
    fn add(&mut self, (user, client): (UserId, ClientKey)) {
        let own = self.clients.entry(user).or_default();
        if own.contains(&client) {
            return;
        }
        own.push_back(client);
        if own.len() > KNOWN_CLIENTS {
            own.pop_front();
        } else {
            self.pairs += 1;
        }
    }

    fn contains(&self, (user, client): (UserId, ClientKey)) -> bool {
        self.clients.get(&user).is_some_and(|own| own.contains(&client))
    }
}

fn target(realm: RealmId, who: &Identifier, account: Option<&Account>) -> Target {
    if let Some(account) = account {
        return Target::Account(account.user.id);
    }
    Target::Name(NameKey::new(realm, who))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is left after a panic is still sound: it is forgotten at times anyway.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use auth_core::testing::UserBuilder;
    use auth_core::{ManualClock, Timestamp};

    use super::*;

    const REALM: RealmId = RealmId::from_bytes([1; 16]);

    fn client(last: u8) -> ClientKey {
        ClientKey::of([192, 0, 2, last].into())
    }

    fn priorities(known: &[(UserId, ClientKey)]) -> (Priorities, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_700_000_000)));
        (Priorities::new(Arc::clone(&clock) as _, known), clock)
    }

    #[test]
    fn many_failures_make_a_name_suspect_until_they_are_old() {
        let (priorities, clock) = priorities(&[]);
        let who = Identifier::user_name("Iago ");
        let asked = |name: &str| {
            let who = Identifier::user_name(name);
            priorities.job_class(REALM, &who, None, client(1)).priority
        };
        for _ in 0..20 {
            assert_eq!(asked("iago"), Priority::Usual);
            priorities.failed(REALM, &who, None);
        }
        assert_eq!((asked("IAGO"), asked("hamlet")), (Priority::Suspect, Priority::Usual));
        clock.advance(ATTACK.window + Duration::from_millis(1));
        assert_eq!(asked("iago"), Priority::Usual);
    }

    #[test]
    fn failures_of_an_account_count_under_all_its_names_and_spare_the_clients_that_it_knows() {
        let (priorities, _) = priorities(&[]);
        let account = UserBuilder::new("iago").email("iago@zulip.com").account();
        let (name, address) = (Identifier::user_name("iago"), Identifier::email("iago@zulip.com"));
        let asked = |who, from| priorities.job_class(REALM, who, Some(&account), client(from));
        for _ in 0..20 {
            priorities.failed(REALM, &name, Some(&account));
        }
        assert_eq!(asked(&address, 1), JobClass { client_key: client(1), priority: Priority::Suspect });
        assert_eq!(priorities.job_class(REALM, &name, None, client(1)).priority, Priority::Usual);
        priorities.logged_in(account.user.id, client(1));
        assert_eq!(asked(&address, 1).priority, Priority::Familiar);
        assert_eq!(asked(&address, 2).priority, Priority::Suspect);
    }

    #[test]
    fn what_was_granted_before_the_start_is_known_from_the_log() {
        let (priorities, _) = priorities(&[(UserId::from_bytes([1; 16]), client(1))]);
        for (user, from, known) in [(1, 1, true), (1, 2, false), (2, 2, false)] {
            let pair = (UserId::from_bytes([user; 16]), client(from));
            assert_eq!(lock(&priorities.familiar).contains(pair), known);
        }
    }

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let mut generations = Generations::default();
        let pair = |number: u32| {
            let [a, b, c, d] = number.to_be_bytes();
            let mut user = [7; 16];
            user[..4].copy_from_slice(&[a, b, c, d & 0xf0]);
            (UserId::from_bytes(user), ClientKey::of([a, b, c, d].into()))
        };
        for number in 0..200_000 {
            generations.add(pair(number));
            assert!(generations.contains(pair(0)), "asked for again and again");
            for generation in [&generations.young, &generations.old] {
                assert!(generation.pairs <= GENERATION);
            }
        }
        for generation in [&generations.young, &generations.old] {
            assert_eq!(generation.pairs, generation.clients.values().map(VecDeque::len).sum::<usize>());
        }
        assert!(!generations.contains(pair(1)));
    }

    #[test]
    fn an_account_with_many_clients_forgets_its_own_and_nobody_elses() {
        let mut generations = Generations::default();
        let (iago, hamlet) = (UserId::from_bytes([1; 16]), UserId::from_bytes([2; 16]));
        let from = |number: u16| {
            let [high, low] = number.to_be_bytes();
            ClientKey::of([192, 0, high, low].into())
        };
        generations.add((hamlet, from(0)));
        for number in 0..60_000 {
            // Twice is as once.
            generations.add((iago, from(number)));
            generations.add((iago, from(number)));
        }
        assert!(generations.contains((hamlet, from(0))));
        assert_eq!(generations.young.pairs, 1 + KNOWN_CLIENTS);
        assert!(generations.contains((iago, from(60_000 - 64))));
        assert!(!generations.contains((iago, from(60_000 - 65))));
    }
}

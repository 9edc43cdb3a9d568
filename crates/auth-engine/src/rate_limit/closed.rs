//! Limits that let nothing through now: seen and lifted by operators.

use std::collections::BTreeMap;

use auth_core::{ChangeListener, Digest, StoreError, Timestamp, User, UserId};

use super::reservation::Counter;
use super::shared::AttemptLimits;
use super::subject::Subject;

/// The most limits that are listed.
const MOST: u32 = 1000;

/// The most accounts whose limits are to be lifted here too. The counts of further ones end by themselves.
const MOST_LIFTED: usize = 1000;

/// A limit that lets nothing through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever shows limits takes it apart")]
pub struct ClosedLimit {
    /// By which [`AttemptLimits::lift`] lifts it.
    pub key: Digest,
    /// What it counts, for people to read.
    pub label: String,
    /// The account that it counts, where it is known.
    pub user: Option<UserId>,
    /// The name that was typed, cut to 64 bytes, where a name is counted at this server. It may be a password that was typed
    /// in the wrong field.
    pub name: Option<String>,
    /// Until when it lets nothing through.
    pub until: Timestamp,
}

impl AttemptLimits {
    /// The limits that let nothing through now, of this server and of all servers of the store: those that end first come
    /// first, up to a thousand.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell.
    pub async fn closed(&self) -> Result<Vec<ClosedLimit>, StoreError> {
        let now = self.clock.now();
        let mut closed = BTreeMap::new();
        for full in self.store.full_counters(now, None, MOST).await? {
            let counter = full.counter;
            let limit = ClosedLimit {
                key: counter.key,
                label: counter.label,
                user: counter.user,
                name: None,
                until: full.until,
            };
            closed.insert(*counter.key.as_bytes(), limit);
        }
        for (scope, limiter) in self.local().limiters() {
            for (subject, until) in limiter.with(|limiter| limiter.closed(now)).unwrap_or_default() {
                let name = subject.typed_name().map(str::to_owned);
                let counter = Counter { scope, subject };
                let (key, user) = (counter.key(), counter.subject.user());
                let until =
                    closed.get(key.as_bytes()).map_or(until, |shared: &ClosedLimit| shared.until.max(until));
                closed
                    .insert(*key.as_bytes(), ClosedLimit { key, label: counter.label(), user, name, until });
            }
        }
        let mut closed: Vec<ClosedLimit> = closed.into_values().collect();
        closed.sort_by(|a, b| a.until.cmp(&b.until).then_with(|| a.label.cmp(&b.label)));
        closed.truncate(MOST as usize);
        Ok(closed)
    }

    /// Forgets what a limit has counted, at this server and in the store; `false` when it has counted nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't.
    pub async fn lift(&self, key: &Digest) -> Result<bool, StoreError> {
        let mut is_lifted = self.store.forget_counter(key).await?;
        for (scope, limiter) in self.local().limiters() {
            let is_meant = |subject: &Subject| Counter { scope, subject: subject.clone() }.key() == *key;
            is_lifted |= limiter.with(|limiter| limiter.clear_where(is_meant)).unwrap_or_default() > 0;
        }
        Ok(is_lifted)
    }

    /// Forgets what was counted of an account, whatever the name, the client and the protocol, at this server and in the store;
    /// gives the number of limits. Other servers of the store forget what they counted within a second or so. What was counted
    /// of a client stays.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't.
    pub async fn lift_all_of(&self, user: &User) -> Result<u64, StoreError> {
        let shared = self.store.forget_counters_of(user.id).await?;
        Ok(shared + self.lift_here(user).await?)
    }

    /// Forgets what this server counted of the accounts whose limits another one lifted. To be called every second or so.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't tell of the accounts: they are left for the next call.
    pub async fn follow_lifted(&self) -> Result<(), StoreError> {
        loop {
            let next = self.lifted_elsewhere().first().copied();
            let Some(user) = next else { return Ok(()) };
            if let Some(account) = self.store.user(user).await? {
                self.lift_here(&account.user).await?;
            }
            self.lifted_elsewhere().retain(|other| *other != user);
        }
    }

    async fn lift_here(&self, user: &User) -> Result<u64, StoreError> {
        let (mut lifted, mut names) = (0, Vec::new());
        for (scope, limiter) in self.local().limiters() {
            let is_meant = |subject: &Subject| {
                let is_meant = subject.is_of(user);
                // Of a name, the store knows no account.
                if is_meant && subject.user().is_none() {
                    names.push(Counter { scope, subject: subject.clone() }.key());
                }
                is_meant
            };
            lifted += limiter.with(|limiter| limiter.clear_where(is_meant)).unwrap_or_default() as u64;
        }
        for key in names {
            self.store.forget_counter(&key).await?;
        }
        Ok(lifted)
    }
}

impl ChangeListener for AttemptLimits {
    fn changed(&self, _user: UserId) {}

    fn limits_lifted(&self, user: UserId) {
        let mut lifted = self.lifted_elsewhere();
        if lifted.len() < MOST_LIFTED && !lifted.contains(&user) {
            lifted.push(user);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_core::ManualClock;
    use auth_core::testing::MemoryStore;

    use super::*;
    use crate::network_rules::NetworkRules;
    use crate::rate_limit::local::LocalLimits;
    use crate::rules::RuleSet;
    use crate::testing::{START, limited};

    #[test]
    fn accounts_whose_limits_were_lifted_are_kept_once_each_and_a_thousand_at_most() {
        let (config, store, clock) =
            (limited(), Arc::new(MemoryStore::new()), Arc::new(ManualClock::at(START)));
        let local = LocalLimits::new(&config, &RuleSet::new(&config, Vec::new()));
        let rules = NetworkRules::new(Arc::clone(&store) as _, Arc::clone(&clock) as _);
        let limits = AttemptLimits::new(local, Arc::new(rules), store, clock);
        let user = |number: u128| UserId::from_bytes(number.to_be_bytes());
        for number in [1, 1, 2, 1] {
            limits.limits_lifted(user(number));
        }
        assert_eq!(*limits.lifted_elsewhere(), [user(1), user(2)]);
        for number in 0..2000 {
            limits.limits_lifted(user(number));
        }
        assert_eq!(limits.lifted_elsewhere().len(), 1000);
    }
}

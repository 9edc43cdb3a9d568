//! This server's own counts: an attempt is reserved before anything is known about it, and given back on success.
//!
//! Hard limits are per account and client key, and per client key: no client can lock another one out. Those of the
//! networks around an IPv6 client key are larger, see `networks.rs`. The exceptions are the real systems' own, where the
//! operator asked for them.
//!
//! ```text
//! reserve ── by client key and by the name as typed ──▶ look-up ── identify: by the account ──▶ hash
//! ```
//!
//! So all names of an account share one count, and a name that no account has gets a count of its own; both are refused
//! at the same point when the same name is tried again and again.

use std::time::Duration;

use auth_core::{
    Account, AttemptCounting, ClientKey, CredentialKind, LoginAttempt, Peer, ProtocolName, Quota,
    RateLimitStatus, SecondStep, SharedCounter, Timestamp, UserId,
};
use auth_crypto::opaque::digest;

use super::networks::{self, NetworkLimiters};
use super::optional_limiter::OptionalLimiter;
use super::reservation::{Counter, Limited, Reservation, Scope, Span};
use super::reset_links::ResetLinkLimiters;
use super::subject::Subject;
use super::wrong_codes::WrongCodes;
use crate::config::Config;
use crate::rules::{RESET_LIMIT_BY_TYPED_ADDRESS, RuleSet};

/// Mails of one kind that clients which are not signed in can have sent to one account: its owner's own logins don't count.
const MAILS: Quota = Quota { attempts: 5, window: Duration::from_secs(3600) };

/// Acts that an account can do to itself: each is a row of the audit log, which no ceiling shortens.
const OWN_ACTS: Quota = Quota { attempts: 60, window: Duration::from_secs(3600) };

/// All limiters of one server.
#[derive(Debug)]
pub(crate) struct LocalLimits {
    common: AttemptLimiters,
    networks: NetworkLimiters,
    second_factor: WrongCodes,
    mails: OptionalLimiter<Subject>,
    reset_links: ResetLinkLimiters,
    reset_links_as_typed: bool,
    own_acts: OptionalLimiter<UserId>,
    protocols: Vec<ProtocolLimits>,
}

/// The limiters of attempts: per account, and per client key.
#[derive(Debug)]
struct AttemptLimiters {
    account: OptionalLimiter<Subject>,
    client: OptionalLimiter<Subject>,
}

/// A protocol's own limiters.
#[derive(Debug)]
struct ProtocolLimits {
    protocol: ProtocolName,
    counting: AttemptCounting,
    attempts: AttemptLimiters,
    calls: OptionalLimiter<(&'static str, ClientKey)>,
    user_calls: OptionalLimiter<UserId>,
}

impl LocalLimits {
    pub(crate) fn new(config: &Config, rules: &RuleSet) -> Self {
        let common = config.limits;
        let protocols = rules.iter().map(|rules| {
            let quotas = rules.login_quotas();
            ProtocolLimits {
                protocol: rules.protocol(),
                counting: quotas.counting,
                attempts: AttemptLimiters::new(quotas.account, quotas.client),
                calls: OptionalLimiter::new(rules.call_quota()),
                user_calls: OptionalLimiter::new(rules.user_quota()),
            }
        });
        Self {
            common: AttemptLimiters::new(
                common.map(|common| common.account),
                common.map(|common| common.client),
            ),
            networks: NetworkLimiters::new(common.map(|common| common.client)),
            second_factor: WrongCodes::new(
                common.map(|common| common.second_factor),
                config.rocketchat.totp_delta,
            ),
            mails: OptionalLimiter::new(common.map(|_| MAILS)),
            reset_links: ResetLinkLimiters::new(config.zulip.reset_limits),
            reset_links_as_typed: config.zulip.exact.has(RESET_LIMIT_BY_TYPED_ADDRESS),
            own_acts: OptionalLimiter::new(common.map(|_| OWN_ACTS)),
            protocols: protocols.collect(),
        }
    }

    /// Reserves an attempt at every counter that needs no account, or at none. Where the network of the client is allowed,
    /// neither the client nor the networks around it are counted.
    pub(crate) fn reserve(
        &self,
        attempt: &LoginAttempt,
        is_allowed: bool,
        now: Timestamp,
    ) -> Result<Reservation, Limited> {
        let mut reservation = Reservation::new(now);
        let client = Subject::Client(attempt.peer.client_key());
        let name = Subject::name_of(attempt);
        if !is_allowed {
            self.take(&mut reservation, Counter::common(client.clone()))?;
            for network in networks::around(attempt.peer.client_key()) {
                self.take(&mut reservation, Counter::common(Subject::Network(network)))?;
            }
        }
        if let Some(name) = &name {
            self.take(&mut reservation, Counter::common(name.clone()))?;
        }
        let Some(limits) = self.of(attempt.protocol) else { return Ok(reservation) };
        if limits.counting == AttemptCounting::UserNameAnywhere {
            self.reserve_user_name(limits, &mut reservation, attempt, is_allowed)?;
            return Ok(reservation);
        }
        if !is_allowed {
            self.take(&mut reservation, Counter::of(limits.protocol, client))?;
        }
        let subject = match limits.counting {
            AttemptCounting::TypedName => Subject::typed_of(attempt),
            _ => name,
        };
        if let Some(subject) = subject {
            let status = self.take(&mut reservation, Counter::of(limits.protocol, subject))?;
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
        self.take(&mut more, Counter::common(subject.clone()))?;
        let Some(limits) = self.of(attempt.protocol) else { return Ok(more) };
        match limits.counting {
            AttemptCounting::NameAndAccount => {
                self.take(&mut more, Counter::of(limits.protocol, subject))?;
            }
            AttemptCounting::Name | AttemptCounting::TypedName => {}
            AttemptCounting::UserNameAnywhere => {
                // Counted, but not tested, under the user name of the sender of an address or a code.
                let user_name =
                    Subject::user_name_of(user).map(|subject| Counter::of(limits.protocol, subject));
                if let Some(counter) = user_name.filter(|counter| !reservation.counters.contains(counter)) {
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
        is_allowed: bool,
    ) -> Result<(), Limited> {
        let user_name =
            Subject::typed_user_name_of(attempt).map(|subject| Counter::of(limits.protocol, subject));
        let address = Counter::of(limits.protocol, Subject::Client(attempt.peer.client_key()));
        if !is_allowed && let Err(limited) = self.take(reservation, address.clone()) {
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
            match self.limiter(counter).filter(|_| self.begins_anew(counter)) {
                Some(limiter) => limiter.clear(&counter.subject),
                None => self.uncount(counter, reservation.at),
            }
        }
    }

    /// Whether a success clears a counter: a protocol's own counter of an account, and Rocket.Chat's of an address.
    fn begins_anew(&self, counter: &Counter) -> bool {
        let Scope::Protocol(protocol) = counter.scope else { return false };
        let clears_clients =
            || self.of(protocol).is_some_and(|limits| limits.counting == AttemptCounting::UserNameAnywhere);
        !matches!(counter.subject, Subject::Client(_)) || clears_clients()
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

    /// Reserves an attempt at the second factor of an account, or refuses it. `is_known` says whether the account has logged
    /// in from the client key.
    pub(crate) fn reserve_second_factor(
        &self,
        user: UserId,
        client: ClientKey,
        is_known: bool,
        now: Timestamp,
    ) -> Result<Reservation, Limited> {
        let mut reservation = Reservation::new(now);
        self.take(&mut reservation, Counter::second_factor(Subject::Account(user, client)))?;
        if !is_known {
            self.take(&mut reservation, Counter::second_factor(Subject::Strangers(user)))?;
        }
        self.take(&mut reservation, Counter::second_factor(Subject::Anywhere(user)))?;
        Ok(reservation)
    }

    /// Reserves a mail with a credential of a kind that a client which is not signed in has sent to an account, or refuses it.
    pub(super) fn reserve_mail(
        &self,
        kind: CredentialKind,
        user: UserId,
        now: Timestamp,
    ) -> Result<Reservation, Limited> {
        let mut reservation = Reservation::new(now);
        self.take(&mut reservation, Counter::mail(kind, user))?;
        Ok(reservation)
    }

    /// Reserves a mail to an address that a client asks for, or refuses it. The reservation has the client's limit.
    pub(super) fn reserve_reset_link(
        &self,
        address: &str,
        client: ClientKey,
        now: Timestamp,
    ) -> Result<Reservation, Limited> {
        let mut reservation = Reservation::new(now);
        let address = Subject::address(address, self.reset_links_as_typed);
        self.take(&mut reservation, Counter::reset_links(Span::Hour, address.clone()))?;
        self.take(&mut reservation, Counter::reset_links(Span::Day, address))?;
        let client = Counter::reset_links(Span::Day, Subject::Client(client));
        reservation.status = self.take(&mut reservation, client)?;
        Ok(reservation)
    }

    /// Counts an act of an account on itself; gives the time until it may do another when there were too many.
    pub(crate) fn reserve_own_act(&self, user: UserId, now: Timestamp) -> Option<Duration> {
        self.own_acts.reserve(&user, now)?.retry_after
    }

    /// The longest time for which the store needs to remember an attempt.
    pub(crate) fn longest_window(&self) -> Duration {
        let quotas = [self.common.account.quota(), self.common.client.quota(), self.mails.quota()];
        let windows = quotas.into_iter().flatten().map(|quota| quota.window);
        windows.chain(self.second_factor.window()).chain(self.reset_links.window()).max().unwrap_or_default()
    }

    /// Every limiter of attempts, with the scope of its counters.
    pub(super) fn limiters(&self) -> impl Iterator<Item = (Scope, &OptionalLimiter<Subject>)> {
        let common = [&self.common.account, &self.common.client].into_iter().chain(self.networks.all());
        let protocols = self.protocols.iter().flat_map(|limits| {
            let scope = Scope::Protocol(limits.protocol);
            [(scope, &limits.attempts.account), (scope, &limits.attempts.client)]
        });
        common
            .map(|limiter| (Scope::Common, limiter))
            .chain(self.second_factor.all().map(|limiter| (Scope::SecondFactor, limiter)))
            .chain([(Scope::Mail, &self.mails)])
            .chain(self.reset_links.all().map(|(span, limiter)| (Scope::ResetLinks(span), limiter)))
            .chain(protocols)
    }

    fn of(&self, protocol: ProtocolName) -> Option<&ProtocolLimits> {
        self.protocols.iter().rfind(|limits| limits.protocol == protocol)
    }

    /// The limiter of a counter; `None` for a protocol without limits.
    fn limiter(&self, counter: &Counter) -> Option<&OptionalLimiter<Subject>> {
        let limiters = match counter.scope {
            Scope::Common => &self.common,
            Scope::SecondFactor => return Some(self.second_factor.limiter(&counter.subject)),
            Scope::Mail => return Some(&self.mails),
            Scope::ResetLinks(span) => return Some(self.reset_links.limiter(span, &counter.subject)),
            Scope::Protocol(protocol) => &self.of(protocol)?.attempts,
        };
        match counter.subject {
            Subject::Client(_) => Some(&limiters.client),
            Subject::Network(network) => self.networks.of(network),
            _ => Some(&limiters.account),
        }
    }

    /// A counter as the servers of a store share it; `None` for protocols' own limits, which are not shared.
    pub(super) fn shared(&self, counter: &Counter) -> Option<SharedCounter> {
        let key = digest(&counter.shared_name()?);
        let quota = self.limiter(counter)?.quota()?;
        Some(SharedCounter { key, label: counter.label(), user: counter.subject.user(), quota })
    }

    /// Reserves an attempt at a counter; gives back everything that the reservation holds when that is refused.
    fn take(
        &self,
        reservation: &mut Reservation,
        counter: Counter,
    ) -> Result<Option<RateLimitStatus>, Limited> {
        let now = reservation.at;
        let limiter = self.limiter(&counter);
        let counted = limiter.and_then(|limiter| limiter.reserve(&counter.subject, now));
        // A limit that is switched off counts nothing.
        let Some(status) = counted else { return Ok(None) };
        let Some(retry_after) = status.retry_after else {
            reservation.counters.push(counter);
            return Ok(Some(status));
        };
        self.give_back(reservation);
        let is_told = match (counter.scope, &counter.subject) {
            (Scope::Common | Scope::SecondFactor | Scope::Mail | Scope::ResetLinks(_), _)
            | (_, Subject::Client(_)) => false,
            (Scope::Protocol(protocol), _) => self.of(protocol).is_some_and(ProtocolLimits::tells_status),
        };
        let error = counter.error(retry_after);
        let window = limiter.and_then(OptionalLimiter::quota).map(|quota| quota.window);
        let by = window.map(|window| Box::new((counter, window)));
        Err(Limited { error, status: is_told.then(|| Box::new(status)), by })
    }

    /// Counts an attempt, refused or not.
    fn count(&self, counter: &Counter, now: Timestamp) {
        if let Some(limiter) = self.limiter(counter) {
            limiter.count(&counter.subject, now);
        }
    }

    fn uncount(&self, counter: &Counter, at: Timestamp) {
        if let Some(limiter) = self.limiter(counter) {
            limiter.give_back(&counter.subject, at);
        }
    }
}

impl AttemptLimiters {
    fn new(account: Option<Quota>, client: Option<Quota>) -> Self {
        Self { account: OptionalLimiter::new(account), client: OptionalLimiter::new(client) }
    }
}

impl ProtocolLimits {
    /// Whether clients are told the status of the limit.
    fn tells_status(&self) -> bool {
        matches!(self.counting, AttemptCounting::Name | AttemptCounting::TypedName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CommonQuotas;
    use crate::testing::{config, limited};

    fn longest(config: &Config) -> Duration {
        LocalLimits::new(config, &RuleSet::new(config, Vec::new())).longest_window()
    }

    #[test]
    fn the_store_remembers_attempts_for_the_longest_of_all_windows() {
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(longest(&config()), Duration::ZERO, "nothing is limited");
        assert_eq!(longest(&limited()), day, "wrong codes");
        let quota = Quota { attempts: 1, window: 3 * day };
        let default = CommonQuotas::default();
        for limits in [
            CommonQuotas { account: quota, ..default },
            CommonQuotas { client: quota, ..default },
            CommonQuotas { second_factor: quota, ..default },
        ] {
            assert_eq!(longest(&Config { limits: Some(limits), ..config() }), 3 * day);
        }
    }

    #[test]
    fn each_server_counts_protocols_limits_alone_and_the_common_ones_with_the_others() {
        let mut config = limited();
        config.zulip.login_limit = Some(Quota { attempts: 5, window: Duration::from_secs(60) });
        let limits = LocalLimits::new(&config, &RuleSet::new(&config, Vec::new()));
        let client = ClientKey::of([192, 0, 2, 1].into());
        let user = UserId::from_bytes([7; 16]);
        let account = Subject::Account(user, client);
        let default = CommonQuotas::default();
        for (counter, quota) in [
            (Counter::common(Subject::Client(client)), Some(default.client)),
            (Counter::common(account.clone()), Some(default.account)),
            (Counter::second_factor(account.clone()), Some(default.second_factor)),
            (Counter::mail(CredentialKind::MAILED_CODE, user), Some(MAILS)),
            (Counter::of(ProtocolName::ZULIP, account.clone()), None),
            (Counter::of(ProtocolName::ZETTELSTORE, account), None),
        ] {
            assert_eq!(limits.shared(&counter).map(|shared| shared.quota), quota, "{counter:?}");
        }
    }

    #[test]
    fn shared_counters_tell_whom_they_count_and_never_a_name() {
        let limits = LocalLimits::new(&limited(), &RuleSet::new(&limited(), Vec::new()));
        let client = ClientKey::of("2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap());
        let user = UserId::from_bytes([7; 16]);
        let account = Subject::Account(user, client);
        let secret = Subject::address("hunter2", true);
        for (counter, label, of) in [
            (Counter::common(Subject::Client(client)), "logins: client 2001:db8:1111:2222::/64", None),
            (
                Counter::second_factor(account.clone()),
                "second factors: account from client 2001:db8:1111:2222::/64",
                Some(user),
            ),
            (
                Counter::second_factor(Subject::Strangers(user)),
                "second factors: account from unknown clients",
                Some(user),
            ),
            (Counter::mail(CredentialKind::MAILED_CODE, user), "account, mails with mailed-code", Some(user)),
        ] {
            let shared = limits.shared(&counter).unwrap();
            assert_eq!((shared.label.as_str(), shared.user), (label, of));
        }
        let label = Counter::reset_links(Span::Hour, secret).label();
        assert_eq!(label, "reset links of an hour: address");
    }
}

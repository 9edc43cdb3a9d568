//! The attempt log: one line and one row for each attempt. The refusals of a limit are one sum after the first, and so are
//! the grants without a hash to one user, at one client key and protocol: neither costs the client anything. Nor do client
//! keys: the refusals of an IPv6 /48 are one client's, and a user's grants have one sum for client keys beyond a number.
//! Nothing else writes to it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{
    AttemptRecord, ClientKey, ClientNetwork, Clock, Event, LoginAttempt, LoginError, PasswordString,
    ProtocolName, Quota, RateLimiter, Store, Timestamp, UserId,
};

use super::attempt_counts::{AttemptCount, AttemptCounts};
use super::attempt_sums::{AttemptSums, Counted, Sum};
use crate::rate_limit::networks;
use crate::rate_limit::reservation::Counter;

/// The longest name that is logged, in bytes.
const LONGEST_NAME: usize = 256;

/// Limits and origins whose refusals are summed at a time.
const SUMMED: usize = 4096;

/// Users, client keys and protocols whose grants without a hash are summed at a time.
const SUMMED_GRANTS: usize = 16_384;

/// How many of its client keys a user has rows of its own for.
const OWN_ROWS: Quota = Quota { attempts: 32, window: WINDOW };

/// The outcome of an attempt that succeeded.
const GRANTED: &str = "granted";

/// The window of grants, and of refusals that no limit makes.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Logs attempts.
pub(crate) struct AttemptLog {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Whether names are logged as typed.
    names: bool,
    counts: AttemptCounts,
    refusals: Mutex<AttemptSums<(RefusedBy, Origin)>>,
    grants: Mutex<GrantSums>,
}

/// The sums of grants without a hash.
struct GrantSums {
    sums: AttemptSums<(UserId, ClientKey, ProtocolName)>,
    /// The users' rows that stand for one client key.
    own_rows: RateLimiter<UserId>,
}

/// Where refused attempts come from: the widest network around the client key that is limited as one, if there is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Client(ClientKey),
    Network(ClientNetwork),
}

/// What refused an attempt before anything of it was judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RefusedBy {
    /// A limit, by its counter and its window.
    Limit(Counter, Duration),
    /// A protocol that takes no passwords.
    Protocol(ProtocolName),
}

/// The first refusal of a window, which is to be logged by itself.
#[derive(Debug)]
pub(crate) struct FirstRefusal {
    row: AttemptRecord,
    key: (RefusedBy, Origin),
}

impl RefusedBy {
    /// Whether all attempts that it refuses are of one name or account.
    fn is_of_one_name(&self) -> bool {
        match self {
            Self::Limit(counter, _) => counter.is_of_one_name(),
            Self::Protocol(_) => false,
        }
    }
}

impl AttemptLog {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, names: bool) -> Self {
        let refusals = Mutex::new(AttemptSums::new(SUMMED));
        let grants = Mutex::new(GrantSums {
            sums: AttemptSums::new(SUMMED_GRANTS),
            own_rows: RateLimiter::new(OWN_ROWS, SUMMED_GRANTS),
        });
        Self { store, clock, names, counts: AttemptCounts::default(), refusals, grants }
    }

    /// Logs an attempt that began at `at` and was judged; `password` is the stored one that it was judged by, if any.
    pub(crate) fn record(
        &self,
        attempt: &LoginAttempt,
        user: Option<UserId>,
        password: Option<&PasswordString>,
        refusal: Option<&LoginError>,
        at: Timestamp,
    ) {
        let outcome = refusal.map_or(GRANTED, LoginError::as_str);
        self.counts.add(attempt.protocol, outcome, password);
        self.write(self.row(attempt, user, outcome, at));
    }

    /// The attempts since the start, counted.
    pub(crate) fn counts(&self) -> Vec<AttemptCount> {
        self.counts.all()
    }

    /// Logs an attempt that was granted without a hash, or only counts it.
    pub(crate) fn granted_without_hash(&self, attempt: &LoginAttempt, user: UserId, at: Timestamp) {
        self.counts.add(attempt.protocol, GRANTED, None);
        let mut row = self.row(attempt, Some(user), GRANTED, at);
        let counted = lock(&self.grants).count(user, &mut row);
        self.write_counted(counted, row);
    }

    /// Counts an attempt that was refused before anything of it was judged. What it gives is to be logged by
    /// [`AttemptLog::write_refused`], once it is known whose name it is.
    #[must_use]
    pub(crate) fn refused(
        &self,
        attempt: &LoginAttempt,
        outcome: &'static str,
        by: RefusedBy,
        at: Timestamp,
    ) -> Option<FirstRefusal> {
        let window = match by {
            RefusedBy::Limit(_, window) => window,
            RefusedBy::Protocol(_) => WINDOW,
        };
        self.counts.add(attempt.protocol, outcome, None);
        let row = self.row(attempt, None, outcome, at);
        let origin =
            networks::around(row.client_key).last().map_or(Origin::Client(row.client_key), Origin::Network);
        let key = (by, origin);
        let counted = lock(&self.refusals).count(key.clone(), &row, window);
        counted.ended.into_iter().for_each(|sum| self.write_sum(sum));
        counted.is_first.then_some(FirstRefusal { row, key })
    }

    /// Logs an attempt with a password at a protocol that takes none, or only counts it. Nobody is looked up.
    pub(crate) fn not_offered(&self, attempt: &LoginAttempt, outcome: &'static str, at: Timestamp) {
        let by = RefusedBy::Protocol(attempt.protocol);
        if let Some(first) = self.refused(attempt, outcome, by, at) {
            self.write_refused(first, None);
        }
    }

    /// Logs the first refusal of a window, with the user of its name. Where those after it are of the same name, their sum
    /// has the user too.
    pub(crate) fn write_refused(&self, first: FirstRefusal, user: Option<UserId>) {
        let FirstRefusal { row, key } = first;
        if let Some(user) = user.filter(|_| key.0.is_of_one_name()) {
            lock(&self.refusals).identify(key, user);
        }
        self.write(AttemptRecord { user, ..row });
    }

    /// Logs the sums whose windows are over. To be called every second or so.
    pub(crate) fn write_ended_sums(&self) {
        let now = self.clock.now();
        let mut ended = lock(&self.refusals).take_ended(now);
        ended.extend(lock(&self.grants).sums.take_ended(now));
        ended.into_iter().for_each(|sum| self.write_sum(sum));
    }

    /// Logs all sums: for the end of a server.
    pub(crate) fn write_all_sums(&self) {
        let mut all = lock(&self.refusals).take_all();
        all.extend(lock(&self.grants).sums.take_all());
        all.into_iter().for_each(|sum| self.write_sum(sum));
    }

    fn write_counted(&self, counted: Counted, row: AttemptRecord) {
        counted.ended.into_iter().for_each(|sum| self.write_sum(sum));
        if counted.is_first {
            self.write(row);
        }
    }

    fn row(
        &self,
        attempt: &LoginAttempt,
        user: Option<UserId>,
        outcome: &'static str,
        at: Timestamp,
    ) -> AttemptRecord {
        // A password typed in the wrong field would be kept in clear.
        let typed = attempt.method.who().filter(|_| self.names).map(|who| cut(&who.typed(), LONGEST_NAME));
        AttemptRecord {
            at,
            protocol: attempt.protocol,
            realm: attempt.realm.id,
            user,
            name: typed.unwrap_or_default(),
            client_key: attempt.peer.client_key(),
            outcome: outcome.into(),
        }
    }

    fn write(&self, row: AttemptRecord) {
        // What a client has typed stands last: programs that ban clients read the line from its beginning.
        tracing::info!(
            target: "auth::attempt",
            event = Event::of_outcome(&row.outcome).as_str(),
            client = %row.client_key,
            protocol = row.protocol.as_str(),
            outcome = row.outcome.as_ref(),
            user = row.user.map(|user| user.to_string()),
            ms = i64::try_from(self.clock.now().since(row.at).as_millis()).unwrap_or(i64::MAX),
            name = Some(row.name.as_str()).filter(|name| !name.is_empty()),
            "login attempt"
        );
        self.store.record(row);
    }

    fn write_sum(&self, sum: Sum) {
        let (count, outcome) = (sum.count, sum.outcome().to_owned());
        let row = sum.row();
        tracing::info!(
            target: "auth::attempt",
            event = Event::LoginsSummed.as_str(),
            client = %row.client_key,
            protocol = row.protocol.as_str(),
            outcome,
            user = row.user.map(|user| user.to_string()),
            count,
            "further login attempts"
        );
        self.store.record(row);
    }
}

impl GrantSums {
    /// Counts a grant to a user, from anywhere if the user has too many client keys of late.
    fn count(&mut self, user: UserId, row: &mut AttemptRecord) -> Counted {
        let is_open = self.sums.is_open((user, row.client_key, row.protocol), row.at);
        if !is_open && self.own_rows.reserve(&user, row.at).retry_after.is_some() {
            row.client_key = ClientKey::default();
        }
        self.sums.count((user, row.client_key, row.protocol), row, WINDOW)
    }
}

impl fmt::Debug for AttemptLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLog").field("names", &self.names).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while counting leaves counts that are still sound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The start of a text, at most `bytes` long.
fn cut(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default().to_owned()
}

//! The attempt log: one line and one row for each attempt. Nothing else writes to it.

use std::fmt;
use std::sync::Arc;

use auth_core::{AttemptRecord, Clock, LoginAttempt, Store, Timestamp, UserId};

/// The longest name that is logged, in bytes.
const LONGEST_NAME: usize = 256;

/// Logs attempts.
pub(crate) struct AttemptLog {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Whether names are logged as typed.
    names: bool,
}

impl AttemptLog {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, names: bool) -> Self {
        Self { store, clock, names }
    }

    /// Logs an attempt that began at `at`. `outcome` is `granted`, or the refusal in a word.
    pub(crate) fn record(
        &self,
        attempt: &LoginAttempt,
        user: Option<UserId>,
        outcome: &'static str,
        at: Timestamp,
    ) {
        // A password typed in the wrong field would be kept in clear.
        let typed = attempt.method.who().filter(|_| self.names).map(|who| cut(&who.typed(), LONGEST_NAME));
        let client = attempt.peer.client_key();
        tracing::info!(
            target: "auth::attempt",
            protocol = attempt.protocol.as_str(),
            outcome,
            user = user.map(|user| user.to_string()),
            name = typed.as_deref(),
            %client,
            ms = i64::try_from(self.clock.now().since(at).as_millis()).unwrap_or(i64::MAX),
            "login attempt"
        );
        self.store.record(AttemptRecord {
            at,
            protocol: attempt.protocol,
            realm: attempt.realm.id,
            user,
            name: typed.unwrap_or_default(),
            client_key: client,
            outcome: outcome.into(),
        });
    }
}

impl fmt::Debug for AttemptLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AttemptLog").field("names", &self.names).finish_non_exhaustive()
    }
}

/// The start of a text, at most `bytes` long.
fn cut(text: &str, bytes: usize) -> String {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default().to_owned()
}

//! Counts of attempts since the start, by protocol, outcome and scheme, for metrics. The attempt log has the attempts
//! themselves.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use auth_core::{PasswordString, ProtocolName};
use auth_crypto::password::StoredPassword;

/// The scheme of an attempt that no stored password was asked for, or that named an account without one.
const NO_SCHEME: &str = "none";

/// How many attempts of a kind there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a plain count")]
pub struct AttemptCount {
    /// The protocol by which they were made.
    pub protocol: ProtocolName,
    /// What became of them, in the words of the attempt log.
    pub outcome: &'static str,
    /// The scheme of the stored password; `none` where none was asked for or stored.
    pub scheme: &'static str,
    /// How many.
    pub attempts: u64,
}

/// The counts. Their number is bounded by the code: none of the labels is typed by a client.
#[derive(Debug, Default)]
pub(crate) struct AttemptCounts(Mutex<BTreeMap<(ProtocolName, &'static str, &'static str), u64>>);

impl AttemptCounts {
    /// Counts an attempt; `password` is the stored one that it was judged by, if any.
    pub(crate) fn add(
        &self,
        protocol: ProtocolName,
        outcome: &'static str,
        password: Option<&PasswordString>,
    ) {
        let stored = password.and_then(|password| StoredPassword::parse(password).ok());
        let scheme = stored.map_or(NO_SCHEME, |stored| stored.scheme());
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((protocol, outcome, scheme)).or_default() += 1;
    }

    /// All counts.
    pub(crate) fn all(&self) -> Vec<AttemptCount> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |(&(protocol, outcome, scheme), &attempts): (&_, &_)| AttemptCount {
            protocol,
            outcome,
            scheme,
            attempts,
        };
        counts.iter().map(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_the_scheme_of_the_stored_password() {
        let counts = AttemptCounts::default();
        let bcrypt = PasswordString::new("$2a$04$zVHmKQtGGQob.b/Nc7l9NO8UlrYcW05FiuCj/SxsFO/ZtiN9.mNzy");
        let unusable = PasswordString::new("!");
        for password in [Some(&bcrypt), Some(&unusable), None, Some(&bcrypt)] {
            counts.add(ProtocolName::ZULIP, "wrong-password", password);
        }
        let counted: Vec<_> = counts.all().into_iter().map(|count| (count.scheme, count.attempts)).collect();
        assert_eq!(counted, [("bcrypt", 2), ("none", 2)]);
    }
}

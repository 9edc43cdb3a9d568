//! What one attempt has reserved, and what refuses it.

use std::time::Duration;

use auth_core::{CredentialKind, Digest, LoginError, ProtocolName, RateLimitStatus, Timestamp, UserId};
use auth_crypto::opaque::digest;

use super::subject::Subject;

/// Whose limits a counter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// The limits that are common to all protocols.
    Common,
    /// The limits of wrong second factors.
    SecondFactor,
    /// The limit of mails of one kind to an account.
    Mail,
    /// The limits of links for new passwords that are asked for by address, over a time.
    ResetLinks(Span),
    /// A protocol's own limits.
    Protocol(ProtocolName),
}

/// A time over which links are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Span {
    Hour,
    Day,
}

/// A counter: a subject at one of the limits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Counter {
    pub(super) scope: Scope,
    pub(super) subject: Subject,
}

impl Counter {
    /// Whether all attempts that it counts are of one name or account.
    pub(crate) fn is_of_one_name(&self) -> bool {
        self.subject.is_one_name()
    }

    pub(super) fn common(subject: Subject) -> Self {
        Self { scope: Scope::Common, subject }
    }

    pub(super) fn second_factor(subject: Subject) -> Self {
        Self { scope: Scope::SecondFactor, subject }
    }

    pub(super) fn mail(kind: CredentialKind, user: UserId) -> Self {
        Self { scope: Scope::Mail, subject: Subject::Mail(kind, user) }
    }

    pub(super) fn reset_links(span: Span, subject: Subject) -> Self {
        Self { scope: Scope::ResetLinks(span), subject }
    }

    pub(super) fn of(protocol: ProtocolName, subject: Subject) -> Self {
        Self { scope: Scope::Protocol(protocol), subject }
    }

    /// The name under which the servers of a store count together; `None` where each server counts alone.
    pub(super) fn shared_name(&self) -> Option<String> {
        let subject = self.subject.shared_name()?;
        match self.scope {
            Scope::Common | Scope::Mail => Some(subject),
            Scope::SecondFactor => Some(format!("second factor {subject}")),
            Scope::ResetLinks(Span::Hour) => Some(format!("reset links of an hour {subject}")),
            Scope::ResetLinks(Span::Day) => Some(format!("reset links of a day {subject}")),
            Scope::Protocol(_) => None,
        }
    }

    /// The key by which operators name the counter: the store's, where the servers of a store count together.
    pub(super) fn key(&self) -> Digest {
        match self.shared_name() {
            Some(name) => digest(&name),
            None => digest(&format!("{:?} {:?}", self.scope, self.subject)),
        }
    }

    /// What the counter counts, for people to read: at most 200 bytes.
    pub(super) fn label(&self) -> String {
        let subject = self.subject.label();
        match self.scope {
            Scope::Common => format!("logins: {subject}"),
            Scope::SecondFactor => format!("second factors: {subject}"),
            Scope::Mail => subject,
            Scope::ResetLinks(Span::Hour) => format!("reset links of an hour: {subject}"),
            Scope::ResetLinks(Span::Day) => format!("reset links of a day: {subject}"),
            Scope::Protocol(protocol) => format!("{protocol}: {subject}"),
        }
    }

    /// The error for an attempt that the counter refuses.
    pub(super) fn error(&self, retry_after: Duration) -> LoginError {
        match self.subject {
            Subject::Client(_) | Subject::Network(_) => LoginError::ClientLimited { retry_after },
            _ => LoginError::AccountLimited { retry_after },
        }
    }
}

/// What one attempt has reserved. Dropped, it stays counted.
#[derive(Debug)]
pub(crate) struct Reservation {
    /// When the attempt was made.
    pub(super) at: Timestamp,
    /// The counters of this server.
    pub(super) counters: Vec<Counter>,
    /// The counters that the store has counted too, by the store's names for them.
    pub(super) shared: Vec<(Digest, Counter)>,
    /// The protocol's own limit after this attempt, for its headers.
    pub(crate) status: Option<RateLimitStatus>,
}

/// A refused reservation.
#[derive(Debug)]
pub(crate) struct Limited {
    pub(crate) error: LoginError,
    /// The protocol's own limit, where that one refused.
    pub(crate) status: Option<Box<RateLimitStatus>>,
    /// The counter that refused, and its window; `None` where the store could not be asked.
    pub(crate) by: Option<Box<(Counter, Duration)>>,
}

impl Reservation {
    pub(super) fn new(at: Timestamp) -> Self {
        Self { at, counters: Vec::with_capacity(6), shared: Vec::new(), status: None }
    }

    /// Takes over what another reservation of the same attempt holds.
    pub(super) fn join(&mut self, other: Self) {
        self.counters.extend(other.counters);
        self.shared.extend(other.shared);
    }
}

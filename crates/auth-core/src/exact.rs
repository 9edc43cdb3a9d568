//! Points in which the real systems are careless. By default the answer is the safe one; `exact = true`, or a
//! list of the names here, gives the real one. A point changes bytes and the order of refusals, never the work
//! done, who is believed, or what is logged.

/// One careless point of a real system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ExactPoint {
    /// Zulip tells a deactivated account or realm before the password is known to be right.
    StateBeforePassword,
    /// Zulip counts log-in tries by the name as typed, so another spelling is another count.
    LimitByTypedName,
    /// Zulip answers 500 to an assertion whose claim has the wrong type.
    AssertionTypeError,
    /// Zulip takes assertions that never end.
    AssertionWithoutEnd,
    /// Rocket.Chat answers 500 to a log-in body of the wrong types.
    IllTypedBody,
    /// Rocket.Chat lets a TOTP code be used again in its window.
    CodeReplay,
    /// Rocket.Chat blocks by user name whatever the network, but not who sends an address or a code, and counts
    /// the tries that a blocked address is refused.
    BlockByTypedName,
    /// Rocket.Chat answers unknown paths with its router's text.
    UnknownPathText,
    /// Rocket.Chat tells an account of the directory that the local password it sent is right, but of no use:
    /// also while the directory can't be reached.
    LocalPasswordForbidden,
}

impl ExactPoint {
    /// Every point: the protocol it belongs to and its name in configuration.
    pub const ALL: [(Self, crate::ProtocolName, &'static str); 9] = {
        use crate::ProtocolName::{RocketChat, Zulip};
        [
            (Self::StateBeforePassword, Zulip, "state-before-password"),
            (Self::LimitByTypedName, Zulip, "limit-by-typed-name"),
            (Self::AssertionTypeError, Zulip, "assertion-type-error"),
            (Self::AssertionWithoutEnd, Zulip, "assertion-without-end"),
            (Self::IllTypedBody, RocketChat, "ill-typed-body"),
            (Self::CodeReplay, RocketChat, "code-replay"),
            (Self::BlockByTypedName, RocketChat, "block-by-typed-name"),
            (Self::UnknownPathText, RocketChat, "unknown-path-text"),
            (Self::LocalPasswordForbidden, RocketChat, "local-password-forbidden"),
        ]
    };
}

/// The points in which a protocol answers as carelessly as the real system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exact(Vec<ExactPoint>);

impl Exact {
    /// All points of all protocols.
    #[must_use]
    pub fn all() -> Self {
        Self(ExactPoint::ALL.iter().map(|(point, ..)| *point).collect())
    }

    /// The points given.
    #[must_use]
    pub fn only(points: impl IntoIterator<Item = ExactPoint>) -> Self {
        Self(points.into_iter().collect())
    }

    /// Whether a point is switched on.
    #[must_use]
    pub fn has(&self, point: ExactPoint) -> bool {
        self.0.contains(&point)
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

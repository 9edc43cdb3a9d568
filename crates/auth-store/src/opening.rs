//! What opening a store may do to it, and what it then leaves to the next opening.

/// What opening a store may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Create it, or bring its schema up to date.
    Create,
    /// Bring its schema up to date. It must exist.
    Upgrade,
    /// Nothing. It must exist.
    Unchanged,
    /// Create it, or bring its schema up to date, as the target of a copy.
    Copy,
}

impl Opening {
    /// Whether a store that is missing is created.
    pub(crate) fn creates(self) -> bool {
        matches!(self, Self::Create | Self::Copy)
    }
}

/// An upgrade of the schema that an opening has left to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an upgrade leads from one version to another")]
pub struct PendingUpgrade {
    /// The version that the schema is of.
    pub from: usize,
    /// The version that the next opening brings it to.
    pub to: usize,
}

impl PendingUpgrade {
    /// The upgrade from the version that was found, if that is not the latest.
    pub(crate) fn of(found: usize, latest: usize) -> Option<Self> {
        (found < latest).then_some(Self { from: found, to: latest })
    }
}

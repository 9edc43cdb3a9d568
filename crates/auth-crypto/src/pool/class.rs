//! The class of a job: the client it is charged to, and its priority.

use auth_core::ClientKey;

/// The class of a job: the client whose share of the pool it uses, and its priority.
///
/// A plain [`ClientKey`] converts into the class of that client at [`Priority::Usual`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct JobClass {
    /// The client that the processor time is charged to.
    pub client_key: ClientKey,
    /// The priority among the jobs that wait.
    pub priority: Priority,
}

impl From<ClientKey> for JobClass {
    fn from(client_key: ClientKey) -> Self {
        Self { client_key, priority: Priority::default() }
    }
}

/// The priority of a job, most urgent first.
///
/// Clients share the pool within one priority. Jobs of a lower priority wait until no job of a higher one is left, with
/// two exceptions, so that no job waits for ever. Every eighth choice between priorities takes the job of a lower one that
/// has waited longest. And a client passes each waiting job with one [`Familiar`](Self::Familiar) job at most: until the
/// passed ones are gone, its further ones count as [`Usual`](Self::Usual).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the engine chooses one")]
pub enum Priority {
    /// The account has logged in from this client before.
    Familiar,
    /// Nothing is known about the account and the client.
    #[default]
    Usual,
    /// The account is under attack and has never logged in from this client.
    Suspect,
}

impl Priority {
    pub(super) const ALL: [Self; 3] = [Self::Familiar, Self::Usual, Self::Suspect];
    pub(super) const COUNT: usize = Self::ALL.len();

    pub(super) fn index(self) -> usize {
        match self {
            Self::Familiar => 0,
            Self::Usual => 1,
            Self::Suspect => 2,
        }
    }
}

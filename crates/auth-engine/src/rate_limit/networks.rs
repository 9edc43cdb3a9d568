//! Limits of the networks around an IPv6 client key: who holds a /48 has 65,536 client keys, and must not have as many
//! times the attempts of one.

use auth_core::{ClientKey, ClientNetwork, Quota};

use super::optional_limiter::{CAPACITY, OptionalLimiter};
use super::subject::Subject;

/// The prefix lengths that are limited, and how many times the attempts of a client key each network has.
const NETWORKS: [(u8, u16); 2] = [(56, 4), (48, 16)];

/// A limiter for each prefix length.
#[derive(Debug)]
pub(super) struct NetworkLimiters([(u8, OptionalLimiter<Subject>); NETWORKS.len()]);

impl NetworkLimiters {
    /// Limiters that follow from the quota of a client key. Larger quotas are held for fewer networks, so that each
    /// limiter takes as much memory as that of client keys.
    pub(super) fn new(client: Option<Quota>) -> Self {
        Self(NETWORKS.map(|(prefix, times)| {
            let larger =
                |quota: Quota| Quota { attempts: quota.attempts.saturating_mul(times.into()), ..quota };
            (prefix, OptionalLimiter::with_capacity(client.map(larger), CAPACITY / usize::from(times)))
        }))
    }

    /// The limiter of each prefix length.
    pub(super) fn all(&self) -> impl Iterator<Item = &OptionalLimiter<Subject>> {
        self.0.iter().map(|(_, limiter)| limiter)
    }

    pub(super) fn of(&self, network: ClientNetwork) -> Option<&OptionalLimiter<Subject>> {
        self.0.iter().find(|(prefix, _)| *prefix == network.prefix()).map(|(_, limiter)| limiter)
    }
}

/// The networks around a client key that are limited, the narrowest first; none for IPv4.
pub(crate) fn around(client: ClientKey) -> impl Iterator<Item = ClientNetwork> {
    NETWORKS.into_iter().filter_map(move |(prefix, _)| client.network(prefix))
}

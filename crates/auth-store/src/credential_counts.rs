//! How many credentials of each kind there are, told by those with the lowest ids.
//!
//! Ids are random, so credentials below any id are as good a sample as others, and how far up they reach tells which share of all
//! they are.

use auth_core::{CredentialId, CredentialKind};

/// Credentials that are looked at. Where there are no more, the counts are exact; else a kind that half of all credentials have is
/// a per cent or two off, and a rare one further.
pub(crate) const LOOKED_AT: u32 = 10_000;

/// The counts of all credentials, from those of the [`LOOKED_AT`] with the lowest ids, of which `highest` is the last.
pub(crate) fn of_all(
    lowest: Vec<(CredentialKind, u64)>,
    highest: Option<CredentialId>,
) -> Vec<(CredentialKind, u64)> {
    let looked_at: u64 = lowest.iter().map(|(_, count)| count).sum();
    let Some(highest) = highest.filter(|_| looked_at >= u64::from(LOOKED_AT)) else { return lowest };
    // The first eight of sixteen bytes are precise enough.
    let reached = (u128::from_be_bytes(*highest.as_bytes()) >> 64).max(1);
    let scaled = |count: u64| u64::try_from((u128::from(count) << 64) / reached).unwrap_or(u64::MAX);
    lowest.into_iter().map(|(kind, count)| (kind, scaled(count))).collect()
}

#[cfg(test)]
mod tests {
    use auth_core::{Rng, SeededRng};

    use super::*;

    /// The counts of a store with that many credentials, every tenth of which is a web session.
    fn told(credentials: u32) -> Vec<(CredentialKind, u64)> {
        let rng = SeededRng::new(7);
        let mut all: Vec<_> = (0..credentials)
            .map(|number| {
                let rare = number % 10 == 0;
                let kind = if rare { CredentialKind::WEB_SESSION } else { CredentialKind::APP_PASSWORD };
                (CredentialId::random(&rng as &dyn Rng), kind)
            })
            .collect();
        all.sort_by_key(|(id, _)| *id);
        all.truncate(LOOKED_AT as usize);
        let of = |wanted| all.iter().filter(|(_, kind)| *kind == wanted).count() as u64;
        let lowest = [CredentialKind::WEB_SESSION, CredentialKind::APP_PASSWORD].map(|kind| (kind, of(kind)));
        of_all(lowest.to_vec(), all.last().map(|(id, _)| *id))
    }

    #[test]
    fn counts_are_exact_below_the_bound_and_near_above_it() {
        assert_eq!(told(9_990), [(CredentialKind::WEB_SESSION, 999), (CredentialKind::APP_PASSWORD, 8_991)]);
        assert_eq!(of_all(vec![], None), []);
        for (kind, count) in told(200_000) {
            let real = if kind == CredentialKind::WEB_SESSION { 20_000_u64 } else { 180_000 };
            assert!(count.abs_diff(real) < real / 10, "{kind}: {count}");
        }
    }
}

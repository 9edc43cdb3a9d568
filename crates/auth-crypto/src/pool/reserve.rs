//! The reserve: memory held back for hashes that need more than a worker keeps, such as those of imported records.

use std::mem;

use auth_argon2::Memory;

/// The memory held back for hashes that need more than a worker keeps.
///
/// What is lent and what is kept together never exceed the reserve. Memory that comes back is kept for the next hash:
/// memory fresh from the system takes longer, and that time would tell an older record from a current one.
pub(super) struct Reserve {
    size_kib: usize,
    /// The sum of the loans.
    lent_kib: usize,
    /// Memory that came back.
    kept: Vec<Memory>,
}

/// Memory of the reserve that one job uses.
pub(super) struct Loan {
    memory: Memory,
    /// What the reserve counts for this loan: at least the memory in it, the replaced included.
    kib: usize,
    /// Memory that was kept and has to make room for this loan.
    replaced: Vec<Memory>,
}

impl Reserve {
    pub(super) fn new(size_kib: usize) -> Self {
        Self { size_kib, lent_kib: 0, kept: Vec::new() }
    }

    /// Whether [`Reserve::lend`] can give this much now.
    pub(super) fn has_room(&self, need_kib: usize) -> bool {
        self.smallest_kept(need_kib).is_some() || self.lent_kib.saturating_add(need_kib) <= self.size_kib
    }

    /// Lends memory for a hash. There must be room for it.
    pub(super) fn lend(&mut self, need_kib: usize) -> Loan {
        let loan = match self.smallest_kept(need_kib) {
            Some(index) => {
                let memory = self.kept.swap_remove(index);
                Loan { kib: memory.capacity_kib(), memory, replaced: Vec::new() }
            }
            None => {
                let is_in_the_way = self.lent_kib + self.kept_kib() + need_kib > self.size_kib;
                let replaced = if is_in_the_way { mem::take(&mut self.kept) } else { Vec::new() };
                Loan { kib: need_kib.max(capacity(&replaced)), memory: Memory::new(), replaced }
            }
        };
        self.lent_kib += loan.kib;
        loan
    }

    /// Takes a loan back.
    pub(super) fn give_back(&mut self, loan: Loan) {
        self.lent_kib -= loan.kib;
        if loan.memory.capacity_kib() > 0 {
            self.kept.push(loan.memory);
        }
    }

    /// The smallest memory among the kept that holds a hash.
    fn smallest_kept(&self, need_kib: usize) -> Option<usize> {
        let kept = self.kept.iter().map(Memory::capacity_kib).enumerate();
        kept.filter(|(_, kib)| *kib >= need_kib).min_by_key(|(_, kib)| *kib).map(|(index, _)| index)
    }

    fn kept_kib(&self) -> usize {
        capacity(&self.kept)
    }
}

impl Loan {
    /// The memory to hash in. What it replaces is returned to the system first, so that both are never held.
    pub(super) fn memory(&mut self) -> &mut Memory {
        self.replaced.clear();
        &mut self.memory
    }
}

fn capacity(memories: &[Memory]) -> usize {
    memories.iter().map(Memory::capacity_kib).sum()
}

#[cfg(test)]
mod tests {
    use auth_argon2::{Algorithm, Input, Params, hash_into};
    use proptest::prelude::*;

    use super::*;

    /// Hashes in the memory of a loan.
    fn hash(loan: &mut Loan, memory_kib: usize) {
        let params = Params::new(memory_kib.try_into().unwrap(), 1, 1).unwrap();
        let input = Input::new(b"password", b"saltsalt");
        hash_into(Algorithm::default(), params, input, loan.memory(), &mut [0; 32]).unwrap();
    }

    fn used(reserve: &mut Reserve, memory_kib: usize) {
        assert!(reserve.has_room(memory_kib));
        let mut loan = reserve.lend(memory_kib);
        hash(&mut loan, memory_kib);
        reserve.give_back(loan);
    }

    fn kept(reserve: &Reserve) -> Vec<usize> {
        let mut kept: Vec<_> = reserve.kept.iter().map(Memory::capacity_kib).collect();
        kept.sort_unstable();
        kept
    }

    #[test]
    fn memory_that_came_back_is_used_again_by_hashes_that_fit_in_it() {
        let mut reserve = Reserve::new(100);
        used(&mut reserve, 60);
        used(&mut reserve, 40);
        assert_eq!(kept(&reserve), [60], "the larger memory served the smaller hash");
        let first = reserve.lend(60);
        used(&mut reserve, 40);
        reserve.give_back(first);
        assert_eq!(kept(&reserve), [40, 60], "two at once have a memory each");
        used(&mut reserve, 32);
        assert_eq!(kept(&reserve), [40, 60]);
    }

    /// The system hands out memory page by page, at the first access to each. Only the first hash waits for that: later
    /// ones of its kind take the time of a hash in a worker's own memory.
    #[cfg(target_os = "linux")]
    #[test]
    fn only_the_first_larger_hash_waits_for_pages_of_the_system() {
        const MEMORY_KIB: usize = 64 << 10;
        let mut reserve = Reserve::new(MEMORY_KIB);
        let mut faults_of_one = || {
            let before = page_faults();
            used(&mut reserve, MEMORY_KIB);
            page_faults() - before
        };
        let first = faults_of_one();
        // A busy system may take a page back now and then, but not from every one of them.
        let later = (0..5).map(|_| faults_of_one()).min().unwrap();
        assert!(first >= 32, "{first} faults: pages are no larger than 2 MiB");
        assert!(later < first / 8, "{later} faults after {first}");
    }

    /// The number of pages that this thread has waited for: the tenth field, after a name that may have spaces.
    #[cfg(target_os = "linux")]
    fn page_faults() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse().unwrap()
    }

    #[test]
    fn what_is_kept_makes_room_for_a_larger_hash() {
        let mut reserve = Reserve::new(100);
        let first = reserve.lend(40);
        used(&mut reserve, 40);
        reserve.give_back(first);
        used(&mut reserve, 80);
        assert_eq!(kept(&reserve), [80]);
    }

    #[test]
    fn what_is_lent_makes_no_room() {
        let mut reserve = Reserve::new(100);
        let loan = reserve.lend(60);
        for (need_kib, has_room) in [(40, true), (41, false), (100, false), (usize::MAX, false)] {
            assert_eq!(reserve.has_room(need_kib), has_room, "{need_kib} KiB");
        }
        reserve.give_back(loan);
        assert!(reserve.has_room(100));
        assert!(!reserve.has_room(101), "more than the reserve");
    }

    #[test]
    fn memory_that_a_panic_released_is_not_kept() {
        let mut reserve = Reserve::new(100);
        let mut loan = reserve.lend(60);
        hash(&mut loan, 60);
        loan.memory().release();
        reserve.give_back(loan);
        assert_eq!((kept(&reserve), reserve.lent_kib), (vec![], 0));
    }

    proptest! {
        /// However hashes begin and end, and whichever of them first touches its memory, all memory together stays
        /// within the reserve. In the end nothing is lent.
        #[test]
        fn all_memory_together_never_exceeds_the_reserve(
            size_kib in 8_usize..200,
            steps in prop::collection::vec((0_u8..3, 8_usize..220, any::<prop::sample::Index>()), 1..80),
        ) {
            let mut reserve = Reserve::new(size_kib);
            let mut loans: Vec<(usize, Loan)> = Vec::new();
            for (step, need_kib, which) in steps {
                match step {
                    0 if reserve.has_room(need_kib) => loans.push((need_kib, reserve.lend(need_kib))),
                    0 => prop_assert!(need_kib > size_kib || !loans.is_empty(), "only loans make it wait"),
                    _ if loans.is_empty() => {}
                    1 => {
                        let index = which.index(loans.len());
                        let (need_kib, loan) = &mut loans[index];
                        hash(loan, *need_kib);
                    }
                    _ => {
                        let (_, loan) = loans.swap_remove(which.index(loans.len()));
                        reserve.give_back(loan);
                    }
                }
                let held: usize =
                    loans.iter().map(|(_, loan)| loan.memory.capacity_kib() + capacity(&loan.replaced)).sum();
                prop_assert!(held <= reserve.lent_kib);
                prop_assert!(reserve.lent_kib + reserve.kept_kib() <= size_kib);
            }
            for (_, loan) in loans {
                reserve.give_back(loan);
            }
            prop_assert_eq!(reserve.lent_kib, 0);
        }
    }
}

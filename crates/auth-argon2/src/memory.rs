//! Working memory that outlives a hash.

mod pages;

use std::fmt;

use zeroize::Zeroize;

use crate::kernel::Block;
use pages::Pages;

/// Memory for hashing: empty at first, grown by the first hash that needs more, kept for the next one; on huge
/// pages, and not in core dumps, where the system can do so. What stands in it is as good as the password's hash:
/// it is wiped by [`Memory::wipe`] and when dropped.
#[derive(Default)]
pub struct Memory {
    pages: Option<Pages>,
    /// How many blocks, from the first on, were handed out since the last wipe.
    used: usize,
}

impl Memory {
    /// Empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much it holds, in KiB.
    #[must_use]
    pub fn capacity_kib(&self) -> usize {
        self.pages.as_ref().map_or(0, |pages| pages.as_slice().len())
    }

    /// Overwrites with zeros all that was used since the last wipe, and keeps the memory.
    pub fn wipe(&mut self) {
        if let Some(pages) = &mut self.pages {
            pages.wipe(self.used);
        }
        self.used = 0;
    }

    /// Wipes everything and gives the memory back to the system.
    pub fn release(&mut self) {
        self.wipe();
        self.pages = None;
    }

    /// The first `count` blocks, there for sure.
    pub(crate) fn blocks(&mut self, count: usize) -> Result<&mut [Block], OutOfMemory> {
        if self.capacity_kib() < count {
            // Nobody needs the contents; so there are never two at a time.
            self.release();
            self.pages = Pages::new(count);
        }
        let pages = self.pages.as_mut().ok_or(OutOfMemory)?;
        self.used = self.used.max(count);
        pages.as_mut_slice().get_mut(..count).ok_or(OutOfMemory)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} KiB)", self.capacity_kib())
    }
}

/// Wipes each lane's first two blocks and its last: from them a guess could be checked, or the tag had, without the
/// work.
pub(crate) fn wipe_ends(blocks: &mut [Block], lane: usize) {
    for lane in blocks.chunks_exact_mut(lane) {
        if let [first, second, .., last] = lane {
            first.zeroize();
            second.zeroize();
            last.zeroize();
        }
    }
}

/// The system has no memory for a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to tell")]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no memory for a hash")
    }
}

impl std::error::Error for OutOfMemory {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Algorithm, Input, Params, hash_into};

    fn is_zero(memory: &Memory) -> bool {
        memory
            .pages
            .as_ref()
            .unwrap()
            .as_slice()
            .iter()
            .all(|block| block.as_ref().iter().all(|word| *word == 0))
    }

    #[test]
    fn memory_grows_on_demand_and_is_kept() {
        let mut memory = Memory::new();
        assert_eq!(memory.capacity_kib(), 0);
        for (memory_kib, expected) in [(8, 8), (64, 64), (16, 64)] {
            let params = Params::new(memory_kib, 1, 1).unwrap();
            let input = Input::new(b"password", b"saltsalt");
            hash_into(Algorithm::default(), params, input, &mut memory, &mut [0; 32]).unwrap();
            assert_eq!(memory.capacity_kib(), expected);
        }
        memory.release();
        assert_eq!(memory.capacity_kib(), 0);
    }

    #[test]
    fn wiped_memory_holds_nothing_of_the_hash() {
        let mut memory = Memory::new();
        let params = Params::new(64, 1, 1).unwrap();
        let input = Input::new(b"password", b"saltsalt");
        hash_into(Algorithm::default(), params, input, &mut memory, &mut [0; 32]).unwrap();
        assert!(!is_zero(&memory));
        memory.wipe();
        assert!(is_zero(&memory));
        assert_eq!(memory.capacity_kib(), 64);
    }

    #[test]
    fn a_wipe_reaches_as_far_as_any_hash_before_it() {
        let mut memory = Memory::new();
        for memory_kib in [64, 8] {
            let params = Params::new(memory_kib, 1, 1).unwrap();
            let input = Input::new(b"password", b"saltsalt");
            hash_into(Algorithm::default(), params, input, &mut memory, &mut [0; 32]).unwrap();
        }
        assert!(!is_zero(&memory));
        memory.wipe();
        assert!(is_zero(&memory));
    }

    #[test]
    fn debug_shows_the_size_alone() {
        let mut memory = Memory::new();
        memory.blocks(8).unwrap();
        assert_eq!(format!("{memory:?}"), "Memory(8 KiB)");
    }
}

//! Working memory that outlives a hash.

use std::fmt;

use argon2::Block;
use zeroize::Zeroize;

/// Memory for hashing: empty at first, grown by the first hash that needs more, kept for the next one. What
/// stands in it is as good as the password's hash: it is wiped by [`Memory::wipe`] and when dropped.
#[derive(Default)]
pub struct Memory {
    blocks: Vec<Block>,
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
        self.blocks.len()
    }

    /// Overwrites everything with zeros and keeps the memory.
    pub fn wipe(&mut self) {
        // Block by block: a vector's own zeroize would drop them.
        self.blocks.iter_mut().for_each(Zeroize::zeroize);
    }

    /// Wipes everything and gives the memory back to the system.
    pub fn release(&mut self) {
        *self = Self::new();
    }

    /// The first `count` blocks, there for sure.
    pub(crate) fn blocks(&mut self, count: usize) -> Result<&mut [Block], OutOfMemory> {
        if self.blocks.len() < count {
            // A fresh vector: growing this one would copy contents that nobody needs and leave them unwiped.
            self.release();
            let mut blocks = Vec::new();
            blocks.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
            blocks.resize(count, Block::new());
            self.blocks = blocks;
        }
        self.blocks.get_mut(..count).ok_or(OutOfMemory)
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
        memory.blocks.iter().all(|block| block.as_ref().iter().all(|word| *word == 0))
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
    fn debug_shows_the_size_alone() {
        let mut memory = Memory::new();
        memory.blocks(8).unwrap();
        assert_eq!(format!("{memory:?}"), "Memory(8 KiB)");
    }
}

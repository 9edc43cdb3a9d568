//! Working memory that is reused from hash to hash.

mod pages;

use core::fmt;

use zeroize::Zeroize;

use crate::block::Block;
use pages::Pages;

/// Working memory for hashes, reused from one to the next.
///
/// The memory is empty at first and grows when a hash needs more. On Linux it uses huge pages where the system has them,
/// which makes hashing faster, and is left out of core dumps. The contents would help an attacker to find the password:
/// they are wiped by [`Memory::wipe`] and when the value is dropped.
///
/// ```
/// use auth_argon2::{Algorithm, Input, Memory, Params, hash_into};
///
/// let mut memory = Memory::new();
/// let mut hash = [0; 32];
/// for password in [b"first".as_slice(), b"second"] {
///     let input = Input::new(password, b"0123456789abcdef");
///     hash_into(Algorithm::default(), Params::new(64, 1, 1)?, input, &mut memory, &mut hash)?;
/// }
/// assert_eq!(memory.capacity_kib(), 64);
/// memory.release();
/// assert_eq!(memory.capacity_kib(), 0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Memory {
    pages: Option<Pages>,
    /// Blocks, counted from the first, that were handed out since the last wipe.
    used: usize,
}

impl Memory {
    /// Creates empty memory. The first hash allocates.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The size of the memory, in KiB.
    #[must_use]
    pub fn capacity_kib(&self) -> usize {
        self.pages.as_ref().map_or(0, |pages| pages.as_slice().len())
    }

    /// Overwrites everything that was used since the last wipe with zeros. The memory stays allocated.
    pub fn wipe(&mut self) {
        if let Some(pages) = &mut self.pages {
            pages.wipe(self.used);
        }
        self.used = 0;
    }

    /// Wipes the memory and returns it to the system.
    pub fn release(&mut self) {
        self.wipe();
        self.pages = None;
    }

    /// Returns the first `count` blocks, after growing the memory if it is smaller.
    pub(crate) fn blocks(&mut self, count: usize) -> Result<&mut [Block], OutOfMemory> {
        if self.capacity_kib() < count {
            // The contents are not needed, so the old memory is released before the new one is allocated.
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

/// Wipes the first two blocks and the last block of each lane, which would let an attacker compute the hash, or check a
/// guess at the password, without the full work.
pub(crate) fn wipe_ends(blocks: &mut [Block], lane_blocks: usize) {
    for lane in blocks.chunks_exact_mut(lane_blocks) {
        if let [first, second, .., last] = lane {
            first.zeroize();
            second.zeroize();
            last.zeroize();
        }
    }
}

/// The error of memory that the system refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the error has no details")]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory for a password hash")
    }
}

impl core::error::Error for OutOfMemory {}

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
    fn grows_on_demand_and_never_shrinks_by_itself() {
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
    fn wipe_overwrites_all_blocks_of_the_hash() {
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
    fn wipe_covers_the_largest_hash_since_the_last_wipe() {
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
    fn debug_shows_only_the_size() {
        let mut memory = Memory::new();
        memory.blocks(8).unwrap();
        assert_eq!(format!("{memory:?}"), "Memory(8 KiB)");
    }
}

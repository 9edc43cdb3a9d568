//! Memory pages from the operating system: zeroed, aligned to huge pages and, on Linux, left out of core dumps.

#![expect(unsafe_code, reason = "memory comes directly from the system")]

use core::ptr::NonNull;

use crate::block::Block;

/// The size of a huge page in bytes. Memory of at least this size is aligned to it.
const HUGE_PAGE: usize = 2 << 20;

/// An owned array of blocks.
pub(super) struct Pages {
    start: NonNull<Block>,
    count: usize,
    mapping: Mapping,
}

// SAFETY: this value is the only owner of the pages.
unsafe impl Send for Pages {}
// SAFETY: a shared reference allows reading only.
unsafe impl Sync for Pages {}

impl Pages {
    /// Allocates `count` zeroed blocks. Returns `None` if the system refuses or `count` is zero.
    pub(super) fn new(count: usize) -> Option<Self> {
        let mapping = Mapping::new(count.checked_mul(Block::SIZE).filter(|bytes| *bytes > 0)?)?;
        Some(Self { start: mapping.aligned(), count, mapping })
    }

    pub(super) fn as_slice(&self) -> &[Block] {
        // SAFETY: the mapping has `count` blocks from `start` on, all bytes are initialized, and a block may hold any
        // bytes.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [Block] {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.count) }
    }

    /// Overwrites the first `count` blocks with zeros, or all blocks if there are fewer.
    pub(super) fn wipe(&mut self, count: usize) {
        // SAFETY: as above. `memset` is faster than a loop, and the barrier below keeps the compiler from removing it.
        unsafe { self.start.as_ptr().write_bytes(0, count.min(self.count)) };
        zeroize::optimization_barrier(self.as_slice());
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.mapping.unmap();
    }
}

/// A range of addresses from `mmap`.
#[cfg(target_os = "linux")]
struct Mapping {
    start: NonNull<libc::c_void>,
    length: usize,
}

#[cfg(target_os = "linux")]
impl Mapping {
    fn new(bytes: usize) -> Option<Self> {
        let length = if bytes < HUGE_PAGE { bytes } else { bytes.checked_add(HUGE_PAGE)? };
        // SAFETY: a new anonymous mapping at an address of the system's choice overlaps no other memory.
        let start = unsafe {
            let (protection, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            libc::mmap(core::ptr::null_mut(), length, protection, flags, -1, 0)
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        let mapping = Self { start: NonNull::new(start)?, length };
        // If the system ignores this advice, hashing is slower and core dumps contain the memory, but hashes are right.
        // The advice comes before the first access, when the system chooses the size of the pages.
        for advice in [libc::MADV_HUGEPAGE, libc::MADV_DONTDUMP] {
            // SAFETY: the mapping is our own, and neither advice changes its contents.
            unsafe { libc::madvise(start, length, advice) };
        }
        Some(mapping)
    }

    fn aligned(&self) -> NonNull<Block> {
        let start = self.start.cast::<u8>();
        let offset = if self.length < HUGE_PAGE { 0 } else { start.align_offset(HUGE_PAGE) };
        // SAFETY: a mapping that is aligned is one huge page longer than the requested size.
        unsafe { start.add(offset) }.cast()
    }

    fn unmap(&mut self) {
        // SAFETY: the mapping is our own and its owner is being dropped. `munmap` cannot fail on a range from `mmap`.
        unsafe { libc::munmap(self.start.as_ptr(), self.length) };
    }
}

/// A range of addresses from the global allocator.
#[cfg(not(target_os = "linux"))]
struct Mapping {
    start: NonNull<u8>,
    layout: alloc::alloc::Layout,
}

#[cfg(not(target_os = "linux"))]
impl Mapping {
    fn new(bytes: usize) -> Option<Self> {
        let align = if bytes < HUGE_PAGE { align_of::<Block>() } else { HUGE_PAGE };
        let layout = alloc::alloc::Layout::from_size_align(bytes, align).ok()?;
        // SAFETY: the layout has at least one byte.
        let start = NonNull::new(unsafe { alloc::alloc::alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    fn aligned(&self) -> NonNull<Block> {
        self.start.cast()
    }

    fn unmap(&mut self) {
        // SAFETY: the memory came from the allocator with this layout, and its owner is being dropped.
        unsafe { alloc::alloc::dealloc(self.start.as_ptr(), self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zeroed_and_aligned_and_of_the_requested_size() {
        for count in [1, 7, 2047, 2048, 2049, 20_000] {
            let pages = Pages::new(count).unwrap();
            assert_eq!(pages.as_slice().len(), count);
            assert!(pages.as_slice().iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
            let align = if count < 2048 { align_of::<Block>() } else { HUGE_PAGE };
            assert!(pages.start.as_ptr().addr().is_multiple_of(align), "{count} blocks");
        }
        assert!(Pages::new(0).is_none());
        assert!(Pages::new(usize::MAX).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn pages_are_left_out_of_core_dumps() {
        let pages = Pages::new(20_000).unwrap();
        let address = pages.start.as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_ours = false;
        let flags = maps.lines().find_map(|line| {
            let range = line.split(' ').next().unwrap().split_once('-');
            let bounds =
                range.map(|(from, to)| (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16)));
            if let Some((Ok(from), Ok(to))) = bounds {
                is_ours = (from..to).contains(&address);
            }
            line.strip_prefix("VmFlags:").filter(|_| is_ours)
        });
        assert!(flags.unwrap().split_whitespace().any(|flag| flag == "dd"));
    }
}

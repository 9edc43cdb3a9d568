//! Pages from the system: zeros at first, aligned to huge pages, kept out of core dumps.

#![expect(unsafe_code, reason = "memory straight from the system")]

use std::ptr::NonNull;

use crate::kernel::Block;

/// The size of a huge page, and how memory is aligned that has the size of one.
const HUGE: usize = 2 << 20;

/// Memory for some blocks, of its own.
pub(super) struct Pages {
    start: NonNull<Block>,
    count: usize,
    mapping: Mapping,
}

// SAFETY: the pages belong to this value alone.
unsafe impl Send for Pages {}
// SAFETY: shared references only read.
unsafe impl Sync for Pages {}

impl Pages {
    /// Room for `count` blocks, all zeros; nothing if the system has none or `count` is zero.
    pub(super) fn new(count: usize) -> Option<Self> {
        let mapping = Mapping::new(count.checked_mul(Block::SIZE).filter(|bytes| *bytes > 0)?)?;
        Some(Self { start: mapping.aligned(), count, mapping })
    }

    pub(super) fn as_slice(&self) -> &[Block] {
        // SAFETY: the mapping has that many blocks from there, its bytes are initialized, and a block may hold any.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [Block] {
        // SAFETY: as above, and nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.count) }
    }

    /// Overwrites the first `count` blocks with zeros, or all if there are fewer.
    pub(super) fn wipe(&mut self, count: usize) {
        // SAFETY: as above; the system's own way of filling memory is the fastest.
        unsafe { self.start.as_ptr().write_bytes(0, count.min(self.count)) };
        zeroize::optimization_barrier(self.as_slice());
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.mapping.unmap();
    }
}

/// A range of the address space from `mmap`.
#[cfg(target_os = "linux")]
struct Mapping {
    start: NonNull<libc::c_void>,
    length: usize,
}

#[cfg(target_os = "linux")]
impl Mapping {
    fn new(bytes: usize) -> Option<Self> {
        let length = if bytes < HUGE { bytes } else { bytes.checked_add(HUGE)? };
        // SAFETY: a new mapping, nowhere in particular, touches nobody's memory.
        let start = unsafe {
            let (protection, flags) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            libc::mmap(std::ptr::null_mut(), length, protection, flags, -1, 0)
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        let mapping = Self { start: NonNull::new(start)?, length };
        // Advice: without it hashing is slower and core dumps are larger, but right. Before the first touch, that
        // decides about huge pages.
        for advice in [libc::MADV_HUGEPAGE, libc::MADV_DONTDUMP] {
            // SAFETY: the mapping is ours, and no advice of these changes what is in it.
            unsafe { libc::madvise(start, length, advice) };
        }
        Some(mapping)
    }

    fn aligned(&self) -> NonNull<Block> {
        let start = self.start.cast::<u8>();
        let ahead = if self.length < HUGE { 0 } else { start.align_offset(HUGE) };
        // SAFETY: the mapping is longer than what was asked for by one huge page.
        unsafe { start.add(ahead) }.cast()
    }

    fn unmap(&mut self) {
        // SAFETY: it is ours, and its owner is being dropped. It can't fail on what `mmap` gave.
        unsafe { libc::munmap(self.start.as_ptr(), self.length) };
    }
}

/// A range of the address space from the allocator.
#[cfg(not(target_os = "linux"))]
struct Mapping {
    start: NonNull<u8>,
    layout: std::alloc::Layout,
}

#[cfg(not(target_os = "linux"))]
impl Mapping {
    fn new(bytes: usize) -> Option<Self> {
        let align = if bytes < HUGE { align_of::<Block>() } else { HUGE };
        let layout = std::alloc::Layout::from_size_align(bytes, align).ok()?;
        // SAFETY: there is at least one byte.
        let start = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    fn aligned(&self) -> NonNull<Block> {
        self.start.cast()
    }

    fn unmap(&mut self) {
        // SAFETY: it came from the allocator with this layout, and its owner is being dropped.
        unsafe { std::alloc::dealloc(self.start.as_ptr(), self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zeros_in_the_number_and_place_asked_for() {
        for count in [1, 7, 2047, 2048, 2049, 20_000] {
            let pages = Pages::new(count).unwrap();
            assert_eq!(pages.as_slice().len(), count);
            assert!(pages.as_slice().iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
            let align = if count < 2048 { align_of::<Block>() } else { HUGE };
            assert!(pages.start.as_ptr().addr().is_multiple_of(align), "{count} blocks");
        }
        assert!(Pages::new(0).is_none());
        assert!(Pages::new(usize::MAX).is_none());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn pages_are_kept_out_of_core_dumps() {
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

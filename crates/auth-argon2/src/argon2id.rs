//! Argon2id, version 19 (RFC 9106, section 3.2): the first blocks of each lane, the order in which segments are filled
//! and by which threads, and the final hash.

#![expect(unsafe_code, reason = "threads fill lanes of one memory at the same time")]

use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::thread;

use zeroize::Zeroize;

use crate::blake2b::{self, blake2b};
use crate::block::Block;
use crate::memory::wipe_ends;
use crate::segment::{Lane, SLICES, Segment, Shape};
use crate::{Input, Job, Kernel, Options, Params};

/// The type number of Argon2id.
const TYPE: u32 = 2;

/// The version number.
const VERSION: u32 = 19;

/// Hashes all `jobs`. `memory` has `params.blocks()` blocks for each job, and the lengths have been checked.
pub(crate) fn hash(options: Options, params: Params, jobs: &mut [Job<'_>], memory: &mut [Block]) {
    let shape = Shape::new(params);
    for (job, memory) in jobs.iter().zip(memory.chunks_exact_mut(params.blocks())) {
        fill_first_blocks(options.kernel, params, job, memory);
    }
    let memories = memory.chunks_exact_mut(params.blocks()).map(<[Block]>::as_mut_ptr).take(jobs.len());
    let lanes: Vec<Lane> =
        memories.flat_map(|memory| (0..shape.lanes).map(move |number| Lane { memory, number })).collect();
    for pass in 0..shape.passes {
        for slice in 0..SLICES {
            // SAFETY: each hash has a part of `memory` of its own, borrowed exclusively, and the slices are filled in
            // order.
            unsafe { fill(options, Segment { shape, pass, slice, lanes: &lanes }) };
        }
    }
    for (job, memory) in jobs.iter_mut().zip(memory.chunks_exact_mut(params.blocks())) {
        finalize(options.kernel, shape, job.out, memory);
    }
}

/// Computes the first two blocks of each lane.
fn fill_first_blocks(kernel: Kernel, params: Params, job: &Job<'_>, memory: &mut [Block]) {
    let mut initial = initial_hash(params, &job.input, job.out.len());
    let mut bytes = [0; Block::SIZE];
    for (number, lane) in memory.chunks_exact_mut(params.lane_blocks()).enumerate() {
        for (index, block) in lane.iter_mut().take(2).enumerate() {
            blake2b::hash_prime(&[&initial, &le32(index), &le32(number)], &mut bytes);
            for (word, bytes) in bytes.as_chunks().0.iter().enumerate() {
                if let Some(target) = block.as_mut().get_mut(kernel.position(word)) {
                    *target = u64::from_le_bytes(*bytes);
                }
            }
        }
    }
    initial.zeroize();
    bytes.zeroize();
}

/// H0 of the RFC: BLAKE2b of everything that the hash depends on.
fn initial_hash(params: Params, input: &Input<'_>, out: usize) -> [u8; blake2b::MAX_OUTPUT] {
    let numbers = [
        params.lanes().to_le_bytes(),
        le32(out),
        params.memory_kib().to_le_bytes(),
        params.iterations().to_le_bytes(),
        VERSION.to_le_bytes(),
        TYPE.to_le_bytes(),
    ];
    let inputs = [input.password, input.salt, input.secret, input.associated_data];
    let lengths = inputs.map(|input| le32(input.len()));
    let mut initial = [0; blake2b::MAX_OUTPUT];
    let inputs = lengths.iter().zip(inputs).flat_map(|(length, input)| [&length[..], input]);
    blake2b(numbers.iter().map(|number| &number[..]).chain(inputs), &mut initial);
    initial
}

fn le32(number: usize) -> [u8; 4] {
    (number as u32).to_le_bytes()
}

/// Computes the hash from the last block of each lane. Then wipes the blocks that would let an attacker compute the
/// hash, or check a guess at the password, without the full work.
fn finalize(kernel: Kernel, shape: Shape, out: &mut [u8], memory: &mut [Block]) {
    let mut sum = Block::new();
    for lane in memory.chunks_exact(shape.lane_blocks) {
        if let Some(last) = lane.last() {
            sum ^= last;
        }
    }
    let mut bytes = [0; Block::SIZE];
    for (word, bytes) in bytes.as_chunks_mut().0.iter_mut().enumerate() {
        *bytes = sum.as_ref().get(kernel.position(word)).map_or([0; 8], |word| word.to_le_bytes());
    }
    blake2b::hash_prime(&[&bytes], out);
    sum.zeroize();
    bytes.zeroize();
    wipe_ends(memory, shape.lane_blocks);
}

/// Fills the segment of all its lanes on this thread: without the standard library there are no others.
///
/// # Safety
/// As for [`crate::fill::fill`], but for the instructions, which the machine has, and for any number of lanes.
#[cfg(not(feature = "std"))]
unsafe fn fill(options: Options, segment: Segment<'_>) {
    // SAFETY: the caller makes the same promises.
    unsafe { fill_share(options.kernel, segment) };
}

/// Fills the segment of all its lanes, on at most `options.threads` threads.
///
/// # Safety
/// As for [`crate::fill::fill`], but for the instructions, which the machine has, and for any number of lanes.
#[cfg(feature = "std")]
unsafe fn fill(options: Options, segment: Segment<'_>) {
    let mut shares = even_shares(segment.lanes, options.threads.clamp(1, segment.lanes.len().max(1)));
    let own = shares.next().unwrap_or_default();
    thread::scope(|scope| {
        for lanes in shares {
            // SAFETY: the caller makes the same promises, and no two shares have a lane in common.
            let work = move || unsafe { fill_share(options.kernel, Segment { lanes, ..segment }) };
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                // The system refuses another thread, so this one does the work.
                work();
            }
        }
        // SAFETY: as above.
        unsafe { fill_share(options.kernel, Segment { lanes: own, ..segment }) };
    });
}

/// Fills the segment of all its lanes on this thread, in groups of at most [`Kernel::interleaved`] lanes.
///
/// # Safety
/// As for [`fill`].
unsafe fn fill_share(kernel: Kernel, segment: Segment<'_>) {
    for lanes in even_shares(segment.lanes, segment.lanes.len().div_ceil(kernel.interleaved())) {
        // SAFETY: the caller makes the same promises.
        unsafe { kernel.fill(&Segment { lanes, ..segment }) };
    }
}

/// Splits `all` into `count` parts whose lengths differ by one at most.
fn even_shares<T>(all: &[T], count: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    (0..count).rev().map_while(move |remaining| {
        let (share, after) = rest.split_at_checked(rest.len().div_ceil(remaining + 1))?;
        rest = after;
        Some(share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::WORDS;

    #[test]
    fn shares_are_even_and_in_order() {
        for (length, count, expected) in [
            (0, 1, vec![0]),
            (1, 1, vec![1]),
            (7, 3, vec![3, 2, 2]),
            (8, 3, vec![3, 3, 2]),
            (4, 4, vec![1, 1, 1, 1]),
        ] {
            let all: Vec<usize> = (0..length).collect();
            let shares: Vec<_> = even_shares(&all, count).collect();
            assert_eq!(shares.iter().map(|share| share.len()).collect::<Vec<_>>(), expected);
            assert_eq!(shares.concat(), all);
        }
    }

    #[test]
    fn every_word_has_a_position_of_its_own() {
        for kernel in Kernel::available() {
            let mut positions: Vec<_> = (0..WORDS).map(|word| kernel.position(word)).collect();
            assert_eq!(positions.first(), Some(&0), "the first word of a block decides the next reference");
            positions.sort_unstable();
            assert_eq!(positions, (0..WORDS).collect::<Vec<_>>(), "{}", kernel.name());
        }
    }

    #[test]
    fn the_first_two_blocks_and_the_last_of_each_lane_are_wiped_and_no_others() {
        let params = Params::new(64, 2, 2).unwrap();
        for kernel in Kernel::available() {
            let mut memory = vec![Block::new(); 2 * params.blocks()];
            let (mut first, mut second) = ([0; 32], [0; 32]);
            let input = Input::new(b"password", b"somesalt");
            let mut jobs = [Job { input, out: &mut first }, Job { input, out: &mut second }];
            hash(kernel.into(), params, &mut jobs, &mut memory);
            for lane in memory.chunks_exact(params.lane_blocks()) {
                let wiped: Vec<bool> =
                    lane.iter().map(|block| block.as_ref().iter().all(|word| *word == 0)).collect();
                let expected: Vec<bool> =
                    (0..lane.len()).map(|index| index < 2 || index == lane.len() - 1).collect();
                assert_eq!(wiped, expected, "{}", kernel.name());
            }
        }
    }
}

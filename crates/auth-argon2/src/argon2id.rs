//! Argon2id, version 19 (RFC 9106, section 3.2): what is before and after the filling of memory, and who fills.

#![expect(unsafe_code, reason = "lanes of one memory are filled at the same time")]

use std::thread;

use zeroize::Zeroize;

use crate::blake::{self, blake2b};
use crate::fill::{Lane, SLICES, Segment, Shape};
use crate::kernel::Block;
use crate::memory::wipe_ends;
use crate::{How, Input, Job, Kernel, Params};

/// The numbers of Argon2id and of its version.
const TYPE: u32 = 2;
const VERSION: u32 = 19;

/// Hashes all `jobs`. `memory` has `params.blocks()` blocks for each of them; lengths are Argon2's.
pub(crate) fn hash(how: How, params: Params, jobs: &mut [Job<'_>], memory: &mut [Block]) {
    let shape = Shape::new(params);
    for (job, memory) in jobs.iter().zip(memory.chunks_exact_mut(params.blocks())) {
        begin(how.kernel, params, job, memory);
    }
    let memories = memory.chunks_exact_mut(params.blocks()).map(<[Block]>::as_mut_ptr).take(jobs.len());
    let lanes: Vec<Lane> =
        memories.flat_map(|memory| (0..shape.lanes).map(move |number| Lane::new(memory, number))).collect();
    for pass in 0..shape.passes {
        for slice in 0..SLICES {
            // SAFETY: each hash has its part of `memory`, which nobody else has; a slice is finished before the next.
            unsafe { fill(how, Segment { shape, pass, slice, lanes: &lanes }) };
        }
    }
    for (job, memory) in jobs.iter_mut().zip(memory.chunks_exact_mut(params.blocks())) {
        finish(how.kernel, shape, job.out, memory);
    }
}

/// Makes the first two blocks of each lane.
fn begin(kernel: Kernel, params: Params, job: &Job<'_>, memory: &mut [Block]) {
    let mut initial = initial_hash(params, &job.input, job.out.len());
    let mut bytes = [0; Block::SIZE];
    for (number, lane) in memory.chunks_exact_mut(params.lane_blocks()).enumerate() {
        for (index, block) in lane.iter_mut().take(2).enumerate() {
            blake::long(&[&initial, &le32(index), &le32(number)], &mut bytes);
            for (word, bytes) in bytes.as_chunks().0.iter().enumerate() {
                if let Some(place) = block.as_mut().get_mut(kernel.place(word)) {
                    *place = u64::from_le_bytes(*bytes);
                }
            }
        }
    }
    initial.zeroize();
    bytes.zeroize();
}

/// H0: everything that the tag depends on.
fn initial_hash(params: Params, input: &Input<'_>, out: usize) -> [u8; blake::LONGEST] {
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
    let mut initial = [0; blake::LONGEST];
    let inputs = lengths.iter().zip(inputs).flat_map(|(length, input)| [&length[..], input]);
    blake2b(numbers.iter().map(|number| &number[..]).chain(inputs), &mut initial);
    initial
}

fn le32(number: usize) -> [u8; 4] {
    (number as u32).to_le_bytes()
}

/// Makes the tag of the lanes' last blocks, and wipes what gives the tag, or a guess at the password, away.
fn finish(kernel: Kernel, shape: Shape, out: &mut [u8], memory: &mut [Block]) {
    let mut sum = Block::new();
    for lane in memory.chunks_exact(shape.lane) {
        if let Some(last) = lane.last() {
            sum ^= last;
        }
    }
    let mut bytes = [0; Block::SIZE];
    for (word, bytes) in bytes.as_chunks_mut().0.iter_mut().enumerate() {
        *bytes = sum.as_ref().get(kernel.place(word)).map_or([0; 8], |word| word.to_le_bytes());
    }
    blake::long(&[&bytes], out);
    sum.zeroize();
    bytes.zeroize();
    wipe_ends(memory, shape.lane);
}

/// Fills a segment of all lanes, by several threads if so wanted.
///
/// # Safety
/// That of [`Segment::fill`], but that there can be more lanes.
unsafe fn fill(how: How, segment: Segment<'_>) {
    let mut shares = even_shares(segment.lanes, how.threads.clamp(1, segment.lanes.len().max(1)));
    let own = shares.next().unwrap_or_default();
    thread::scope(|scope| {
        for lanes in shares {
            // SAFETY: the caller's promise; no two shares have a lane in common.
            let work = move || unsafe { fill_share(how.kernel, Segment { lanes, ..segment }) };
            if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                // The system gives no more threads: this one has to do.
                work();
            }
        }
        // SAFETY: as above.
        unsafe { fill_share(how.kernel, Segment { lanes: own, ..segment }) };
    });
}

/// Fills a segment of all lanes on this thread, as many in turns as the kernel likes.
///
/// # Safety
/// As above.
unsafe fn fill_share(kernel: Kernel, segment: Segment<'_>) {
    for lanes in even_shares(segment.lanes, segment.lanes.len().div_ceil(kernel.width())) {
        // SAFETY: the caller's promise.
        unsafe { kernel.fill(&Segment { lanes, ..segment }) };
    }
}

/// `all` in that many parts, whose lengths differ by one at most.
fn even_shares<T>(all: &[T], count: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    (0..count).rev().map_while(move |more| {
        let (share, others) = rest.split_at_checked(rest.len().div_ceil(more + 1))?;
        rest = others;
        Some(share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fill::WORDS;

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
    fn words_have_places_of_their_own() {
        for kernel in Kernel::available() {
            let mut places: Vec<_> = (0..WORDS).map(|word| kernel.place(word)).collect();
            assert_eq!(places.first(), Some(&0), "the first word says what is referred to");
            places.sort_unstable();
            assert_eq!(places, (0..WORDS).collect::<Vec<_>>(), "{}", kernel.name());
        }
    }

    #[test]
    fn what_gives_a_hash_away_is_wiped_and_the_rest_is_left() {
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

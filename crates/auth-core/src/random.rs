//! Randomness as an argument.

#[cfg(any(test, feature = "test-util"))]
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes. Outside tests the bytes must be fit for keys: those of the operating system are (`SystemRng`, with
/// the feature `system`).
pub trait Rng: Send + Sync {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);
}

/// A predictable source for tests: SplitMix64 from a seed.
#[derive(Debug)]
#[cfg(any(test, feature = "test-util"))]
pub struct SeededRng(AtomicU64);

#[cfg(any(test, feature = "test-util"))]
impl SeededRng {
    /// A source whose bytes follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

#[cfg(any(test, feature = "test-util"))]
impl Rng for SeededRng {
    fn fill(&self, out: &mut [u8]) {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        for chunk in out.chunks_mut(8) {
            let mut z = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            for (byte, random) in chunk.iter_mut().zip(z.to_le_bytes()) {
                *byte = random;
            }
        }
    }
}

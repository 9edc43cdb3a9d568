//! What a hash costs, checked once.

use std::fmt;

/// Memory, iterations and lanes that Argon2 accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Params {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl Params {
    /// The most memory this crate uses for one hash: 4 GiB, in KiB.
    pub const MAX_MEMORY_KIB: u32 = 4 << 20;

    /// The most lanes there can be (RFC 9106, section 3.1).
    pub const MAX_LANES: u32 = (1 << 24) - 1;

    /// Checks and keeps the parameters.
    ///
    /// * `memory_kib`: KiB of memory, at least eight per lane.
    /// * `iterations`: passes over it, at least one.
    /// * `lanes`: how many parts it is filled in, at least one. They are filled one after the other, in turns, or by
    ///   several threads: see [`How`](crate::How).
    ///
    /// # Errors
    /// The first rule that is broken.
    pub const fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, ParamsError> {
        if lanes == 0 {
            return Err(ParamsError::NoLanes);
        }
        if lanes > Self::MAX_LANES {
            return Err(ParamsError::TooManyLanes);
        }
        if iterations == 0 {
            return Err(ParamsError::NoIterations);
        }
        if memory_kib < 8 * lanes {
            return Err(ParamsError::TooLittleMemory);
        }
        if memory_kib > Self::MAX_MEMORY_KIB {
            return Err(ParamsError::TooMuchMemory);
        }
        Ok(Self { memory_kib, iterations, lanes })
    }

    /// KiB of memory.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Parts the memory is filled in.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Blocks of 1 KiB in a lane: the memory is rounded down to four equal slices per lane.
    pub(crate) const fn lane_blocks(&self) -> usize {
        (self.memory_kib / (4 * self.lanes) * 4) as usize
    }

    /// Blocks of 1 KiB in all lanes.
    pub(crate) const fn blocks(&self) -> usize {
        self.lane_blocks() * self.lanes as usize
    }
}

impl Default for Params {
    /// 19 MiB, two iterations, one lane: the smallest memory in OWASP's list for Argon2id.
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, lanes: 1 }
    }
}

/// Why parameters are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamsError {
    /// Lanes are zero.
    NoLanes,
    /// More lanes than [`Params::MAX_LANES`].
    TooManyLanes,
    /// Iterations are zero.
    NoIterations,
    /// Less than 8 KiB per lane.
    TooLittleMemory,
    /// More memory than [`Params::MAX_MEMORY_KIB`].
    TooMuchMemory,
}

impl fmt::Display for ParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLanes => "Argon2 needs at least one lane",
            Self::TooManyLanes => "Argon2 has at most 2^24 - 1 lanes",
            Self::NoIterations => "Argon2 needs at least one iteration",
            Self::TooLittleMemory => "Argon2 needs at least 8 KiB of memory per lane",
            Self::TooMuchMemory => "Argon2 is given at most 4 GiB of memory",
        })
    }
}

impl std::error::Error for ParamsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_outside_the_bounds_are_refused() {
        for (memory_kib, iterations, lanes, expected) in [
            (8, 1, 1, None),
            (19_456, 2, 1, None),
            (Params::MAX_MEMORY_KIB, u32::MAX, 1 << 19, None),
            (8, 1, 0, Some(ParamsError::NoLanes)),
            (8, 0, 1, Some(ParamsError::NoIterations)),
            (7, 1, 1, Some(ParamsError::TooLittleMemory)),
            (63, 1, 8, Some(ParamsError::TooLittleMemory)),
            (Params::MAX_MEMORY_KIB + 1, 1, 1, Some(ParamsError::TooMuchMemory)),
            (u32::MAX, 1, 1 << 24, Some(ParamsError::TooManyLanes)),
            (Params::MAX_MEMORY_KIB, 1, Params::MAX_LANES, Some(ParamsError::TooLittleMemory)),
        ] {
            let refused = Params::new(memory_kib, iterations, lanes).err();
            assert_eq!(refused, expected, "m={memory_kib} t={iterations} p={lanes}");
        }
    }

    #[test]
    fn memory_is_rounded_down_to_four_slices_per_lane() {
        for (memory_kib, lanes, blocks) in [(8, 1, 8), (11, 1, 8), (64, 3, 60), (102_400, 8, 102_400)] {
            assert_eq!(Params::new(memory_kib, 1, lanes).unwrap().blocks(), blocks);
        }
    }
}

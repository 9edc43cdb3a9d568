//! The cost parameters of a hash.

use core::fmt;

/// The cost of a hash: memory, iterations and lanes. Holds only values that Argon2 accepts.
///
/// ```
/// use auth_argon2::{Params, ParamsError};
///
/// let params = Params::new(65_536, 3, 1)?;
/// assert_eq!(params.memory_kib(), 65_536);
/// assert_eq!(Params::new(7, 1, 1), Err(ParamsError::TooLittleMemory));
/// # Ok::<(), ParamsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Params {
    memory_kib: u32,
    iterations: u32,
    lanes: u32,
}

impl Params {
    /// The most memory that this crate accepts for one hash, in KiB: 4 GiB.
    pub const MAX_MEMORY_KIB: u32 = 4 << 20;

    /// The most lanes that Argon2 accepts (RFC 9106, section 3.1).
    pub const MAX_LANES: u32 = (1 << 24) - 1;

    /// 19 MiB, two iterations and one lane: the minimum for Argon2id in OWASP's Password Storage Cheat Sheet.
    pub const DEFAULT: Self = Self { memory_kib: 19_456, iterations: 2, lanes: 1 };

    /// Checks parameters.
    ///
    /// * `memory_kib`: memory in KiB, at least eight per lane.
    /// * `iterations`: passes over the memory, at least one.
    /// * `lanes`: parts of the memory that can be filled in parallel, at least one. [`Options`](crate::Options) says
    ///   whether they are interleaved on one thread or spread over several.
    ///
    /// # Errors
    /// The first limit that the parameters break, as a [`ParamsError`].
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

    /// Memory in KiB, as given to [`Params::new`].
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Parts of the memory that can be filled in parallel.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Blocks of 1 KiB in a lane. The memory is rounded down so that every lane has four equal slices.
    pub(crate) const fn lane_blocks(&self) -> usize {
        (self.memory_kib / (4 * self.lanes) * 4) as usize
    }

    /// Blocks of 1 KiB in all lanes.
    pub(crate) const fn blocks(&self) -> usize {
        self.lane_blocks() * self.lanes as usize
    }
}

impl Default for Params {
    /// [`Params::DEFAULT`].
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// An error of [`Params::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParamsError {
    /// The number of lanes is zero.
    NoLanes,
    /// There are more lanes than [`Params::MAX_LANES`].
    TooManyLanes,
    /// The number of iterations is zero.
    NoIterations,
    /// There is less than 8 KiB of memory per lane.
    TooLittleMemory,
    /// There is more memory than [`Params::MAX_MEMORY_KIB`].
    TooMuchMemory,
}

impl fmt::Display for ParamsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoLanes => "Argon2 needs at least one lane",
            Self::TooManyLanes => "Argon2 accepts at most 2^24 - 1 lanes",
            Self::NoIterations => "Argon2 needs at least one iteration",
            Self::TooLittleMemory => "Argon2 needs at least 8 KiB of memory per lane",
            Self::TooMuchMemory => "Argon2 memory is limited to 4 GiB",
        })
    }
}

impl core::error::Error for ParamsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_parameters_outside_the_bounds() {
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
            let error = Params::new(memory_kib, iterations, lanes).err();
            assert_eq!(error, expected, "m={memory_kib} t={iterations} p={lanes}");
        }
    }

    #[test]
    fn rounds_memory_down_to_four_slices_per_lane() {
        for (memory_kib, lanes, blocks) in [(8, 1, 8), (11, 1, 8), (64, 3, 60), (102_400, 8, 102_400)] {
            assert_eq!(Params::new(memory_kib, 1, lanes).unwrap().blocks(), blocks);
        }
    }
}

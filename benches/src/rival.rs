//! An implementation that is measured.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

type Timed = Box<dyn FnMut(u64) -> Result<Duration> + Send>;

/// An implementation of an operation, which is compared with others.
///
/// ```
/// use benches::Rival;
///
/// let mut sum = Rival::new("sum", || {
///     std::hint::black_box((0..std::hint::black_box(1_000_u64)).sum::<u64>());
///     Ok(())
/// });
/// let took = sum.run(10)?;
/// println!("{}: {took:?} for ten sums", sum.name());
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Rival {
    name: String,
    /// Operations in one call.
    width: u32,
    timed: Timed,
}

impl Rival {
    /// A rival that calls `once` and is timed by this crate.
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    pub fn new(name: impl Into<String>, mut once: impl FnMut() -> Result<()> + Send + 'static) -> Self {
        Self::timed(name, move |times| {
            let began = Instant::now();
            for _ in 0..times {
                once()?;
            }
            Ok(began.elapsed())
        })
    }

    /// A rival that times itself. `timed` takes a number of calls and returns how long all of them took.
    pub fn timed(
        name: impl Into<String>,
        timed: impl FnMut(u64) -> Result<Duration> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), width: 1, timed: Box::new(timed) }
    }

    /// Sets the number of operations in one call. The default is one.
    #[must_use]
    pub fn with_width(self, width: u32) -> Self {
        Self { width, ..self }
    }

    /// The rival's name in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of operations in one call.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Makes `times` calls and returns how long all of them took.
    ///
    /// # Errors
    /// An error if a call fails or returns a wrong result.
    pub fn run(&mut self, times: u64) -> Result<Duration> {
        (self.timed)(times)
    }
}

impl fmt::Debug for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rival({})", self.name)
    }
}

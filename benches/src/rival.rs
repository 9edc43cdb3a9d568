//! One way to do a thing, timed.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

type Timed = Box<dyn FnMut(u64) -> Result<Duration> + Send>;

/// One way to do a thing.
pub struct Rival {
    name: String,
    /// How many things it does in one go.
    width: u32,
    timed: Timed,
}

impl Rival {
    /// What `once` does.
    #[expect(clippy::disallowed_methods, reason = "it measures time")]
    pub fn new(name: impl Into<String>, mut once: impl FnMut() -> Result<()> + Send + 'static) -> Self {
        Self::timed(name, move |times| {
            let began = Instant::now();
            for _ in 0..times {
                once()?;
            }
            Ok(began.elapsed())
        })
    }

    /// What times itself: it is told how many times to do it, and says how long all took.
    pub fn timed(
        name: impl Into<String>,
        timed: impl FnMut(u64) -> Result<Duration> + Send + 'static,
    ) -> Self {
        Self { name: name.into(), width: 1, timed: Box::new(timed) }
    }

    /// The same, which does so many things in one go.
    #[must_use]
    pub fn of_width(self, width: u32) -> Self {
        Self { width, ..self }
    }

    /// Its name in tables.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many things it does in one go.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Goes so many times; says how long that took.
    ///
    /// # Errors
    /// When it fails, or gives something wrong.
    pub fn go(&mut self, times: u64) -> Result<Duration> {
        (self.timed)(times)
    }
}

impl fmt::Debug for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rival({})", self.name)
    }
}

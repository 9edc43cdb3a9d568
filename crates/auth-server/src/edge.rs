//! The one place where the server asks what time it is and draws random bytes.

use std::time::SystemTime;

use auth_core::{Clock, Rng, Timestamp};
use ring::rand::{SecureRandom, SystemRandom};

/// The operating system's clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::default() + since_epoch
    }
}

/// The operating system's randomness.
#[derive(Debug)]
pub(crate) struct SystemRng(SystemRandom);

impl SystemRng {
    #[expect(clippy::disallowed_methods, reason = "this is the edge")]
    pub(crate) fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Rng for SystemRng {
    #[expect(clippy::expect_used, reason = "no key or token may be made without randomness")]
    fn fill(&self, out: &mut [u8]) {
        self.0.fill(out).expect("the operating system gives random bytes");
    }
}

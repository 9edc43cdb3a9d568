//! What is measured, and beside what.
//!
//! A [`Rival`] does one thing in one way and says how long that took. Groups of rivals are made by [`argon2id`],
//! [`tokens`] and [`login`], and measured in two ways: by criterion (`cargo bench -p benches`), one after the other,
//! for a close look at one of them; and in [`rounds`] (`cargo run -p benches --release --bin ratios`), where they take
//! turns and medians of the rounds' ratios are compared, which holds on a busy machine too. [`report`] writes what was
//! found as text, Markdown and bars. The running server is measured by the programs `http` and `flood`.
//!
//! ```
//! use benches::{Rival, rounds};
//!
//! let rivals = [("sum", 1_000_u64), ("longer sum", 4_000)].map(|(name, end)| {
//!     Rival::new(name, move || {
//!         std::hint::black_box((0..std::hint::black_box(end)).fold(0, u64::wrapping_add));
//!         Ok(())
//!     })
//! });
//! let measured = rounds::measure(vec![rivals.into()], 3)?;
//! assert_eq!(measured.len(), 2);
//! # Ok::<(), anyhow::Error>(())
//! ```

pub mod argon2id;
pub mod login;
pub mod report;
pub mod rounds;
pub mod server;
pub mod tokens;

mod c;
mod rival;

pub use rival::Rival;

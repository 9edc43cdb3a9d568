//! Measurements of hashing, tokens, logins and the running server, each beside its rivals.
//!
//! A [`Rival`] is one implementation of an operation, and times its own calls. [`argon2id`], [`tokens`] and [`login`]
//! make groups of rivals, which are measured in two ways:
//!
//! * by criterion (`cargo bench -p benches`), one rival after the other, for a close look at one of them;
//! * in [`rounds`] (`cargo run -p benches --release --bin ratios`), where rivals alternate and the medians of the
//!   rounds' ratios are compared, which are valid on a busy machine too.
//!
//! [`report`] writes the results as text, Markdown and bars, keeps the samples, and says by [`neighbours`] whether the machine
//! was quiet. The programs `http` and `flood` measure the running
//! server, which [`server`] starts; `store-scale` measures stores of different sizes.
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
pub mod neighbours;
pub mod report;
pub mod rounds;
pub mod server;
pub mod tokens;

mod c;
mod rival;

pub use rival::Rival;

//! Experiments with several servers and databases: crashes, failovers, revocations, many users.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::tools;

/// Builds the server for release, and runs an experiment of the conformance crate on it.
///
/// # Errors
/// When the experiment finds a lost write or a late revocation, or can't run.
pub(crate) fn run(sh: &Shell, experiment: &[String]) -> Result<()> {
    tools::ensure(sh, tools::FOR_TESTS)?;
    say("the release build");
    cmd!(sh, "cargo build --locked --release --package auth-server --package auth-conformance").run()?;
    say(&experiment.join(" "));
    cmd!(sh, "target/release/nodes --server target/release/auth-server {experiment...}").run()?;
    Ok(())
}

/// Measures lookups among few and many users, in each store.
///
/// # Errors
/// When the bench can't be built or run.
pub(crate) fn bench(sh: &Shell, arguments: &[String]) -> Result<()> {
    tools::ensure(sh, tools::FOR_TESTS)?;
    say("the release build");
    cmd!(sh, "cargo build --locked --release --package auth-server --package benches").run()?;
    cmd!(sh, "target/release/store-scale --server target/release/auth-server {arguments...}").run()?;
    Ok(())
}

//! Pictures of the pages, for the documentation.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::{clients, tools};

/// Builds the server, and takes the pictures with a program of the conformance crate.
///
/// # Errors
/// When a page does not lead to the next one, or the programs can't be built.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    tools::ensure(sh, tools::FOR_TESTS)?;
    clients::install(sh)?;
    say("build");
    cmd!(sh, "cargo build --locked --package auth-server --package auth-conformance").run()?;
    say("pictures of the pages");
    cmd!(sh, "target/debug/screenshots --server target/debug/auth-server --folder docs").run()?;
    Ok(())
}

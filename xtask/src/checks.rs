//! The tests in their order, and what must pass before anything lands.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::{clients, fuzz, tidy, tools};

/// The version of cargo-deny that deny.toml is written for.
const DENY: &str = "0.20.2";

/// All tests.
///
/// # Errors
/// When one fails, or what it needs can't be had.
pub(crate) fn test(sh: &Shell, full: bool) -> Result<()> {
    say("programs that the tests call");
    tools::ensure(sh, tools::FOR_TESTS)?;
    clients::install(sh)?;
    say("build");
    cmd!(sh, "cargo build --locked --workspace --all-targets").run()?;
    say("unit, integration and documentation tests");
    cmd!(sh, "cargo test --locked --quiet --workspace --exclude auth-conformance").run()?;
    say("the running server: recorded cases, curl lines, published clients, bad input");
    let tests = cmd!(sh, "cargo test --locked --quiet --package auth-conformance");
    // Just built; asked for from within a test, cargo would build some dependencies anew.
    let server = sh.current_dir().join("target/debug/auth-server");
    if sh.path_exists(&server) { tests.env("AUTH_SERVER_BIN", server) } else { tests }.run()?;
    if full {
        say("the recorded cases against the release build");
        cmd!(sh, "cargo build --locked --release --package auth-server").run()?;
        cmd!(
            sh,
            "cargo run --locked --quiet --package auth-conformance -- --server target/release/auth-server"
        )
        .run()?;
        timing(sh, false)?;
    }
    say("every fuzz target for a while");
    fuzz::each(sh, if full { 60 } else { fuzz::SMOKE_SECONDS })?;
    say("all tests hold");
    Ok(())
}

/// What must pass before anything lands.
///
/// # Errors
/// At the first that doesn't.
pub(crate) fn ci(sh: &Shell) -> Result<()> {
    say("formatting");
    cmd!(sh, "cargo fmt --all --check").run()?;
    cmd!(sh, "cargo fmt --manifest-path fuzz/Cargo.toml --check").run()?;
    say("lints");
    cmd!(sh, "cargo clippy --locked --quiet --workspace --all-targets -- -D warnings").run()?;
    say("tidiness");
    tidy::run(sh)?;
    say("licences and sources of dependencies");
    let deny = tools::cargo_tool(sh, "cargo-deny", DENY)?;
    cmd!(sh, "{deny} --locked --exclude-dev --exclude benches check bans").run()?;
    cmd!(sh, "{deny} --locked check licenses sources").run()?;
    test(sh, false)
}

/// Whether failed log-ins tell anything by the time they take, measured on the release build.
///
/// # Errors
/// When they do, or the measurement would not have seen it.
pub(crate) fn timing(sh: &Shell, full: bool) -> Result<()> {
    say("the release build");
    cmd!(sh, "cargo build --locked --release --package auth-server --package auth-conformance").run()?;
    say("the time that failed log-ins take");
    let full = full.then_some("--full");
    cmd!(sh, "target/release/timing --server target/release/auth-server {full...}").run()?;
    Ok(())
}

//! The tests in their order, and the checks that must pass before a change lands.

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::progress::{say, step, sum_up};
use crate::tools::{self, CargoTool};
use crate::{book, clients, dist, features, foreign, fuzz, gates, kits, nodes, packages, tidy};

/// The version of cargo-deny that deny.toml is written for.
const DENY: CargoTool =
    CargoTool { package: "cargo-deny", program: "cargo-deny", version: "0.20.2", options: &[] };

/// Finds dependencies that no source file names.
const MACHETE: CargoTool =
    CargoTool { package: "cargo-machete", program: "cargo-machete", version: "0.9.2", options: &[] };

/// The spelling checker that _typos.toml is written for.
const TYPOS: CargoTool =
    CargoTool { package: "typos-cli", program: "typos", version: "1.52.0", options: &[] };

/// Features that no default has, and that are tested.
const FEATURES: &str = "auth-server/otlp,auth-argon2/getrandom";

/// Runs all tests; with `full`, also those against the release build, and each fuzz target for a minute.
///
/// # Errors
/// When a test fails, or a program that the tests need can't be installed.
pub(crate) fn test(sh: &Shell, full: bool) -> Result<()> {
    step("programs that the tests call");
    tools::ensure(sh, tools::FOR_TESTS)?;
    clients::install(sh)?;
    step("build");
    cmd!(sh, "cargo build --locked --workspace --all-targets --features {FEATURES}").run()?;
    // Without a choice of targets, cargo runs documentation tests too.
    step("unit, integration and documentation tests");
    cmd!(sh, "cargo test --locked --quiet --workspace --exclude auth-conformance --features {FEATURES}")
        .run()?;
    step("each bench of hashes and tokens, once");
    for (bench, filter) in [("argon2id", "m=19456"), ("tokens", "")] {
        let benches = cmd!(
            sh,
            "cargo test --locked --quiet --workspace --features {FEATURES} --bench {bench} -- {filter}"
        );
        benches.run()?;
    }
    step("the running server: recorded cases, curl lines, published clients, bad input");
    let tests = cmd!(sh, "cargo test --locked --quiet --package auth-conformance");
    // The server was built just now. If the tests asked cargo for it, cargo would build some dependencies again.
    let server = sh.current_dir().join("target/debug/auth-server");
    if sh.path_exists(&server) { tests.env("AUTH_SERVER_BIN", &server) } else { tests }.run()?;
    step("the kits for authors of clients");
    kits::test(sh, &server)?;
    if full {
        step("the recorded cases against the release build");
        cmd!(sh, "cargo build --locked --release --package auth-server").run()?;
        cmd!(
            sh,
            "cargo run --locked --quiet --package auth-conformance -- --server target/release/auth-server"
        )
        .run()?;
        timing(sh, false)?;
        nodes::run(sh, &["soak".to_owned()])?;
    }
    step("every fuzz target for a short time");
    fuzz::each(sh, if full { 60 } else { fuzz::SMOKE_SECONDS })?;
    sum_up();
    say("all tests pass");
    Ok(())
}

/// Tests the kits for authors of clients against the build for tests.
///
/// # Errors
/// When a test fails.
pub(crate) fn kits(sh: &Shell) -> Result<()> {
    tools::ensure(sh, tools::FOR_TESTS)?;
    cmd!(sh, "cargo build --locked --package auth-server").run()?;
    kits::test(sh, &sh.current_dir().join("target/debug/auth-server"))
}

/// Runs all checks that must pass before a change lands, and the tests; with `release`, the slow gates too, and the tests in full.
///
/// # Errors
/// At the first check that fails.
pub(crate) fn ci(sh: &Shell, release: bool) -> Result<()> {
    step("formatting");
    cmd!(sh, "cargo fmt --all --check").run()?;
    cmd!(sh, "cargo fmt --manifest-path fuzz/Cargo.toml --check").run()?;
    step("tidiness");
    tidy::run(sh)?;
    step("lints");
    cmd!(sh, "cargo clippy --locked --quiet --workspace --all-targets --features {FEATURES} -- -D warnings")
        .run()?;
    step("each crate by itself, and its features one by one");
    features::check(sh)?;
    step("documentation");
    documentation(sh)?;
    step("unused dependencies");
    let machete = tools::cargo_tool(sh, MACHETE)?;
    cmd!(sh, "{machete} --with-metadata --skip-target-dir .").run()?;
    step("spelling");
    let typos = tools::cargo_tool(sh, TYPOS)?;
    cmd!(sh, "{typos} --format brief").run()?;
    step("licences and sources of dependencies");
    let deny = tools::cargo_tool(sh, DENY)?;
    cmd!(sh, "{deny} --locked --exclude-dev --exclude benches check bans").run()?;
    cmd!(sh, "{deny} --locked check licenses sources").run()?;
    step("the book");
    book::make(sh)?;
    if release {
        gates::targets(sh)?;
        gates::lowest_versions(sh)?;
        gates::semver(sh)?;
        packages::check(sh)?;
    }
    test(sh, release)?;
    if release {
        foreign::run(sh)?;
        dist::run(sh, &dist::Arguments { trial: true, twice: true })?;
    }
    Ok(())
}

/// Builds the documentation as it is published, then that of private items, without warnings.
fn documentation(sh: &Shell) -> Result<()> {
    // The first finds links from public pages to items that have no page, the second dead links between private items.
    for private in [None, Some("--document-private-items")] {
        cmd!(sh, "cargo doc --locked --quiet --workspace --no-deps {private...}")
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()?;
    }
    Ok(())
}

/// Measures on the release build whether the time of failed logins tells anything about accounts.
///
/// # Errors
/// When it does, or when the measurement is too coarse to show it.
pub(crate) fn timing(sh: &Shell, full: bool) -> Result<()> {
    step("the release build");
    cmd!(sh, "cargo build --locked --release --package auth-server --package auth-conformance").run()?;
    step("the time that failed logins take");
    let full = full.then_some("--full");
    cmd!(sh, "target/release/timing --server target/release/auth-server {full...}").run()?;
    Ok(())
}

//! `cargo xtask`: the tasks of the project, such as tests, checks and benches.
//!
//! Tasks write to `target/` and to the folders that cargo itself keeps; `bench` also writes its figures into the
//! documentation, `screenshots` its pictures, and `book` what is made from the source. A missing program is installed into `target/tools` or by the package manager of the system, or it is
//! named in one line.

mod bench;
mod book;
mod checks;
mod clients;
mod dist;
mod features;
mod foreign;
mod fuzz;
mod gates;
mod kits;
mod mutants;
mod nodes;
mod packages;
mod progress;
mod screenshots;
mod tidy;
mod tools;

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xshell::Shell;

use crate::progress::say;

/// The project's tasks.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Runs all tests: unit, integration, documentation, conformance, published clients, and each fuzz target for a
    /// short time. Installs the programs that they need.
    Test {
        /// Also run the conformance and timing tests and a ten-minute soak on the release build, and each fuzz target for
        /// a minute.
        #[arg(long)]
        full: bool,
    },
    /// Runs the checks that must pass before a change lands, then `test`: formatting, tidiness, lints, each feature
    /// alone, documentation and the book, unused dependencies, spelling, licences and sources.
    Ci {
        /// Also run `targets`, `lowest-versions`, `semver` and `packages`, and at the end `test --full`, `foreign` and
        /// `dist --trial --twice`, for a release: slow.
        #[arg(long)]
        release: bool,
    },
    /// Checks the project's own rules: file headers and lengths, arrows between crates, no circles between files, no
    /// tracked secrets, no unfinished code.
    Tidy,
    /// Measures the server and its rivals, and writes the figures to docs/bench, docs/speed.md and the README of auth-argon2.
    Bench(bench::Arguments),
    /// Kills servers and databases at random moments, and checks that no acknowledged write is lost.
    Crash {
        /// The number of kills on each store.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Kills a PostgreSQL primary under two servers and promotes its standby.
    Failover,
    /// Measures how soon a server refuses a credential that was revoked at another server.
    Revocation {
        /// The number of revocations with notifications, and without them.
        #[arg(long, alias = "tries", default_value_t = 100)]
        revocations: u32,
    },
    /// Sends a mix of everything to a server whose store is killed every so often: each answer must have its protocol's
    /// form, and memory must not grow.
    Soak {
        /// How long, in minutes: three at least.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Measures whether the time of failed logins tells anything about accounts: see docs/timing.md.
    Timing {
        /// Thousands of logins of each class in place of hundreds.
        #[arg(long)]
        full: bool,
    },
    /// Runs fuzz targets.
    Fuzz(fuzz::Arguments),
    /// Tests the Argon2 kernels for ARM processors in an emulator and counts their instructions, and builds their crate
    /// without the standard library.
    Foreign,
    /// Tests whether a test fails for each small change of logins, checks of tokens, limits, second factors and
    /// revocation. It takes hours.
    Mutants(mutants::Arguments),
    /// Installs the published clients that tests drive into target/clients.
    Clients,
    /// Tests the kits for authors of clients. `dist` makes their packages.
    Kits,
    /// Takes pictures of the pages in Chromium into docs/pages, and writes docs/pages.md, which shows them.
    Screenshots,
    /// Writes the pages of documentation that are made from the source, and makes the book in target/book.
    Book,
    /// Packs each crate that is published, and builds and tests the packages by themselves in another folder.
    Packages,
    /// Finds changes of interfaces that break callers, since the commit that xtask/semver-baseline names.
    Semver,
    /// Builds each package with the lowest version of each dependency that it asks for.
    LowestVersions,
    /// Lints the crates for every other target whose standard library is installed.
    Targets,
    /// Makes the packages in target/dist: Debian package, tarball, image, those of the kits, bill of materials, checksums.
    Dist(dist::Arguments),
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    match forget_package().and_then(|()| run(task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, even if the environment asks for one: the reader needs the message alone.
            say(&format!("FAILED: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let sh = Shell::new()?;
    sh.change_dir(root()?);
    match task {
        Task::Test { full } => checks::test(&sh, full),
        Task::Ci { release } => checks::ci(&sh, release),
        Task::Tidy => tidy::run(&sh),
        Task::Bench(arguments) => bench::run(&sh, &arguments),
        Task::Crash { rounds } => nodes::run(&sh, &["crash".into(), "--rounds".into(), rounds.to_string()]),
        Task::Failover => nodes::run(&sh, &["failover".into()]),
        Task::Revocation { revocations } => {
            nodes::run(&sh, &["revocation".into(), "--revocations".into(), revocations.to_string()])
        }
        Task::Soak { minutes } => nodes::run(&sh, &["soak".into(), "--minutes".into(), minutes.to_string()]),
        Task::Timing { full } => checks::timing(&sh, full),
        Task::Fuzz(arguments) => fuzz::run(&sh, &arguments),
        Task::Mutants(arguments) => mutants::run(&sh, &arguments),
        Task::Clients => clients::install(&sh),
        Task::Kits => checks::kits(&sh),
        Task::Foreign => foreign::run(&sh),
        Task::Screenshots => screenshots::run(&sh),
        Task::Book => book::run(&sh),
        Task::Packages => packages::check(&sh),
        Task::Semver => gates::semver(&sh),
        Task::LowestVersions => gates::lowest_versions(&sh),
        Task::Targets => gates::targets(&sh),
        Task::Dist(arguments) => dist::run(&sh, &arguments),
    }
}

/// Runs this program again without the variables that name its package. With them, cargo would build some dependencies
/// again each time that it is called from here after a call by hand.
#[expect(clippy::disallowed_methods, reason = "the environment itself is the subject")]
fn forget_package() -> Result<()> {
    let about_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let names: Vec<OsString> = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_str().is_some_and(about_package))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    for name in &names {
        again.env_remove(name);
    }
    Err(again.exec().into())
}

/// The folder of the workspace.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("the workspace's folder")?.to_owned())
}

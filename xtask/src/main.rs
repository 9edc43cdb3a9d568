//! `cargo xtask`: everything that is done to this project beside writing it.
//!
//! Nothing is written outside `target/` and what cargo itself keeps. A program that is missing is installed
//! into `target/tools`, or by the system's package manager, or named in one line.

mod bench;
mod checks;
mod clients;
mod dist;
mod fuzz;
mod nodes;
mod progress;
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
    /// All tests: unit, integration, documentation, conformance, published clients, a short run of every fuzz
    /// target. What it needs is installed first.
    Test {
        /// Longer: also conformance and timing of the release build, and a minute for each fuzz target.
        #[arg(long)]
        full: bool,
    },
    /// What must pass before anything lands: formatting, lints, tidiness, licences and sources, then `test`.
    Ci,
    /// The project's own rules: headers, lengths, arrows between crates, nothing left undone.
    Tidy,
    /// Measures ours beside others, and the running server; writes docs/bench and the READMEs' figures.
    Bench(bench::Arguments),
    /// Kills servers and databases at moments that nobody chose: nothing acknowledged is lost.
    Crash {
        /// Kills, on each store.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Kills a PostgreSQL primary under two servers and promotes its standby.
    Failover,
    /// How soon a server refuses what was revoked at another.
    Revocation {
        /// Revocations, with notifications and without.
        #[arg(long, default_value_t = 100)]
        tries: u32,
    },
    /// Whether failed log-ins tell anything by the time they take: see docs/timing.md.
    Timing {
        /// Thousands of log-ins of each class in place of hundreds.
        #[arg(long)]
        full: bool,
    },
    /// Fuzzing.
    Fuzz(fuzz::Arguments),
    /// Installs the published clients that tests drive into target/clients.
    Clients,
    /// The release build with licences and README in target/dist.
    Dist,
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    match forget_package().and_then(|()| run(task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, whatever the environment asks for: what went wrong is a line, not a place.
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
        Task::Ci => checks::ci(&sh),
        Task::Tidy => tidy::run(&sh),
        Task::Bench(arguments) => bench::run(&sh, &arguments),
        Task::Crash { rounds } => nodes::run(&sh, &["crash".into(), "--rounds".into(), rounds.to_string()]),
        Task::Failover => nodes::run(&sh, &["failover".into()]),
        Task::Revocation { tries } => {
            nodes::run(&sh, &["revocation".into(), "--tries".into(), tries.to_string()])
        }
        Task::Timing { full } => checks::timing(&sh, full),
        Task::Fuzz(arguments) => fuzz::run(&sh, &arguments),
        Task::Clients => clients::install(&sh),
        Task::Dist => dist::run(&sh),
    }
}

/// Goes on as a process that was not told which package it is of: by that, cargo would build some dependencies anew
/// each time that it is called from here after it was called by hand.
#[expect(clippy::disallowed_methods, reason = "this is about the environment itself")]
fn forget_package() -> Result<()> {
    let about_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let told: Vec<OsString> = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_str().is_some_and(about_package))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1));
    for name in &told {
        again.env_remove(name);
    }
    Err(again.exec().into())
}

/// The folder of the workspace.
fn root() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().context("the workspace's folder")?.to_owned())
}

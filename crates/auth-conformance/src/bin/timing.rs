//! `timing --server PROGRAM`: measures over HTTP whether the responses to failed logins tell by their time what they do
//! not tell in words. See docs/timing.md.

#![expect(clippy::print_stdout, reason = "the report goes to standard output")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use auth_conformance::timing::{Comparison, Experiment, groups, run};
use clap::Parser;

/// Measures whether failed logins take the same time.
///
/// Example: timing --server target/release/auth-server --full
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program, a release build.
    #[arg(long)]
    server: PathBuf,
    /// Send thousands of logins of each class instead of hundreds.
    #[arg(long)]
    full: bool,
    /// Run only the groups whose name contains this text.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let rounds = if arguments.full { 4000 } else { 400 };
    let experiment = Experiment { rounds, repetitions: 3 };
    let mut as_expected = true;
    let only = arguments.only.unwrap_or_default();
    for group in groups().iter().filter(|group| group.name.contains(&only)) {
        let outcome = run(&arguments.server, group, experiment)?;
        println!("{}: {rounds} logins of each class", group.name);
        for comparison in &outcome.comparisons {
            let verdict = if outcome.different.contains(&comparison.pair) { "DIFFER" } else { "alike" };
            println!("  {verdict}  {}", row(comparison));
        }
        let detected = outcome.control.differs() && outcome.control.t > 0.0;
        let verdict = if detected { "detected" } else { "NOT DETECTED" };
        let delay = micros(&outcome.control);
        println!("  control, delayed by {delay} µs: {verdict}, t = {:.1}", outcome.control.t);
        if outcome.repetitions > 1 {
            println!("  after {} repetitions", outcome.repetitions);
        }
        if !group.alike {
            println!("  these must differ");
        }
        as_expected &= detected && outcome.different.is_empty() == group.alike;
    }
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(comparison: &Comparison) -> String {
    let (a, b) = comparison.pair;
    let difference = comparison.difference * 1e6;
    let pair = format!("{a} / {b}");
    format!(
        "{pair:48} t = {:5.1}, untrimmed {:5.1}   {difference:6.1} µs   (detectable from {} µs)",
        comparison.t,
        comparison.untrimmed_t,
        micros(comparison)
    )
}

fn micros(comparison: &Comparison) -> String {
    format!("{:.1}", comparison.detectable.as_secs_f64() * 1e6)
}

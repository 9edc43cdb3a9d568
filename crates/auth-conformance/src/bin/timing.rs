//! `timing --server PROGRAM`: measures over HTTP whether answers to failed log-ins tell by their time what they
//! don't tell in words. See docs/timing.md.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use auth_conformance::timing::{Comparison, Experiment, groups, run};
use clap::Parser;

/// Measures whether failed log-ins take the same time.
///
/// Example: timing --server target/release/auth-server --full
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program, a release build.
    #[arg(long)]
    server: PathBuf,
    /// Thousands of log-ins of each class in place of hundreds.
    #[arg(long)]
    full: bool,
    /// Only the group whose name contains this text.
    #[arg(long)]
    only: Option<String>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let rounds = if arguments.full { 4000 } else { 400 };
    let experiment = Experiment { rounds, repetitions: 3 };
    let mut fine = true;
    let only = arguments.only.unwrap_or_default();
    for group in groups().iter().filter(|group| group.name.contains(&only)) {
        let outcome = run(&arguments.server, group, experiment)?;
        say(&format!("{}: {rounds} log-ins of each class", group.name));
        for comparison in &outcome.comparisons {
            let verdict = if outcome.seen.contains(&comparison.pair) { "DIFFER" } else { "alike" };
            say(&format!("  {verdict}  {}", row(comparison)));
        }
        let caught = outcome.control.is_seen() && outcome.control.t > 0.0;
        let verdict = if caught { "seen" } else { "NOT SEEN" };
        say(&format!(
            "  control, {} µs planted: {verdict}, t = {:.1}",
            micros(&outcome.control),
            outcome.control.t
        ));
        if outcome.repetitions > 1 {
            say(&format!("  after {} repetitions", outcome.repetitions));
        }
        if !group.alike {
            say("  these must differ");
        }
        fine &= caught && outcome.seen.is_empty() == group.alike;
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(comparison: &Comparison) -> String {
    let (a, b) = comparison.pair;
    let difference = comparison.difference * 1e6;
    let pair = format!("{a} / {b}");
    format!(
        "{pair:48} t = {:5.1}, of all {:5.1}   {difference:6.1} µs   (from {} µs on surely seen)",
        comparison.t,
        comparison.plain_t,
        micros(comparison)
    )
}

fn micros(comparison: &Comparison) -> String {
    format!("{:.1}", comparison.smallest_seen.as_secs_f64() * 1e6)
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

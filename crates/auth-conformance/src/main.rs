//! `auth-conformance --server PROGRAM`: runs the cases and prints those that do not hold.

#![expect(clippy::print_stdout, reason = "the report goes to standard output")]

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use auth_conformance::{ExpectedFailures, Options, Report, Set, Verdict};
use clap::{Parser, ValueEnum};

/// Checks a built server against the recorded and researched cases.
///
/// Example: auth-conformance --server target/debug/auth-server --set zulip --only fak-
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program [default: the debug build, brought up to date first]
    #[arg(long)]
    server: Option<PathBuf>,
    /// Run only these sets.
    #[arg(long = "set", value_enum)]
    sets: Vec<Set>,
    /// Run only the cases whose id contains this text.
    #[arg(long)]
    only: Option<String>,
    /// The folder of cases, fixtures and setups, instead of the crate's own.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The factor by which upper bounds of time in cases are multiplied.
    #[arg(long, default_value_t = 1.5)]
    patience: f64,
    /// Also print the cases that hold.
    #[arg(short, long)]
    verbose: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let binary = arguments.server.map_or_else(auth_conformance::server_binary, Ok)?;
    let mut options = Options::new(binary);
    options.only = arguments.only;
    options.patience = arguments.patience;
    options.data = arguments.data.unwrap_or(options.data);
    let expected = options.expected_failures()?;
    let sets = if arguments.sets.is_empty() { Set::value_variants() } else { &arguments.sets };
    let mut as_expected = true;
    for (set, name) in Set::ALL.iter().filter(|(set, _)| sets.contains(set)) {
        let report = set.run(&options)?;
        print(name, &report, &expected, arguments.verbose);
        as_expected &= report.surprises(&expected).is_empty();
    }
    Ok(if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(name: &str, report: &Report, expected: &ExpectedFailures, verbose: bool) {
    for (id, verdict) in report.verdicts() {
        let topic = expected.topic(id).map(|topic| format!(" [{topic}]")).unwrap_or_default();
        match verdict {
            Verdict::Holds if !topic.is_empty() => println!("  HOLDS {id}{topic}: remove it from the list"),
            Verdict::Holds if verbose => println!("  holds {id}"),
            Verdict::Holds => {}
            Verdict::Differs(_) | Verdict::NotRun(_) if !topic.is_empty() && !verbose => {}
            Verdict::Differs(differences) => println!("  FAILS {id}{topic}: {}", differences.join("; ")),
            Verdict::NotRun(reason) => println!("  NOT RUN {id}{topic}: {reason}"),
        }
    }
    let (hold, differ, not_run) = report.figures();
    println!("{name}: {hold} of {} hold, {differ} differ, {not_run} not run", hold + differ + not_run);
}

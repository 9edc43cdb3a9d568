//! `auth-conformance --server PROGRAM`: runs the cases and prints what doesn't hold.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use auth_conformance::{ExpectedFailures, Options, Report, Set, Verdict};
use clap::{Parser, ValueEnum};

/// Holds a built server to the recorded and researched cases.
///
/// Example: auth-conformance --server target/debug/auth-server --set zulip --only fak-
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program; without it the debug build is brought up to date and run.
    #[arg(long)]
    server: Option<PathBuf>,
    /// Only these sets.
    #[arg(long = "set", value_enum)]
    sets: Vec<Set>,
    /// Only cases whose id contains this text.
    #[arg(long)]
    only: Option<String>,
    /// Another folder of cases, fixtures and setups.
    #[arg(long)]
    data: Option<PathBuf>,
    /// What upper bounds of time in cases are multiplied by.
    #[arg(long, default_value_t = 1.5)]
    patience: f64,
    /// Also name the cases that hold.
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
    let mut fine = true;
    for (set, name) in Set::ALL.iter().filter(|(set, _)| sets.contains(set)) {
        let report = set.run(&options)?;
        print(name, &report, &expected, arguments.verbose);
        fine &= report.surprises(&expected).is_empty();
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn print(name: &str, report: &Report, expected: &ExpectedFailures, verbose: bool) {
    for (id, verdict) in report.verdicts() {
        let topic = expected.topic(id).map(|topic| format!(" [{topic}]")).unwrap_or_default();
        match verdict {
            Verdict::Holds if !topic.is_empty() => println!("  HOLDS {id}{topic}: take it off the list"),
            Verdict::Holds if verbose => println!("  holds {id}"),
            Verdict::Holds => {}
            Verdict::Differs(_) | Verdict::OutOfReach(_) if !topic.is_empty() && !verbose => {}
            Verdict::Differs(why) => println!("  FAILS {id}{topic}: {}", why.join("; ")),
            Verdict::OutOfReach(why) => println!("  OUT OF REACH {id}{topic}: {why}"),
        }
    }
    let (holds, differ, out) = report.figures();
    println!("{name}: {holds} of {} hold, {differ} differ, {out} out of reach", holds + differ + out);
}

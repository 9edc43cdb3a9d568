//! `nodes --server PROGRAM crash|failover|revocation`: several servers on one store, and what befalls them. See
//! docs/postgresql.md.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use auth_conformance::nodes::{crash, failover, revocation};
use clap::Parser;

/// How long servers may take to go on after a failover.
const BACK: Duration = Duration::from_secs(5);

/// How long a revocation may go unnoticed elsewhere.
const NOTICED: Duration = Duration::from_secs(1);

/// Several servers on one store, and what befalls them.
///
/// Example: nodes --server target/release/auth-server crash --rounds 100
#[derive(Debug, Parser)]
struct Arguments {
    /// The server's program.
    #[arg(long)]
    server: PathBuf,
    #[command(subcommand)]
    experiment: Experiment,
}

#[derive(Debug, clap::Subcommand)]
enum Experiment {
    /// Kills servers and databases: nothing acknowledged is lost.
    Crash {
        /// Kills, on each store.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Kills a primary and promotes its standby: servers go on, nothing acknowledged is lost.
    Failover,
    /// Revokes at one server and asks the other, with notifications and without.
    Revocation {
        /// Revocations, of each.
        #[arg(long, default_value_t = 100)]
        tries: usize,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let server = &arguments.server;
    match arguments.experiment {
        Experiment::Crash { rounds } => {
            for (store, outcome) in
                [("sqlite", crash::sqlite(server, rounds)?), ("postgres", crash::postgres(server, rounds)?)]
            {
                let rate = f64::from(u32::try_from(outcome.acknowledged)?) / outcome.took.as_secs_f64();
                say(&format!(
                    "{store}: {} kills under {rate:.0} writes a second; of {} acknowledged none is lost",
                    outcome.rounds, outcome.acknowledged
                ));
            }
        }
        Experiment::Failover => {
            let outcome = failover::run(server)?;
            say(&format!(
                "after the promotion servers went on within {:?}; of {} acknowledged ({} before) none is lost",
                outcome.back_after, outcome.acknowledged, outcome.before
            ));
            ensure!(outcome.back_after.iter().all(|took| *took < BACK), "that is too late");
        }
        Experiment::Revocation { tries } => {
            for (notifications, how) in [(true, "with"), (false, "without")] {
                let seen = revocation::run(server, tries, notifications)?;
                say(&format!(
                    "{how} notifications: {tries} revocations seen elsewhere after {:?} (median), {:?} at most",
                    seen.median(),
                    seen.maximum()
                ));
                ensure!(seen.maximum() < NOTICED, "that is too late");
            }
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}

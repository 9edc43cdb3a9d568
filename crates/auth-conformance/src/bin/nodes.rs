//! `nodes --server PROGRAM crash|failover|revocation|soak`: experiments with servers on one store. See
//! docs/postgresql.md.

#![expect(clippy::print_stdout, reason = "the report goes to standard output")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use auth_conformance::nodes::{crash, failover, revocation, soak};
use clap::Parser;

/// How long servers may take to accept logins again after a failover.
const RECOVERY: Duration = Duration::from_secs(5);

/// How long a revoked token may still be accepted at another server.
const REVOCATION: Duration = Duration::from_secs(1);

/// How much memory may grow from the second minute of a soak to its end, in percent.
const GROWTH: f64 = 5.0;

/// Experiments with several servers on one store.
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
    /// Kill servers and databases, and check that nothing acknowledged is lost.
    Crash {
        /// The number of kills on each store.
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Kill a primary and promote its standby, and check that servers continue and nothing acknowledged is lost.
    Failover,
    /// Revoke tokens at one server and measure when another refuses them, with notifications and without.
    Revocation {
        /// The number of revocations in each of the two cases.
        #[arg(long, alias = "tries", default_value_t = 100)]
        revocations: usize,
    },
    /// Send a mix of everything to a server whose store is killed every so often, and check the form of each answer and
    /// that memory doesn't grow.
    Soak {
        /// How long, in minutes: three at least.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
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
                println!(
                    "{store}: {} kills under {rate:.0} writes a second; of {} acknowledged none is lost",
                    outcome.rounds, outcome.acknowledged
                );
            }
        }
        Experiment::Failover => {
            let outcome = failover::run(server)?;
            println!(
                "after the promotion servers accepted logins within {:?}; of {} acknowledged ({} before) none is lost",
                outcome.back_after, outcome.acknowledged, outcome.before
            );
            ensure!(outcome.back_after.iter().all(|took| *took < RECOVERY), "more than {RECOVERY:?}");
        }
        Experiment::Revocation { revocations } => {
            for (notifications, word) in [(true, "with"), (false, "without")] {
                let latencies = revocation::run(server, revocations, notifications)?;
                println!(
                    "{word} notifications: {revocations} revocations took effect elsewhere after {:?} (median), {:?} at most",
                    latencies.median(),
                    latencies.maximum()
                );
                ensure!(latencies.maximum() < REVOCATION, "more than {REVOCATION:?}");
            }
        }
        Experiment::Soak { minutes } => {
            let outcome = soak::run(server, minutes)?;
            println!(
                "{minutes} minutes: {} answers and {} frames, each in its protocol's form; {} hostile connections; \
                 {} kills of the store; memory {} KiB about the second minute, {} KiB at the end ({:+.1} %)",
                outcome.answers,
                outcome.frames,
                outcome.hostile,
                outcome.kills,
                outcome.early_kib,
                outcome.late_kib,
                outcome.growth()
            );
            ensure!(outcome.growth() <= GROWTH, "memory grew by more than {GROWTH} %");
        }
    }
    Ok(())
}

//! Mutation tests: whether a test fails for each small change of the code on which logins depend.

use std::fs;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::tools::{self, CargoTool};

const CARGO_MUTANTS: CargoTool =
    CargoTool { package: "cargo-mutants", program: "cargo-mutants", version: "27.1.0", options: &[] };

/// The files whose mutants are tested: logins, checks of tokens, limits, second factors and revocation.
const FILES: &[&str] = &[
    "crates/auth-core/src/rate_limit.rs",
    "crates/auth-engine/src/account/confirm.rs",
    "crates/auth-engine/src/account/second_factors.rs",
    "crates/auth-engine/src/grants.rs",
    "crates/auth-engine/src/login/*.rs",
    "crates/auth-engine/src/login/second_factor/*.rs",
    "crates/auth-engine/src/rate_limit/*.rs",
    "crates/auth-engine/src/revocation.rs",
    "crates/auth-engine/src/token/*.rs",
];

/// The packages whose tests are run first, which catch nearly all.
const NEAR: &str = "auth-core,auth-engine";

/// The packages whose tests are run for what is left.
const ALL: &str = "auth-core,auth-engine,auth-admin";

/// Tests that take a third of the time of all, and are run for what is left.
const SLOW: &[&str] = &["attempt_log::", "token::cache", "servers_of_one_store", "takes_thirty_wrong"];

/// The mutants that show less of a value to developers, which is no behaviour of the server.
const DEBUG: &str = "impl fmt::Debug for";

/// How many of a thousand mutants must be caught.
const LEAST: u64 = 980;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Test only a part of the mutants, such as `0/8`: each eighth of all, from the first on.
    #[arg(long)]
    shard: Option<String>,
}

/// Tests the mutants, names those that no test catches, and demands that nearly all are caught. It takes hours.
///
/// # Errors
/// When too few are caught, or the tests fail without a mutant.
pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    tools::ensure(sh, tools::FOR_TESTS)?;
    let program = tools::cargo_tool(sh, CARGO_MUTANTS)?;
    let files: Vec<&str> = FILES.iter().flat_map(|file| ["--file", file]).collect();
    let shard: Vec<&str> = arguments.shard.iter().flat_map(|shard| ["--shard", shard]).collect();
    say("mutants: hours for all of them");
    let output = sh.current_dir().join("target/mutants");
    sh.remove_path(&output)?;
    sh.create_dir(&output)?;
    // A mutant changes one function: what was compiled for the one before is used again.
    let _incremental = sh.push_env("CARGO_INCREMENTAL", "1");
    let _symbols = sh.push_env("CARGO_PROFILE_DEV_DEBUG", "0");
    let (files, shard, output) = (&files, &shard, &output);
    let mut tally = Tally::default();
    for (packages, skipped) in [(NEAR, SLOW), (ALL, &[][..])] {
        // What was caught is not tried again.
        let iterate = (packages == ALL).then_some("--iterate");
        let skip: Vec<&str> = skipped.iter().flat_map(|name| ["--skip", name]).collect();
        let tested = cmd!(
            sh,
            "{program} mutants {files...} {shard...} --sharding round-robin --output {output} --no-shuffle --baseline run
             --cap-lints true --exclude-re {DEBUG} {iterate...} --test-package {packages} --timeout-multiplier 3 --colors never -- --lib --tests --
             {skip...}"
        );
        // It fails when a mutant is missed; how many is judged here.
        let _ = tested.run();
        let outcomes = output.join("mutants.out/outcomes.json");
        let text =
            fs::read_to_string(&outcomes).context("cargo-mutants left no outcomes: its words are above")?;
        let found = Tally::of(&serde_json::from_str(&text)?)?;
        tally = Tally { caught: tally.caught + found.caught, missed: found.missed };
        if tally.missed.is_empty() {
            break;
        }
        say(&format!("{} are tried against more tests", tally.missed.len()));
    }
    say(&format!("{} mutants: {} caught, {} missed", tally.tested(), tally.caught, tally.missed.len()));
    for missed in &tally.missed {
        say(&format!("missed: {missed}"));
    }
    ensure!(tally.tested() > 0, "no mutant was tested");
    if tally.caught * 1000 < LEAST * tally.tested() {
        bail!("fewer than {} % of the mutants are caught", LEAST / 10);
    }
    Ok(())
}

/// What became of mutants that could be built.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// A test failed, or didn't end in time.
    caught: u64,
    /// No test failed.
    missed: Vec<String>,
}

impl Tally {
    fn of(outcomes: &Value) -> Result<Self> {
        let mut tally = Self::default();
        let outcomes = outcomes.get("outcomes").and_then(Value::as_array).context("no outcomes")?;
        for outcome in outcomes {
            let Some(mutant) = outcome.get("scenario").and_then(|scenario| scenario.get("Mutant")) else {
                ensure!(
                    outcome.get("summary").and_then(Value::as_str) == Some("Success"),
                    "the tests fail without a mutant"
                );
                continue;
            };
            match outcome.get("summary").and_then(Value::as_str) {
                Some("CaughtMutant" | "Timeout") => tally.caught += 1,
                Some("MissedMutant") => {
                    let name = mutant.get("name").and_then(Value::as_str).unwrap_or("a mutant");
                    tally.missed.push(name.to_owned());
                }
                Some("Unviable") => {}
                other => bail!("an unknown outcome: {other:?}"),
            }
        }
        Ok(tally)
    }

    fn tested(&self) -> u64 {
        self.caught + self.missed.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcomes_are_counted_but_for_mutants_that_do_not_build() {
        let mutant =
            |name: &str, summary: &str| json!({"scenario": {"Mutant": {"name": name}}, "summary": summary});
        let baseline = |summary: &str| json!({"scenario": "Baseline", "summary": summary});
        let outcomes = json!({"outcomes": [
            baseline("Success"),
            mutant("a", "CaughtMutant"),
            mutant("b", "MissedMutant"),
            mutant("c", "Timeout"),
            mutant("d", "Unviable"),
        ]});
        let tally = Tally::of(&outcomes).unwrap();
        assert_eq!((tally.caught, tally.missed.as_slice(), tally.tested()), (2, &["b".to_owned()][..], 3));
        assert!(Tally::of(&json!({"outcomes": [baseline("Failure")]})).is_err());
        assert!(Tally::of(&json!({})).is_err());
    }
}

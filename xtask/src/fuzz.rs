//! Fuzzing. All targets are built once, with AddressSanitizer, and run on copies of the corpus in git.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::tools::{self, CargoTool};

/// The seconds for each target in a short run of all targets.
pub(crate) const SMOKE_SECONDS: u32 = 10;

const CARGO_FUZZ: CargoTool =
    CargoTool { package: "cargo-fuzz", program: "cargo-fuzz", version: "0.13.2", options: &[] };

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Run every target for ten seconds.
    #[arg(long, conflicts_with = "target", required_unless_present = "target")]
    smoke: bool,
    /// The target: the name of a file in fuzz/fuzz_targets, without `.rs`.
    target: Option<String>,
    /// The seconds that the target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets that the arguments select.
///
/// # Errors
/// When a target can't be built, or finds a failure.
pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let Some(target) = &arguments.target else { return each(sh, SMOKE_SECONDS) };
    ensure!(targets(sh)?.contains(target), "no such target: {target}");
    let programs = build(sh)?;
    fuzz(sh, &programs, target, arguments.seconds)
}

/// Runs every target for `seconds` seconds, one target on each core at a time.
///
/// # Errors
/// When a target can't be built, or finds a failure.
pub(crate) fn each(sh: &Shell, seconds: u32) -> Result<()> {
    let programs = build(sh)?;
    let targets = targets(sh)?;
    let (next, here) = (AtomicUsize::new(0), sh.current_dir());
    let work = || -> Result<()> {
        // A shell belongs to one thread.
        let own = Shell::new()?;
        own.change_dir(&here);
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            fuzz(&own, &programs, target, seconds)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism()?;
        let workers: Vec<_> = (0..cores.get()).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })
}

/// The names of all targets, in alphabetical order.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn targets(sh: &Shell) -> Result<Vec<String>> {
    let files = sh.read_dir("fuzz/fuzz_targets")?;
    let stem = |path: &PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    files
        .iter()
        .filter(|path| path.extension().is_some_and(|is| is == "rs"))
        .map(|path| stem(path).context("name"))
        .collect()
}

/// Builds all targets, and returns the folder of their programs.
fn build(sh: &Shell) -> Result<PathBuf> {
    tools::ensure(sh, tools::FOR_FUZZING)?;
    let fuzz = tools::cargo_tool(sh, CARGO_FUZZ)?;
    let folder = sh.current_dir().join("target/fuzz");
    // The sanitizer is an unstable option: the stable compiler takes it with this variable alone.
    cmd!(sh, "{fuzz} build --fuzz-dir fuzz --target-dir {folder}").env("RUSTC_BOOTSTRAP", "1").run()?;
    let host = cmd!(sh, "rustc --print host-tuple").quiet().read()?;
    Ok(folder.join(host).join("release"))
}

fn fuzz(sh: &Shell, programs: &Path, target: &str, seconds: u32) -> Result<()> {
    let program = programs.join(target);
    let work = sh.current_dir().join("target/fuzz-work").join(target);
    let (corpus, findings) = (work.join("corpus"), work.join("findings"));
    sh.create_dir(&corpus)?;
    sh.create_dir(&findings)?;
    let tracked = Path::new("fuzz/corpus").join(target);
    if sh.path_exists(&tracked) {
        for file in sh.read_dir(&tracked)? {
            sh.copy_file(file, &corpus)?;
        }
    }
    let (seconds, findings) = (seconds.to_string(), findings.display().to_string());
    let done = cmd!(sh, "{program} -max_total_time={seconds} -timeout=10 -rss_limit_mb=2048 -artifact_prefix={findings}/ -print_final_stats=1 {corpus}")
        .quiet()
        .ignore_status()
        .output()?;
    let log = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        bail!("{target} failed; the input is in {findings}:\n{log}");
    }
    let runs = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    say(&format!("{target}: {} runs in {seconds} s", runs.map_or("?", str::trim)));
    Ok(())
}

//! Fuzzing: one build of all targets with AddressSanitizer; runs work on a copy of the corpus in git.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::tools;

/// How long each target runs in a short run of all.
pub(crate) const SMOKE_SECONDS: u32 = 10;

const CARGO_FUZZ: &str = "0.13.2";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Every target for ten seconds.
    #[arg(long, conflicts_with = "target", required_unless_present = "target")]
    smoke: bool,
    /// The target: a file in fuzz/fuzz_targets, without `.rs`.
    target: Option<String>,
    /// How long.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// `cargo xtask fuzz`.
///
/// # Errors
/// When a target can't be built, or finds something.
pub(crate) fn run(sh: &Shell, arguments: &Arguments) -> Result<()> {
    let Some(target) = &arguments.target else { return each(sh, SMOKE_SECONDS) };
    ensure!(targets(sh)?.contains(target), "no such target: {target}");
    let programs = build(sh)?;
    fuzz(sh, &programs, target, arguments.seconds)
}

/// Runs every target for so many seconds, as many at once as there are cores.
///
/// # Errors
/// When a target can't be built, or finds something.
pub(crate) fn each(sh: &Shell, seconds: u32) -> Result<()> {
    let programs = build(sh)?;
    let targets = targets(sh)?;
    let (next, here) = (AtomicUsize::new(0), sh.current_dir());
    let work = || -> Result<()> {
        // A shell is for one thread.
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

/// The names of all targets, in order.
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

/// Builds all targets; gives the folder of their programs.
fn build(sh: &Shell) -> Result<PathBuf> {
    tools::ensure(sh, tools::FOR_FUZZING)?;
    let fuzz = tools::cargo_tool(sh, "cargo-fuzz", CARGO_FUZZ)?;
    let folder = sh.current_dir().join("target/fuzz");
    // The sanitizer is behind a switch that the stable compiler offers to its own build alone.
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
    let kept = Path::new("fuzz/corpus").join(target);
    if sh.path_exists(&kept) {
        for file in sh.read_dir(&kept)? {
            sh.copy_file(file, &corpus)?;
        }
    }
    let (seconds, findings) = (seconds.to_string(), findings.display().to_string());
    let done = cmd!(sh, "{program} -max_total_time={seconds} -timeout=10 -rss_limit_mb=2048 -artifact_prefix={findings}/ -print_final_stats=1 {corpus}")
        .quiet()
        .ignore_status()
        .output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        bail!("{target} found something, kept in {findings}:\n{said}");
    }
    let runs = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    say(&format!("{target}: {} runs in {seconds} s", runs.map_or("?", str::trim)));
    Ok(())
}

//! The C library as a rival: a small program that times itself, compiled here and run beside.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use auth_argon2::Params;

use crate::Rival;
use crate::argon2id::{PASSWORD, SALT, Tag};

/// The folder of the C reference's sources (those that hold `src/opt.c` and `include/argon2.h`).
const SOURCES: &str = "ARGON2_SOURCE";

/// What is compiled with the program where the sources are at hand; their fastest form needs `-march=native`.
const FILES: [&str; 6] =
    ["src/argon2.c", "src/core.c", "src/encoding.c", "src/thread.c", "src/opt.c", "src/blake2/blake2b.c"];

/// The C libraries that are there.
pub(crate) fn rivals(params: Params, expected: Tag) -> Result<Vec<Rival>> {
    let programs = programs()?;
    programs.iter().map(|(name, program)| rival(name, program, params, expected)).collect()
}

/// The compiled programs by name; compiled once.
fn programs() -> Result<&'static [(&'static str, PathBuf)]> {
    static PROGRAMS: OnceLock<std::result::Result<Vec<(&'static str, PathBuf)>, String>> = OnceLock::new();
    match PROGRAMS.get_or_init(|| compile_all().map_err(|error| format!("{error:#}"))) {
        Ok(programs) => Ok(programs),
        Err(error) => Err(anyhow!("{error}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "a tree of sources is given by the environment")]
fn compile_all() -> Result<Vec<(&'static str, PathBuf)>> {
    let folder = tempfile::Builder::new().prefix("argon2-c-").tempdir()?.keep();
    let mut programs = Vec::new();
    if cfg!(feature = "libargon2") {
        let program = folder.join("system");
        compile(&program, ["-O2", "-largon2"])?;
        programs.push(("C, the system's libargon2", program));
    }
    if let Some(sources) = std::env::var_os(SOURCES).map(PathBuf::from) {
        let program = folder.join("native");
        let mut arguments = vec!["-O3".into(), "-march=native".into(), "-pthread".into()];
        arguments.push(format!("-I{}", sources.join("include").display()));
        arguments.extend(FILES.map(|file| sources.join(file).display().to_string()));
        compile(&program, arguments).with_context(|| format!("{SOURCES}={}", sources.display()))?;
        programs.push(("C reference, -march=native", program));
    }
    Ok(programs)
}

fn compile(program: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/argon2.c");
    let mut compiler = Command::new("cc");
    compiler.arg("-o").arg(program).arg(source).args(arguments);
    let done = compiler.output().context("there is no C compiler: install gcc")?;
    ensure!(done.status.success(), "cc: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// A running program. It is ended when this is dropped.
struct Running {
    child: Child,
    asked: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn rival(name: &str, program: &Path, params: Params, expected: Tag) -> Result<Rival> {
    let numbers = [params.memory_kib(), params.iterations(), params.lanes()].map(|number| number.to_string());
    let texts = [std::str::from_utf8(PASSWORD)?, std::str::from_utf8(SALT)?];
    let mut command = Command::new(program);
    command.args(numbers).args(texts).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let (asked, told) = child.stdin.take().zip(child.stdout.take()).context("no pipes")?;
    let mut running = Running { child, asked, told: BufReader::new(told) };
    let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Rival::timed(name, move |times| {
        writeln!(running.asked, "{times}")?;
        let mut line = String::new();
        running.told.read_line(&mut line)?;
        let Some((nanoseconds, tag)) = line.trim_end().split_once(' ') else { bail!("it said {line:?}") };
        ensure!(tag == expected, "a wrong tag");
        Ok(Duration::from_nanos(nanoseconds.parse()?))
    }))
}

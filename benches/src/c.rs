//! Programs in C that time themselves, compiled and started by the bench: the C library as a rival, and the traffic of a hash
//! between processor and memory.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use auth_argon2::{Input, Params};

use crate::Rival;

/// The name of the C reference built for this machine.
pub(crate) const NATIVE: &str = "C reference, -march=native";

/// The name of the bound that memory alone sets to one hash.
pub(crate) const MEMORY_ALONE: &str = "memory alone, the same reads and writes";

/// The environment variable that names the folder of the C reference's sources, with `src/opt.c` and
/// `include/argon2.h` in it.
const SOURCES: &str = "ARGON2_SOURCE";

/// The reference's files that are compiled into the program. `src/opt.c` needs `-march=native`.
const FILES: [&str; 6] =
    ["src/argon2.c", "src/core.c", "src/encoding.c", "src/thread.c", "src/opt.c", "src/blake2/blake2b.c"];

/// The C libraries that are available, each hashing the password and the salt of `input`. `expected` is the right hash.
pub(crate) fn rivals(params: Params, input: Input<'_>, expected: &[u8]) -> Result<Vec<Rival>> {
    let programs = programs()?;
    let expected = Some(expected);
    programs.iter().map(|(name, program)| rival(name, program, params, input, expected)).collect()
}

/// The reads and writes of a hash with these parameters, without its arithmetic, where there is a C compiler. How many can be
/// under way at once is up to the processor: no block waits for another.
pub(crate) fn memory_alone(params: Params) -> Result<Option<Rival>> {
    static PROGRAM: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    if !cfg!(feature = "libargon2") {
        return Ok(None);
    }
    let compiled = PROGRAM.get_or_init(|| {
        let made = folder().and_then(|folder| {
            let program = folder.join("memory");
            compile("memory.c", &program, ["-O3", "-march=native"])?;
            Ok(program)
        });
        made.map_err(|error| format!("{error:#}"))
    });
    let program = compiled.as_ref().map_err(|error| anyhow!("{error}"))?;
    rival(MEMORY_ALONE, program, params, Input::new(b"", b""), None).map(Some)
}

/// The compiled programs with their names. They are compiled once per process.
fn programs() -> Result<&'static [(&'static str, PathBuf)]> {
    static PROGRAMS: OnceLock<std::result::Result<Vec<(&'static str, PathBuf)>, String>> = OnceLock::new();
    match PROGRAMS.get_or_init(|| compile_all().map_err(|error| format!("{error:#}"))) {
        Ok(programs) => Ok(programs),
        Err(error) => Err(anyhow!("{error}")),
    }
}

#[expect(clippy::disallowed_methods, reason = "an environment variable names the sources")]
fn compile_all() -> Result<Vec<(&'static str, PathBuf)>> {
    let folder = folder()?;
    let mut programs = Vec::new();
    if cfg!(feature = "libargon2") {
        let program = folder.join("system");
        compile("argon2.c", &program, ["-O2", "-largon2"])?;
        programs.push(("C, the system's libargon2", program));
    }
    if let Some(sources) = std::env::var_os(SOURCES).map(PathBuf::from) {
        let program = folder.join("native");
        let mut arguments = vec!["-O3".into(), "-march=native".into(), "-pthread".into()];
        arguments.push(format!("-I{}", sources.join("include").display()));
        arguments.extend(FILES.map(|file| sources.join(file).display().to_string()));
        compile("argon2.c", &program, arguments)
            .with_context(|| format!("{SOURCES}={}", sources.display()))?;
        programs.push((NATIVE, program));
    }
    Ok(programs)
}

fn folder() -> Result<PathBuf> {
    Ok(tempfile::Builder::new().prefix("argon2-c-").tempdir()?.keep())
}

fn compile(
    source: &str,
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c").join(source);
    let mut compiler = Command::new("cc");
    compiler.arg("-o").arg(program).arg(source).args(arguments);
    let output = compiler.output().context("no C compiler `cc`: install gcc")?;
    ensure!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A running program, killed when dropped.
struct Running {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if the process has already ended.
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A running program as a rival, whose tag is compared with the expected one, if it makes any.
fn rival(
    name: &str,
    program: &Path,
    params: Params,
    input: Input<'_>,
    expected: Option<&[u8]>,
) -> Result<Rival> {
    let numbers = [params.memory_kib(), params.iterations(), params.lanes()].map(|number| number.to_string());
    let texts = [std::str::from_utf8(input.password)?, std::str::from_utf8(input.salt)?];
    let mut command = Command::new(program);
    command.args(numbers).args(texts).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let (requests, answers) =
        child.stdin.take().zip(child.stdout.take()).context("the program has no pipes")?;
    let mut running = Running { child, requests, answers: BufReader::new(answers) };
    let hex = |tag: &[u8]| tag.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let expected = expected.map(hex);
    Ok(Rival::timed(name, move |times| {
        writeln!(running.requests, "{times}")?;
        let mut line = String::new();
        running.answers.read_line(&mut line)?;
        let Some((nanoseconds, tag)) = line.trim_end().split_once(' ') else {
            bail!("unexpected answer {line:?}")
        };
        ensure!(expected.as_deref().is_none_or(|expected| tag == expected), "wrong hash");
        Ok(Duration::from_nanos(nanoseconds.parse()?))
    }))
}

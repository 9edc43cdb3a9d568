//! The program in the packages: it runs with glibc 2.31 and later.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::tools::{self, CargoTool};

/// Links with the compiler of zig, which has the symbols of every glibc.
const ZIGBUILD: CargoTool =
    CargoTool { package: "cargo-zigbuild", program: "cargo-zigbuild", version: "0.24.1", options: &[] };

/// The compiler, as a package of PyPI.
const ZIG: &str = "ziglang==0.15.2";

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The oldest glibc that the program runs with: that of Debian 11, Ubuntu 20.04 and RHEL 9.
const GLIBC: &str = "2.31";

/// The flags of every build, which those of this one replace.
const ALLOCATOR: &str = "-DMI_DEFAULT_ARENA_EAGER_COMMIT=0";

/// The allocator's C asks for the time of the build, also where an object is kept that was compiled before.
const NO_TIME: &str = "-Wno-builtin-macro-redefined -D__DATE__=\"\" -D__TIME__=\"\"";

/// The largest program that is packed, in bytes.
const LARGEST: u64 = 22 << 20;

/// Builds the program, and returns where it is.
pub(super) fn build(sh: &Shell) -> Result<PathBuf> {
    let zigbuild = tools::cargo_tool(sh, ZIGBUILD)?;
    let root = sh.current_dir();
    let python = root.join("target/tools/zig");
    if !sh.path_exists(python.join(ZIG)) {
        say("installing the compiler of zig");
        sh.remove_path(&python)?;
        cmd!(sh, "python3 -m venv {python}").run()?;
        let pip = python.join("bin/pip");
        cmd!(sh, "{pip} install --quiet --disable-pip-version-check {ZIG}").run()?;
        sh.write_file(python.join(ZIG), "")?;
    }
    let zig = cmd!(sh, "sh -c 'ls -d \"$0\"/lib/python3*/site-packages/ziglang/zig' {python}").read()?;
    let cargo = home(sh, "CARGO_HOME", ".cargo")?;
    let sysroot = cmd!(sh, "rustc --print sysroot").quiet().read()?;
    // Messages of panics name files: as seen from the source, wherever it is.
    let moved = [(format!("{}", root.display()), "/auth-server"), (cargo, "/cargo"), (sysroot, "/rust")];
    let rust: Vec<String> =
        moved.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect();
    let c: Vec<String> = moved.iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}")).collect();
    ensure!(sh.read_file(".cargo/config.toml")?.contains(ALLOCATOR), "{ALLOCATOR} is not what builds use");
    let target = format!("{TARGET}.{GLIBC}");
    let build =
        cmd!(sh, "{zigbuild} zigbuild --locked --profile packaged --target {target} --package auth-server")
            .env("CARGO_ENCODED_RUSTFLAGS", rust.join("\u{1f}"))
            .env("CFLAGS", format!("{ALLOCATOR} {NO_TIME} {}", c.join(" ")))
            .env("CARGO_ZIGBUILD_ZIG_PATH", zig)
            .env("CARGO_INCREMENTAL", "0");
    build.run()?;
    let program = root.join("target").join(TARGET).join("packaged/auth-server");
    check(sh, &program)?;
    Ok(program)
}

/// Checks that the program is small, names no path of this machine, and asks for no younger glibc.
fn check(sh: &Shell, program: &PathBuf) -> Result<()> {
    let bytes = sh.read_binary_file(program)?;
    let size = u64::try_from(bytes.len())?;
    ensure!(size <= LARGEST, "the program has {size} bytes, more than {LARGEST}");
    for folder in [format!("{}", sh.current_dir().display()), home(sh, "CARGO_HOME", ".cargo")?] {
        let is_there = bytes.windows(folder.len()).any(|part| part == folder.as_bytes());
        ensure!(!is_there, "the program names {folder}");
    }
    let symbols = cmd!(sh, "objdump -T {program}").quiet().read()?;
    let versions = symbols.split("GLIBC_").skip(1);
    let newest = versions
        .filter_map(|rest| {
            let version = rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
            let parts = version.split('.').map(|part| part.parse().ok());
            parts.collect::<Option<Vec<u32>>>()
        })
        .max()
        .context("the program asks for no glibc")?;
    ensure!(newest <= vec![2, 31], "the program asks for glibc {newest:?}");
    say(&format!("{} KiB, for glibc {GLIBC} and later", size / 1024));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the environment itself is the subject")]
fn home(sh: &Shell, variable: &str, usual: &str) -> Result<String> {
    match std::env::var(variable) {
        Ok(path) => Ok(path),
        Err(_) => Ok(format!("{}/{usual}", sh.var("HOME")?)),
    }
}

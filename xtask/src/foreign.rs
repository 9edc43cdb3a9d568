//! The Argon2 kernels on other processors: they are tested in an emulator, and their instructions are counted, because
//! an emulator's time says nothing. And auth-argon2 on a target that has no standard library.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::progress::{say, step};
use crate::tools;

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// A target that has no standard library.
const BARE: &str = "bpfel-unknown-none";

/// The libraries of that system, as Debian's cross compiler has them.
const SYSROOT: &str = "/usr/aarch64-linux-gnu";

/// The emulator tells the program nothing about the advice that it gives on its memory.
const NOT_EMULATED: &str = "pages_are_left_out_of_core_dumps";

/// The Debian packages of a Rust compiler and of the libraries for the targets, which must be of one version.
const COMPILER: [&str; 6] = [
    "rustc-web:amd64",
    "libstd-rust-web-1.96:amd64",
    "libstd-rust-web-dev:amd64",
    "libstd-rust-web-dev:arm64",
    "libstd-rust-web-dev-bpf:all",
    "libllvm22:amd64",
];

/// The most instructions for a block that a kernel takes, as a part of those of the `argon2` crate.
const MOST: [(&str, &[&str], f64); 2] =
    [("aarch64", &["neon", "neon-sha3"], 0.6), ("x86_64", &["ssse3", "portable"], 1.0)];

/// Blocks that are counted: the memory of the hash, in KiB.
const BLOCKS: u64 = 1024;

/// Tests the kernels for 64-bit ARM, and counts instructions on both kinds of processors.
///
/// # Errors
/// When a test fails, a kernel takes more instructions than it may, or a program can't be installed.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    step("programs that emulate");
    tools::ensure(sh, tools::FOR_FOREIGN)?;
    let compiler = compiler(sh)?;
    let _compiler = sh.push_env("RUSTC", compiler);
    let _linker = sh.push_env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc");
    let emulator = format!("qemu-aarch64 -L {SYSROOT}");
    let _runner = sh.push_env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", emulator);
    let cargo = ["--locked", "--package", "auth-argon2", "--target-dir", "target/foreign"];
    step("a target without the standard library");
    cmd!(sh, "cargo check {cargo...} --no-default-features --features password-hash --target {BARE}")
        .run()?;
    step("the tests of the kernels, on an emulated ARM processor");
    cmd!(sh, "cargo test {cargo...} --target {TARGET} --lib --tests -- --skip {NOT_EMULATED}").run()?;
    step("instructions for a block, beside the argon2 crate");
    let plugin = sh.current_dir().join("target/foreign/count.so");
    cmd!(sh, "cc -O2 -shared -fPIC -o {plugin} xtask/src/foreign/count.c").run()?;
    cmd!(sh, "cargo build {cargo...} --release --example hash --target {TARGET}").run()?;
    cmd!(sh, "cargo build {cargo...} --release --example hash").run()?;
    for (processor, kernels, most) in MOST {
        let count = |name: &str| instructions(sh, &plugin, processor, name);
        let rival = count("argon2")?;
        say(&format!("{processor}: argon2 {rival}, argon2-rust {}", count("argon2-rust")?));
        for name in kernels {
            let own = count(name)?;
            let part = own as f64 / rival as f64;
            say(&format!("{processor}: {name} {own}, {part:.2} of argon2"));
            ensure!(part <= most, "{name} takes more than {most} of the instructions of argon2");
        }
    }
    Ok(())
}

/// The instructions with which an implementation computes a block: those of one pass more, divided by its blocks.
fn instructions(sh: &Shell, plugin: &Path, processor: &str, name: &str) -> Result<u64> {
    // The second processor is old enough to have neither AVX2 nor AVX-512, so that everyone uses what is left.
    let (folder, options) = match processor {
        "aarch64" => ("target/foreign/aarch64-unknown-linux-gnu", ["-L", SYSROOT]),
        _ => ("target/foreign", ["-cpu", "Nehalem"]),
    };
    let count = |passes: &str| -> Result<u64> {
        let (emulator, blocks) = (format!("qemu-{processor}"), BLOCKS.to_string());
        let program = format!("{folder}/release/examples/hash");
        let run = cmd!(sh, "{emulator} {options...} -plugin {plugin} {program} {name} {blocks} {passes} 1");
        let text = run.quiet().ignore_stdout().read_stderr()?;
        text.lines().last().context("no count")?.parse().with_context(|| text.clone())
    };
    Ok((count("3")? - count("2")?) / BLOCKS)
}

/// A compiler that has the libraries of both targets: Debian's, because each must be of the compiler's own version.
fn compiler(sh: &Shell) -> Result<PathBuf> {
    let root = sh.current_dir().join("target/tools/foreign");
    let program = root.join("rustc");
    if !sh.path_exists(&program) {
        say("fetching a compiler for other processors (150 MB, once)");
        fetch(sh, &root)?;
        let script = "#!/bin/sh\nhere=$(dirname \"$0\")/usr\nLD_LIBRARY_PATH=$here/lib/x86_64-linux-gnu exec \"$here/bin/rustc\" \"$@\"\n";
        sh.write_file(&program, script)?;
        cmd!(sh, "chmod +x {program}").run()?;
    }
    Ok(program)
}

/// Unpacks Debian's packages of the compiler into a folder, and installs nothing. The lists of packages for both
/// processors are in that folder too.
fn fetch(sh: &Shell, root: &Path) -> Result<()> {
    let lists = root.join("lists");
    sh.create_dir(lists.join("partial"))?;
    let shown = lists.display();
    let options: Vec<String> = [
        format!("Dir::State::lists={shown}"),
        "APT::Architecture=amd64".into(),
        "APT::Architectures::=amd64".into(),
        "APT::Architectures::=arm64".into(),
        "APT::Sandbox::User=root".into(),
    ]
    .into_iter()
    .flat_map(|option| ["-o".to_owned(), option])
    .collect();
    let _folder = sh.push_dir(root);
    let options = &options;
    cmd!(sh, "apt-get -qq {options...} update").run()?;
    cmd!(sh, "apt-get -qq {options...} download {COMPILER...}").run().context("the packages of Debian 12")?;
    for file in sh.read_dir(".")? {
        if file.extension().is_some_and(|is| is == "deb") {
            cmd!(sh, "dpkg-deb -x {file} .").run()?;
            sh.remove_path(file)?;
        }
    }
    sh.remove_path(&lists)?;
    Ok(())
}

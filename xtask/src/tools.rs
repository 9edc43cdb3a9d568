//! The programs that tasks need: looked for, installed where that can be done quietly, else named in one line.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::progress::say;

/// A program of the system: how it is tried, and the Debian package that has it.
type Program = (&'static str, &'static [&'static str], &'static str);

/// What the tests call.
pub(crate) const FOR_TESTS: &[Program] = &[
    ("bash", &["--version"], "bash"),
    ("curl", &["--version"], "curl"),
    ("python3", &["-c", "import venv, ensurepip"], "python3-venv"),
    ("node", &["--version"], "nodejs"),
    ("npm", &["--version"], "npm"),
    ("nginx", &["-v"], "nginx"),
    ("oathtool", &["--version"], "oathtool"),
    ("/usr/sbin/slapd", &["-VV"], "slapd"),
    ("ldapmodify", &["-VV"], "ldap-utils"),
    // The server's programs are in no PATH.
    ("sh", &["-c", "ls /usr/lib/postgresql/*/bin/initdb"], "postgresql"),
    ("setpriv", &["--version"], "util-linux"),
];

/// What the benches call: a compiler and the C library beside ours, and what drives the server.
pub(crate) const FOR_BENCHES: &[Program] = &[
    ("cc", &["--version"], "gcc"),
    ("sh", &["-c", "test -e /usr/include/argon2.h"], "libargon2-dev"),
    ("sh", &["-c", "command -v wrk"], "wrk"),
];

/// What builds the fuzzers.
pub(crate) const FOR_FUZZING: &[Program] = &[("c++", &["--version"], "g++")];

/// Sees to it that programs are there. On Debian, root installs what is absent.
///
/// # Errors
/// Names what is missing.
pub(crate) fn ensure(sh: &Shell, programs: &[Program]) -> Result<()> {
    let missing = |sh: &Shell| -> Vec<&'static str> {
        let absent = programs.iter().filter(|(name, arguments, _)| {
            let arguments = *arguments;
            cmd!(sh, "{name} {arguments...}").quiet().ignore_stdout().ignore_stderr().run().is_err()
        });
        absent.map(|(_, _, package)| *package).collect()
    };
    let packages = missing(sh);
    if packages.is_empty() {
        return Ok(());
    }
    let root = cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0");
    let apt = cmd!(sh, "apt-get --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
    if root && apt {
        say(&format!("installing {}", packages.join(", ")));
        sh.set_var("DEBIAN_FRONTEND", "noninteractive");
        cmd!(sh, "apt-get update -qq").run()?;
        cmd!(sh, "apt-get install -qq -y --no-install-recommends {packages...}").run()?;
    }
    let packages = missing(sh);
    if !packages.is_empty() {
        bail!("missing: {} (named as in Debian)", packages.join(", "));
    }
    Ok(())
}

/// A cargo tool of an exact version in `target/tools`; built once.
///
/// # Errors
/// When it can't be built.
pub(crate) fn cargo_tool(sh: &Shell, name: &str, version: &str) -> Result<PathBuf> {
    let root = sh.current_dir().join("target/tools");
    let program = root.join("bin").join(name);
    let installed = cmd!(sh, "{program} --version").quiet().ignore_stderr().read();
    if !installed.is_ok_and(|said| said.split_whitespace().any(|word| word == version)) {
        say(&format!("building {name} {version} (some minutes, once)"));
        // Quickly built is better than fast here.
        cmd!(sh, "cargo install --quiet --debug --locked --force {name} --version {version} --root {root}")
            .run()?;
    }
    Ok(program)
}

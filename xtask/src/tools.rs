//! The programs that tasks call. A missing one is installed where that needs no question, or named in one line.

use std::path::PathBuf;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::progress::say;

/// A program of the system: its name, arguments with which it succeeds if it is installed, and its Debian package.
type Program = (&'static str, &'static [&'static str], &'static str);

/// The programs that the tests call.
pub(crate) const FOR_TESTS: &[Program] = &[
    ("bash", &["--version"], "bash"),
    ("curl", &["--version"], "curl"),
    ("jq", &["--version"], "jq"),
    ("python3", &["-c", "import venv, ensurepip"], "python3-venv"),
    ("node", &["--version"], "nodejs"),
    ("npm", &["--version"], "npm"),
    ("nginx", &["-v"], "nginx"),
    ("/usr/bin/caddy", &["version"], "caddy"),
    ("/usr/sbin/haproxy", &["-v"], "haproxy"),
    ("oathtool", &["--version"], "oathtool"),
    ("/usr/bin/chromium", &["--version"], "chromium"),
    // The clock of a server that is tested may be shifted.
    ("sh", &["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], "libfaketime"),
    ("openssl", &["version"], "openssl"),
    ("/usr/sbin/slapd", &["-VV"], "slapd"),
    ("ldapmodify", &["-VV"], "ldap-utils"),
    // The programs of the PostgreSQL server are not in PATH.
    ("sh", &["-c", "ls /usr/lib/postgresql/*/bin/initdb"], "postgresql"),
    ("/usr/sbin/pgbouncer", &["--version"], "pgbouncer"),
    ("promtool", &["--version"], "prometheus"),
    ("fail2ban-regex", &["--version"], "fail2ban"),
    ("/usr/bin/python3", &["-c", "import systemd.journal"], "python3-systemd"),
    ("/lib/systemd/systemd-journal-remote", &["--version"], "systemd-journal-remote"),
    ("setpriv", &["--version"], "util-linux"),
];

/// The programs that the benches call: a compiler for the C rival, the C library, and an HTTP load generator.
pub(crate) const FOR_BENCHES: &[Program] = &[
    ("cc", &["--version"], "gcc"),
    ("sh", &["-c", "test -e /usr/include/argon2.h"], "libargon2-dev"),
    ("sh", &["-c", "command -v wrk"], "wrk"),
    ("python3", &["-c", "import venv, ensurepip"], "python3-venv"),
];

/// The programs that make packages.
pub(crate) const FOR_PACKAGES: &[Program] = &[
    ("python3", &["-c", "import venv, ensurepip"], "python3-venv"),
    ("strip", &["--version"], "binutils"),
    ("objdump", &["--version"], "binutils"),
    ("dpkg-deb", &["--version"], "dpkg"),
    ("apt-get", &["--version"], "apt"),
    ("gzip", &["--version"], "gzip"),
];

/// The programs with which packages are tried.
pub(crate) const FOR_TRIALS: &[Program] = &[
    ("mmdebstrap", &["--version"], "mmdebstrap"),
    ("docker-compose", &["version"], "docker-compose"),
    ("systemd-nspawn", &["--version"], "systemd-container"),
    ("curl", &["--version"], "curl"),
    ("ip", &["-Version"], "iproute2"),
    ("unshare", &["--version"], "util-linux"),
];

/// The programs that run the kernels for other processors.
pub(crate) const FOR_FOREIGN: &[Program] = &[
    ("qemu-aarch64", &["--version"], "qemu-user"),
    ("aarch64-linux-gnu-gcc", &["--version"], "gcc-aarch64-linux-gnu"),
    ("sh", &["-c", "test -e /usr/aarch64-linux-gnu/lib/libc.so"], "libc6-dev-arm64-cross"),
    ("cc", &["--version"], "gcc"),
    ("dpkg-deb", &["--version"], "dpkg"),
];

/// The compiler of the fuzzers.
pub(crate) const FOR_FUZZING: &[Program] = &[("c++", &["--version"], "g++")];

/// Checks that programs are installed. On Debian, root installs those that are missing.
///
/// # Errors
/// Names the packages that are still missing.
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

/// A program that cargo installs, in an exact version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CargoTool {
    pub(crate) package: &'static str,
    /// The program of the package.
    pub(crate) program: &'static str,
    pub(crate) version: &'static str,
    /// What `cargo install` is told besides.
    pub(crate) options: &'static [&'static str],
}

/// Returns the path of a cargo tool in `target/tools`, and builds the tool if that version is not there.
///
/// # Errors
/// When the tool can't be built.
pub(crate) fn cargo_tool(sh: &Shell, tool: CargoTool) -> Result<PathBuf> {
    let CargoTool { package, program, version, options } = tool;
    let root = sh.current_dir().join("target/tools");
    let program = root.join("bin").join(program);
    // Not every program tells its version.
    let installed = cmd!(sh, "cargo install --list --root {root}").quiet().ignore_stderr().read();
    let line = format!("{package} v{version}:");
    if !installed.is_ok_and(|list| list.lines().any(|known| known == line)) || !sh.path_exists(&program) {
        say(&format!("building {package} {version} (a few minutes, once)"));
        // A short build matters more here than a fast program.
        cmd!(
            sh,
            "cargo install --quiet --debug --locked --force {package} --version {version} {options...} --root {root}"
        )
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .run()?;
    }
    Ok(program)
}

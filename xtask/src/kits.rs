//! The kits for authors of clients, in `kits/`: their tests, and their packages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::progress::say;
use crate::{clients, tools};

/// What of the Python kit is built.
const PYTHON: [&str; 3] = ["pyproject.toml", "README.md", "src"];

/// What of the kit for node is packed.
const NODE: [&str; 5] = ["package.json", "README.md", "index.js", "index.d.ts", "lib"];

/// Tests the kits against a server, with published clients.
///
/// # Errors
/// When a test fails, or a program that the tests need can't be installed.
pub(crate) fn test(sh: &Shell, server: &Path) -> Result<()> {
    clients::install(sh)?;
    for (file, line) in [
        ("kits/python/pyproject.toml", concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"")),
        ("kits/node/package.json", concat!("\"version\": \"", env!("CARGO_PKG_VERSION"), "\"")),
    ] {
        ensure!(sh.read_file(file)?.contains(line), "{file}: it has another version than the workspace");
    }
    let (python, node) = (python_of_clients(sh), sh.current_dir().join("target/clients/node"));
    let _server = sh.push_env("AUTH_SERVER_BIN", server);
    cmd!(sh, "{python} -m pytest --quiet -p no:cacheprovider kits/python").run()?;
    let _here = sh.push_dir("kits/node");
    cmd!(sh, "node --test --test-reporter=dot").env("KIT_CLIENTS", node).run()?;
    Ok(())
}

/// Makes wheels and tarballs with a program and without it in `target/dist/kits`, and tries each out in a place of its own.
///
/// # Errors
/// When a package can't be built, or is not good for what it is made for.
pub(crate) fn dist(sh: &Shell, server: &Path) -> Result<()> {
    tools::ensure(sh, tools::FOR_PACKAGES)?;
    clients::install(sh)?;
    let root = sh.current_dir();
    let (out, work) = (root.join("target/dist/kits"), root.join("target/kits"));
    for folder in [&out, &work] {
        sh.remove_path(folder)?;
        sh.create_dir(folder)?;
    }
    let program = work.join("auth-server");
    cmd!(sh, "strip --strip-debug -o {program} {server}").run()?;
    for package in wheels(sh, &work, &program, &out)? {
        try_wheel(sh, &work, &package, server)?;
    }
    for package in tarballs(sh, &work, &program, &out)? {
        try_tarball(sh, &work, &package, server)?;
    }
    say(&format!("{}", out.display()));
    Ok(())
}

/// The Python in which the published clients are, and pytest.
fn python_of_clients(sh: &Shell) -> PathBuf {
    sh.current_dir().join("target/clients/python/bin/python")
}

/// Copies a kit and the licences into a new folder.
fn stage(sh: &Shell, kit: &str, parts: &[&str], stage: &Path) -> Result<()> {
    sh.create_dir(stage)?;
    let licences = ["LICENSE-APACHE", "LICENSE-MIT"].map(str::to_owned);
    let parts = parts.iter().map(|part| format!("{kit}/{part}")).chain(licences);
    for part in parts {
        cmd!(sh, "cp -R {part} {stage}").quiet().run()?;
    }
    Ok(())
}

/// Puts the program into a folder `bin`.
fn carry(sh: &Shell, program: &Path, folder: &Path) -> Result<()> {
    let bin = sh.create_dir(folder.join("bin"))?;
    sh.copy_file(program, bin)?;
    Ok(())
}

/// The wheel without the program, and the one with it.
fn wheels(sh: &Shell, work: &Path, program: &Path, out: &Path) -> Result<[PathBuf; 2]> {
    say("building the wheels");
    let venv = work.join("build");
    cmd!(sh, "python3 -m venv {venv}").run()?;
    let (pip, python) = (venv.join("bin/pip"), venv.join("bin/python"));
    let requirements = "kits/python/build-requirements.txt";
    cmd!(sh, "{pip} install --quiet --disable-pip-version-check --no-deps --requirement {requirements}")
        .run()?;
    let source = work.join("python");
    stage(sh, "kits/python", &PYTHON, &source)?;
    let build = |folder: &Path| {
        cmd!(
            sh,
            "{pip} wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir {folder} {source}"
        )
        .run()
    };
    build(out)?;
    let without = only_file(sh, out)?;
    carry(sh, program, &source.join("src/auth_server_testkit"))?;
    let with = work.join("wheel");
    build(&with)?;
    let (wheel, tag) = (only_file(sh, &with)?, platform(&sh.read_binary_file(program)?));
    cmd!(sh, "{python} -m wheel tags --remove --platform-tag {tag} {wheel}").ignore_stdout().run()?;
    let wheel = only_file(sh, &with)?;
    sh.copy_file(&wheel, out)?;
    Ok([without, out.join(wheel.file_name().context("a wheel without a name")?)])
}

/// The tarball without the program, and the one with it, whose name says for which system it is.
fn tarballs(sh: &Shell, work: &Path, program: &Path, out: &Path) -> Result<[PathBuf; 2]> {
    say("building the tarballs");
    let source = work.join("node");
    stage(sh, "kits/node", &NODE, &source)?;
    let _here = sh.push_dir(&source);
    let packed = sh.create_dir(work.join("packed"))?;
    let pack = |name: &str| -> Result<PathBuf> {
        cmd!(sh, "npm pack --silent --pack-destination {packed}").ignore_stdout().run()?;
        let (from, to) = (only_file(sh, &packed)?, out.join(name));
        cmd!(sh, "mv {from} {to}").quiet().run()?;
        Ok(to)
    };
    let version = env!("CARGO_PKG_VERSION");
    let without = pack(&format!("auth-server-testkit-{version}.tgz"))?;
    carry(sh, program, &source)?;
    let cpu = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    cmd!(sh, "npm pkg set os[0]=linux cpu[0]={cpu}").run()?;
    let with = pack(&format!("auth-server-testkit-{version}-linux-{cpu}.tgz"))?;
    Ok([without, with])
}

/// Installs a wheel into a new environment and runs a test with the fixture there.
fn try_wheel(sh: &Shell, work: &Path, package: &Path, server: &Path) -> Result<()> {
    let place = work.join("try");
    sh.remove_path(&place)?;
    cmd!(sh, "python3 -m venv {place}").run()?;
    let (pip, python) = (place.join("bin/pip"), place.join("bin/python"));
    cmd!(sh, "{pip} install --quiet --disable-pip-version-check --no-index {package}").run()?;
    let installed =
        cmd!(sh, "{python} -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))'").read()?;
    let has_program = sh.path_exists(Path::new(&installed).join("auth_server_testkit/bin/auth-server"));
    // pytest is with the clients. It finds the plugin by what was installed here.
    let pytest = python_of_clients(sh);
    let _here = sh.push_dir(&place);
    let test = sh.current_dir().join("test_installed.py");
    sh.write_file(&test, include_str!("kits/installed.py"))?;
    let run = cmd!(sh, "{pytest} -m pytest --quiet -p no:cacheprovider --capture=no {test}");
    let run = run.env("PYTHONPATH", &installed).env_remove("AUTH_SERVER_BIN");
    if has_program { run } else { run.env("AUTH_SERVER_BIN", server) }.run()?;
    Ok(())
}

/// Installs a tarball into a new folder and runs a test there.
fn try_tarball(sh: &Shell, work: &Path, package: &Path, server: &Path) -> Result<()> {
    let place = work.join("try");
    sh.remove_path(&place)?;
    sh.create_dir(&place)?;
    let _here = sh.push_dir(&place);
    sh.write_file("package.json", "{\"private\": true}\n")?;
    cmd!(sh, "npm install --offline --no-audit --no-fund --loglevel=error {package}")
        .ignore_stdout()
        .run()?;
    let has_program = sh.path_exists("node_modules/auth-server-testkit/bin/auth-server");
    sh.write_file("installed.test.mjs", include_str!("kits/installed.test.mjs"))?;
    let run = cmd!(sh, "node --test --test-reporter=dot installed.test.mjs").env_remove("AUTH_SERVER_BIN");
    if has_program { run } else { run.env("AUTH_SERVER_BIN", server) }.run()?;
    Ok(())
}

/// The only file in a folder.
fn only_file(sh: &Shell, folder: &Path) -> Result<PathBuf> {
    let files = sh.read_dir(folder)?;
    ensure!(files.len() == 1, "not one file in {}", folder.display());
    files.into_iter().next().context("a file")
}

/// The tag of the systems on which a program runs (PEP 600): those with the C library that it asks for, or a later one.
fn platform(program: &[u8]) -> String {
    const ASKED: &[u8] = b"GLIBC_2.";
    let digits = |rest: &[u8]| -> Option<u32> {
        let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()
    };
    let found = program.windows(ASKED.len()).enumerate().filter(|(_, window)| *window == ASKED);
    let minor = found.filter_map(|(at, _)| digits(program.get(at + ASKED.len()..)?)).max();
    let arch = std::env::consts::ARCH;
    match minor {
        Some(minor) => format!("manylinux_2_{minor}_{arch}"),
        None => format!("manylinux_2_17_{arch}.musllinux_1_1_{arch}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_is_that_of_the_latest_c_library_that_the_program_asks_for() {
        let arch = std::env::consts::ARCH;
        let program = b"\x7fELF GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.17\0GLIBC_PRIVATE\0GLIBC_2.\0";
        assert_eq!(platform(program), format!("manylinux_2_34_{arch}"));
        assert_eq!(platform(b"\x7fELF static"), format!("manylinux_2_17_{arch}.musllinux_1_1_{arch}"));
    }
}

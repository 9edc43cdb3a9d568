//! The slow gates of a release: changes of interfaces, the lowest versions of dependencies, and other targets.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use cargo_metadata::MetadataCommand;
use xshell::{Shell, cmd};

use crate::packages::{self, published};
use crate::progress::{say, step};
use crate::tools::{self, CargoTool};

/// Finds changes of interfaces that break callers.
const SEMVER: CargoTool = CargoTool {
    package: "cargo-semver-checks",
    program: "cargo-semver-checks",
    version: "0.51.0",
    options: &[],
};

/// The file with the commit that interfaces are compared with.
const BASELINE: &str = "xtask/semver-baseline";

/// Checks that no crate breaks callers of the commit that `xtask/semver-baseline` names, unless its version says so.
///
/// # Errors
/// When a crate does, or when that commit is not there.
pub(crate) fn semver(sh: &Shell) -> Result<()> {
    step("changes of interfaces");
    let semver = tools::cargo_tool(sh, SEMVER)?;
    let file = sh.read_file(BASELINE)?;
    let commit =
        file.lines().find(|line| !line.starts_with('#')).context("xtask/semver-baseline names no commit")?;
    let metadata = MetadataCommand::new().current_dir(sh.current_dir()).no_deps().exec()?;
    let mut selected = Vec::new();
    for package in published(&metadata) {
        let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root)?;
        // A crate that is new since then breaks nobody.
        if cmd!(sh, "git cat-file -e {commit}:{manifest}").quiet().ignore_stderr().run().is_ok() {
            selected.extend(["--package".to_owned(), package.name.to_string()]);
        } else {
            say(&format!("{}: new since {commit}", package.name));
        }
    }
    ensure!(!selected.is_empty(), "{BASELINE}: no crate is in {commit}; is the whole history there?");
    cmd!(sh, "{semver} semver-checks --baseline-rev {commit} {selected...}").run()?;
    Ok(())
}

/// Builds each package with the lowest version of each dependency that it asks for.
///
/// # Errors
/// When a requirement is lower than what the source needs.
pub(crate) fn lowest_versions(sh: &Shell) -> Result<()> {
    step("the lowest versions of dependencies");
    let folder = sh.create_temp_dir()?;
    packages::lay(sh, folder.path())?;
    let _target = sh.push_env("CARGO_TARGET_DIR", sh.current_dir().join("target/lowest"));
    let _folder = sh.push_dir(folder.path());
    sh.remove_path("Cargo.lock")?;
    // What cargo calls unstable is how it chooses versions; the compiler is the usual one.
    cmd!(sh, "cargo generate-lockfile --quiet -Z direct-minimal-versions")
        .env("RUSTC_BOOTSTRAP", "1")
        .run()?;
    cmd!(sh, "cargo check --locked --quiet --workspace --all-features").run()?;
    Ok(())
}

/// Lints the crates for every other target whose standard library is installed.
///
/// # Errors
/// When a crate doesn't build for one of them.
pub(crate) fn targets(sh: &Shell) -> Result<()> {
    step("other targets");
    let host = cmd!(sh, "rustc --print host-tuple").quiet().read()?;
    let sysroot = cmd!(sh, "rustc --print sysroot").quiet().read()?;
    let metadata = MetadataCommand::new().current_dir(sh.current_dir()).no_deps().exec()?;
    let selected: Vec<String> = published(&metadata)
        .into_iter()
        .flat_map(|package| ["--package".to_owned(), package.name.to_string()])
        .collect();
    let selected = &selected;
    let mut others = 0;
    for folder in sh.read_dir(Path::new(&sysroot).join("lib/rustlib"))? {
        let Some(target) = folder.file_name().and_then(|name| name.to_str()) else { continue };
        if target == host || !sh.path_exists(folder.join("lib")) {
            continue;
        }
        others += 1;
        say(target);
        cmd!(sh, "cargo clippy --locked --quiet --target {target} {selected...} -- -D warnings").run()?;
    }
    if others == 0 {
        say(&format!(
            "only {host} is installed: other targets are not built (`rustup target add aarch64-unknown-linux-gnu`)"
        ));
    }
    Ok(())
}

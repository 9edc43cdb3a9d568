//! The crates as they would be published: packed, unpacked in another folder, and built and tested there from the packages alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};
use xshell::{Shell, TempDir, cmd};

use crate::progress::{say, step};

/// What every package holds besides its sources.
const IN_EACH: [&str; 4] = ["Cargo.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Tests of a crate that is none of this workspace's, and knows the packages alone.
const OUTSIDE: &str = include_str!("packages/outside.rs");

/// What these tests are built with besides the packages.
const OUTSIDE_DEPENDENCIES: &str = "bytes = \"1\"\nhttp = \"1\"\ntempfile = \"3\"\n\
    tokio = { version = \"1\", features = [\"macros\", \"rt\"] }\n";

/// What hashes is slow without optimization; nobody debugs the rest.
const PROFILES: &str = "[profile.dev]\ndebug = false\n\n[profile.dev.package]\nargon2.opt-level = 3\n\
    auth-argon2.opt-level = 3\nbcrypt.opt-level = 3\nblake2.opt-level = 3\nblowfish.opt-level = 3\n";

/// Packs all crates that are published, and builds and tests them elsewhere.
///
/// # Errors
/// When a package can't be made or lacks something, or when the packages don't build or pass their tests alone.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    step("packages of the crates");
    let folder = sh.create_temp_dir()?;
    let packages = lay(sh, folder.path())?;
    let target = sh.current_dir().join("target/outside");
    let _target = sh.push_env("CARGO_TARGET_DIR", &target);
    {
        let _folder = sh.push_dir(folder.path());
        step("each package built from packages alone");
        cmd!(sh, "cargo build --quiet --workspace").run()?;
        step("the examples of packages, and the tests of those that need nothing unpublished");
        cmd!(sh, "cargo test --quiet --workspace --all-features --doc").run()?;
        let whole = packages.iter().filter(|package| package.whole);
        let whole: Vec<&str> = whole.flat_map(|package| ["--package", &package.name]).collect();
        cmd!(sh, "cargo test --quiet --all-features --lib --tests {whole...}").run()?;
    }
    step("a crate outside, on the packages");
    let server =
        packages.iter().find(|package| package.name == "auth-server").context("auth-server is a package")?;
    let outside = lay_outside(sh, &packages)?;
    let _outside = sh.push_dir(outside.path());
    cmd!(sh, "cargo test --quiet")
        .env("AUTH_SERVER_BIN", target.join("debug/auth-server"))
        .env("AUTH_SERVER_DEFAULTS", server.folder.join("default.toml"))
        .run()?;
    say(&format!("{} packages build and pass their tests alone", packages.len()));
    Ok(())
}

/// A package that was made and unpacked.
pub(crate) struct Unpacked {
    name: String,
    version: String,
    /// Whether it has a feature with which other crates test.
    for_tests: bool,
    /// Whether its tests use published crates alone. A package leaves out dependencies that aren't, which only tests have.
    whole: bool,
    folder: PathBuf,
}

/// Packs all crates that are published, and lays them out in a folder as a workspace, in which they replace those of the registry.
///
/// # Errors
/// When a package can't be made, or lacks something.
pub(crate) fn lay(sh: &Shell, folder: &Path) -> Result<Vec<Unpacked>> {
    let metadata = MetadataCommand::new().current_dir(sh.current_dir()).no_deps().exec()?;
    let packages = published(&metadata);
    let selected: Vec<String> =
        packages.iter().flat_map(|package| ["--package".to_owned(), package.name.to_string()]).collect();
    // Whoever publishes packs what is committed; a check may look at what isn't yet.
    cmd!(sh, "cargo package --locked --quiet --no-verify --allow-dirty {selected...}").run()?;
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let unpacked =
        packages.iter().map(|package| unpack(sh, package, &names, folder)).collect::<Result<Vec<_>>>()?;
    let members: Vec<String> = unpacked.iter().map(|package| format!("{:?}, ", package.folder)).collect();
    let manifest =
        format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n{}", members.concat(), patches(&unpacked));
    sh.write_file(folder.join("Cargo.toml"), manifest)?;
    sh.copy_file("Cargo.lock", folder.join("Cargo.lock"))?;
    Ok(unpacked)
}

/// The crates of the workspace that are published.
pub(crate) fn published(metadata: &Metadata) -> Vec<&Package> {
    metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.publish.as_ref().is_none_or(|to| !to.is_empty()))
        .collect()
}

/// Unpacks a package below a folder. `published` are the names of all packages.
fn unpack(sh: &Shell, package: &Package, published: &[&str], folder: &Path) -> Result<Unpacked> {
    let (name, version) = (package.name.to_string(), package.version.to_string());
    let file = sh.current_dir().join(format!("target/package/{name}-{version}.crate"));
    cmd!(sh, "tar --extract --file {file} --directory {folder}").quiet().run()?;
    let folder = folder.join(format!("{name}-{version}"));
    for part in IN_EACH {
        let part = folder.join(part);
        ensure!(part.is_file() && !part.is_symlink(), "{name}: {} is not in the package", part.display());
    }
    let mut own = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
    let whole = own.all(|dependency| published.contains(&dependency.name.as_str()));
    Ok(Unpacked { for_tests: package.features.contains_key("test-util"), name, version, whole, folder })
}

/// The part of a manifest that has cargo take the packages in place of those of the registry.
fn patches(packages: &[Unpacked]) -> String {
    let patches: Vec<String> = packages
        .iter()
        .map(|package| format!("{} = {{ path = {:?} }}\n", package.name, package.folder))
        .collect();
    format!("[patch.crates-io]\n{}\n{PROFILES}", patches.concat())
}

/// Makes a crate that depends on all packages, in a folder of its own.
fn lay_outside(sh: &Shell, packages: &[Unpacked]) -> Result<TempDir> {
    let outside = sh.create_temp_dir()?;
    let dependencies: Vec<String> = packages
        .iter()
        .map(|Unpacked { name, version, for_tests, .. }| {
            let features = if *for_tests { "\"test-util\"" } else { "" };
            format!("{name} = {{ version = {version:?}, features = [{features}] }}\n")
        })
        .collect();
    let manifest = format!(
        "[package]\nname = \"outside\"\nedition = \"2024\"\npublish = false\n\n[workspace]\n\n\
         [dependencies]\n{}{OUTSIDE_DEPENDENCIES}\n{}",
        dependencies.concat(),
        patches(packages)
    );
    sh.write_file(outside.path().join("Cargo.toml"), manifest)?;
    sh.copy_file("Cargo.lock", outside.path().join("Cargo.lock"))?;
    sh.write_file(outside.path().join("src/lib.rs"), "")?;
    sh.write_file(outside.path().join("tests/outside.rs"), OUTSIDE)?;
    Ok(outside)
}

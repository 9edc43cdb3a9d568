//! Each crate by itself: without its features, and with each of them alone.
//!
//! A build of the whole workspace turns on every feature that any crate asks for, so that a crate which forgets to ask
//! for a feature of a dependency is found only here.

use anyhow::Result;
use cargo_metadata::{MetadataCommand, Package};
use xshell::{Shell, cmd};

/// Lints every crate by itself with each set of features.
///
/// # Errors
/// When a crate does not build without warnings.
pub(crate) fn check(sh: &Shell) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(sh.current_dir()).no_deps().exec()?;
    for package in &metadata.packages {
        let name = package.name.as_str();
        for features in sets(package) {
            cmd!(
                sh,
                "cargo clippy --locked --quiet --package {name} --no-default-features --features {features} -- -D warnings"
            )
            .run()?;
        }
    }
    Ok(())
}

/// The sets of features to check: none, and each alone. `default` stands for others and is left out.
fn sets(package: &Package) -> Vec<&str> {
    let names = package.features.keys().map(String::as_str).filter(|name| *name != "default");
    std::iter::once("").chain(names).collect()
}

//! The lowest Rust that each published crate states.
//!
//! That its own source calls nothing younger is for clippy to say (`incompatible_msrv`).

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Node, PackageId};
use xshell::{Shell, cmd};

use crate::packages::published;

/// Dependencies that say that they need a younger Rust than the crate that is built with them.
pub(super) fn findings(sh: &Shell) -> Result<Vec<String>> {
    let host = cmd!(sh, "rustc --print host-tuple").quiet().read()?;
    let metadata = MetadataCommand::new()
        .current_dir(sh.current_dir())
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked".to_owned(), "--filter-platform".to_owned(), host])
        .exec()?;
    let mut younger = Vec::new();
    for package in published(&metadata) {
        for dependency in linked(&metadata, &package.id).into_iter().map(|id| &metadata[id]) {
            if dependency.rust_version > package.rust_version {
                younger.push(format!(
                    "{}: {} needs a younger Rust than `rust-version` says",
                    package.name, dependency.name
                ));
            }
        }
    }
    Ok(younger)
}

/// What a package is built with, directly and through others, without what its tests use.
fn linked<'a>(metadata: &'a Metadata, root: &'a PackageId) -> BTreeSet<&'a PackageId> {
    let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
    let nodes: BTreeMap<&PackageId, &Node> = nodes.map(|node| (&node.id, node)).collect();
    let (mut found, mut next) = (BTreeSet::new(), vec![root]);
    while let Some(id) = next.pop() {
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.deps) {
            let is_linked = dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
            if is_linked && found.insert(&dependency.pkg) {
                next.push(&dependency.pkg);
            }
        }
    }
    found
}

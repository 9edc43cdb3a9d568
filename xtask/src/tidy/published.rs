//! Crates that are published: what a registry and its readers need of each.

use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, Package};

use crate::book::front_page;
use crate::packages::published;

/// The licence texts that each package carries.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// What the crates that are published lack.
pub(super) fn findings(metadata: &Metadata) -> Vec<String> {
    published(metadata).into_iter().flat_map(|package| package_findings(package, metadata)).collect()
}

fn package_findings(package: &Package, metadata: &Metadata) -> Vec<String> {
    let mut found: Vec<String> = missing(package).into_iter().map(|what| format!("no {what}")).collect();
    found.extend(dependency_findings(package, metadata));
    let folder = package.manifest_path.as_std_path().parent().unwrap_or(Path::new(""));
    for licence in LICENCES {
        let own = std::fs::read(folder.join(licence)).ok();
        if own.is_none() || own != std::fs::read(metadata.workspace_root.as_std_path().join(licence)).ok() {
            found.push(format!("{licence} is not that of the workspace: `ln -s ../../{licence}`"));
        }
    }
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
    let (readme, library) = (read("README.md"), read("src/lib.rs"));
    let tested = library.contains("include_str!(\"../README.md\")");
    match front_page::written(&readme, &library) {
        Some(written) if written == readme => {}
        Some(_) => found.push("README.md is not what `cargo xtask book` writes".to_owned()),
        None if tested => {}
        None => found
            .push("README.md has no front page of src/lib.rs, and its examples are not tested".to_owned()),
    }
    found.into_iter().map(|finding| format!("{}: {finding}", package.name)).collect()
}

/// What the manifest doesn't say.
fn missing(package: &Package) -> Vec<&'static str> {
    let docs = package.metadata.pointer("/docs/rs/all-features").and_then(serde_json::Value::as_bool);
    let keywords = &package.keywords;
    let good_keywords = (1..=5).contains(&keywords.len()) && keywords.iter().all(|word| word.len() <= 20);
    [
        (package.description.is_some(), "description"),
        (package.license.is_some(), "license"),
        (package.repository.is_some(), "repository"),
        (package.readme.is_some(), "readme"),
        (good_keywords, "keywords, or more than five, or one of more than 20 letters"),
        ((1..=5).contains(&package.categories.len()), "categories, or more than five"),
        (package.rust_version.is_some(), "rust-version"),
        (docs == Some(true), "[package.metadata.docs.rs] with all-features"),
    ]
    .into_iter()
    .filter_map(|(there, what)| (!there).then_some(what))
    .collect()
}

/// Dependencies between crates of the workspace that a registry would refuse, or that need a younger Rust.
fn dependency_findings(package: &Package, metadata: &Metadata) -> Vec<String> {
    let mut found = Vec::new();
    for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
        let name = &dependency.name;
        let Some(target) = metadata.packages.iter().find(|package| *package.name == *name) else { continue };
        let for_tests = dependency.kind == DependencyKind::Development;
        let is_published = published(metadata).iter().any(|package| *package.name == *name);
        let requirement = dependency.req.to_string();
        if !is_published && (!for_tests || requirement != "*") {
            found.push(format!(
                "{name} is not published: depend on it in tests alone, by its path without a version"
            ));
        }
        if is_published && !for_tests && requirement != format!("^{}", target.version) {
            found.push(format!("{name} must be asked for as \"{}\", not \"{requirement}\"", target.version));
        }
        if !for_tests && target.rust_version > package.rust_version {
            found.push(format!("its rust-version is below that of {name}"));
        }
    }
    found
}

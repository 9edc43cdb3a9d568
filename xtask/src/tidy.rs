//! The project's own rules, which no other tool checks: file headers and lengths, arrows between crates, no circles
//! between files, no crate that brings more along than its ceiling, no test switched off, no tracked secrets, no promise in
//! SECURITY.md without a test, no template that lets markup in, no crate that a registry would refuse, no link of a page that
//! leads nowhere.

mod arrows;
mod circles;
mod lowest_rust;
mod modules;
mod names;
mod pages;
mod promises;
mod published;
mod resolve;
mod secrets;
mod templates;
mod tokens;
mod weight;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};
use xshell::{Shell, cmd};

use crate::fuzz;
use crate::progress::say;

/// A module that has more lines than this needs a header.
const HEADER_FROM: usize = 30;

/// No file has more lines than this.
const LONGEST: usize = 500;

/// The files whose promises name their tests.
const PROMISES: [&str; 2] = ["SECURITY.md", "docs/reports.md"];

/// The folders with Rust files. One that is absent is left out.
const FOLDERS: &[&str] = &["benches", "crates", "examples", "fuzz/fuzz_targets", "xtask"];

/// The libraries that are of use in this workspace alone.
const UNTAKEN: &[&str] = &["auth-conformance", "auth-server", "test-postgres"];

/// Marks of work left undone or switched off. In pieces, so that this file passes.
const UNDONE: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[", "ignore")];

/// Checks every rule and reports all findings at once.
///
/// # Errors
/// The list of findings, or what kept a rule from being checked.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let root = sh.current_dir();
    let metadata = MetadataCommand::new().current_dir(&root).no_deps().exec()?;
    let mut findings = arrows::findings(&root, &metadata);
    findings.extend(published::findings(&metadata));
    findings.extend(lowest_rust::findings(sh)?);
    let mut tests = BTreeSet::new();
    for folder in FOLDERS.iter().map(|folder| root.join(folder)).filter(|folder| sh.path_exists(folder)) {
        for file in files(sh, &folder, "html")? {
            let name = file.strip_prefix(&root)?.display().to_string();
            findings.extend(templates::findings(&name, &sh.read_file(&file)?));
        }
        for file in files(sh, &folder, "rs")? {
            let name = file.strip_prefix(&root)?.display().to_string();
            let text = sh.read_file(&file)?;
            findings.extend(file_findings(&name, &text));
            tests.extend(promises::tests_of(&text));
        }
    }
    for name in PROMISES {
        findings.extend(promises::findings(name, &sh.read_file(name)?, &tests));
    }
    findings.extend(test_findings(&metadata));
    findings.extend(dependency_findings(&sh.read_file("Cargo.toml")?, &metadata));
    findings.extend(circle_findings(sh, &root, &metadata)?);
    if sh.path_exists(".git") {
        let tracked = tracked(sh)?;
        // A tracked file that was deleted just now holds nothing.
        findings.extend(secrets::findings(&tracked, &|file| sh.read_binary_file(file).unwrap_or_default()));
        findings.extend(pages::findings(&root, &tracked));
    } else {
        say("not a git repository: no file is tracked");
    }
    findings.extend(weight::findings(sh, &sh.read_file(weight::TABLE)?, &libraries(&root, &metadata))?);
    let manifest = sh.read_file("fuzz/Cargo.toml")?;
    for target in fuzz::targets(sh)? {
        if !manifest.contains(&format!("name = \"{target}\"")) {
            findings.push(format!("fuzz/Cargo.toml: no [[bin]] for {target}"));
        }
    }
    if !findings.is_empty() {
        bail!("not tidy:\n{}", findings.join("\n"));
    }
    Ok(())
}

/// The libraries in `crates/` that a program outside may take.
fn libraries<'m>(root: &Path, metadata: &'m Metadata) -> Vec<&'m str> {
    let is_taken = |package: &&Package| {
        package.manifest_path.as_std_path().starts_with(root.join("crates"))
            && package.targets.iter().any(|target| target.is_lib())
            && !UNTAKEN.contains(&package.name.as_str())
    };
    metadata.packages.iter().filter(is_taken).map(|package| package.name.as_str()).collect()
}

/// The files below a folder whose names end so.
fn files(sh: &Shell, folder: &Path, end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in sh.read_dir(folder)? {
        let hidden = path.file_name().is_some_and(|name| name == "target" || name == "node_modules");
        if path.is_dir() && !hidden {
            found.extend(files(sh, &path, end)?);
        } else if path.extension().is_some_and(|is| is == end) {
            found.push(path);
        }
    }
    Ok(found)
}

fn file_findings(name: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let mut found = Vec::new();
    // Attributes such as `no_main` may stand before the header.
    let header = text.lines().take(5).any(|line| line.starts_with("//!"));
    // The name of a `tests.rs` says what the file tests: the module above it.
    if lines > HEADER_FROM && !header && !name.ends_with("/tests.rs") {
        found.push(format!("{name}: no header: begin with `//!` and what the file is about"));
    }
    if lines > LONGEST {
        found.push(format!("{name}: {lines} lines, at most {LONGEST}"));
    }
    for mark in UNDONE.iter().filter(|mark| text.contains(**mark)) {
        found.push(format!("{name}: {mark}"));
    }
    if name.ends_with("/mod.rs") && !name.contains("/tests/") {
        found.push(format!("{name}: name the file after its folder, and put it beside the folder"));
    }
    found
}

/// Libraries whose tests or documentation tests `cargo test` would leave out.
fn test_findings(metadata: &Metadata) -> Vec<String> {
    let libraries = metadata.packages.iter().flat_map(|package| {
        package.targets.iter().filter(|target| target.is_lib()).map(move |target| (&package.name, target))
    });
    let untested = libraries.filter(|(_, target)| !target.test || !target.doctest);
    untested.map(|(name, _)| format!("{name}: `test` or `doctest` of the library is switched off")).collect()
}

/// Entries of `[workspace.dependencies]` that no crate of the workspace asks for.
fn dependency_findings(manifest: &str, metadata: &Metadata) -> Vec<String> {
    let dependencies = metadata.packages.iter().flat_map(|package| &package.dependencies);
    let used: BTreeSet<&str> = dependencies
        .map(|dependency| dependency.rename.as_ref().unwrap_or(&dependency.name).as_str())
        .collect();
    let unused = workspace_dependencies(manifest).into_iter().filter(|name| !used.contains(name));
    unused.map(|name| format!("Cargo.toml: no crate depends on {name}")).collect()
}

/// The names in the table `[workspace.dependencies]`, each of which begins a line.
fn workspace_dependencies(manifest: &str) -> Vec<&str> {
    let lines = manifest.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    let table = lines.take_while(|line| !line.starts_with('['));
    table.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect()
}

/// Circles between the files of each crate.
fn circle_findings(sh: &Shell, root: &Path, metadata: &Metadata) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for package in &metadata.packages {
        let roots = target_roots(root, package);
        for circle in circles::find(&roots, &|file| sh.read_file(root.join(file)).ok())? {
            found.push(format!("{}: {circle}", package.name));
        }
    }
    Ok(found)
}

/// The files in which the library and the programs of a package begin.
fn target_roots(root: &Path, package: &Package) -> Vec<String> {
    let built = |kind: &TargetKind| matches!(kind, TargetKind::Lib | TargetKind::ProcMacro | TargetKind::Bin);
    let targets = package.targets.iter().filter(|target| target.kind.iter().any(built));
    let files = targets.filter_map(|target| target.src_path.as_std_path().strip_prefix(root).ok());
    files.map(|file| file.display().to_string()).collect()
}

/// The files that git tracks.
fn tracked(sh: &Shell) -> Result<Vec<String>> {
    let listed = cmd!(sh, "git ls-files -z").quiet().read()?;
    Ok(listed.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspace_dependencies_are_the_names_of_their_table() {
        let manifest = "[workspace]\nresolver = \"3\"\n\n[workspace.dependencies]\n# Words.\none = \"1\"\n\n\
            two-b = { version = \"2\", features = [\"x\"] }\n\n[workspace.lints.rust]\nthree = \"warn\"\n";
        assert_eq!(workspace_dependencies(manifest), ["one", "two-b"]);
    }

    #[test]
    fn each_rule_can_be_broken() {
        let long = |lines: usize| format!("//! Header.\n{}", "\n".repeat(lines - 1));
        assert_eq!(file_findings("a.rs", &long(500)), Vec::<String>::new());
        assert_eq!(file_findings("a.rs", &"\n".repeat(30)), Vec::<String>::new());
        assert_eq!(file_findings("a.rs", &"\n".repeat(31)).len(), 1, "no header");
        assert_eq!(file_findings("a.rs", &long(501)).len(), 1, "too long");
        assert_eq!(file_findings("src/a/mod.rs", "").len(), 1, "module file");
        for mark in UNDONE {
            assert_eq!(file_findings("a.rs", mark).len(), 1, "{mark}");
        }
    }
}

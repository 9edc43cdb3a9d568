//! The project's own rules, which no other tool knows.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, MetadataCommand};
use xshell::Shell;

use crate::fuzz;

/// A module that has more lines than this needs a header.
const HEADER_FROM: usize = 30;

/// No file has more lines than this, but for those in [`LONG`].
const LONGEST: usize = 500;

/// Files that may be longer, each with its reason.
const LONG: &[(&str, &str)] = &[(
    "crates/auth-proto-rocketchat/tests/protocol/account.rs",
    "one table of calls on accounts and their answers",
)];

/// The arrows of ARCHITECTURE.md: what each crate may be linked with, and what its tests may use besides.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("auth-core", &[], &[]),
    ("auth-argon2", &[], &[]),
    ("auth-crypto", &["auth-core", "auth-argon2"], &[]),
    ("auth-engine", &["auth-core", "auth-crypto"], &["auth-store", "test-postgres"]),
    ("auth-store", &["auth-core"], &["test-postgres"]),
    ("auth-ldap", &["auth-core"], &["auth-conformance"]),
    ("auth-proto-zulip", &["auth-core"], &[]),
    ("auth-proto-rocketchat", &["auth-core"], &[]),
    ("auth-proto-zettelstore", &["auth-core"], &[]),
    (
        "auth-server",
        &[
            "auth-core",
            "auth-crypto",
            "auth-engine",
            "auth-ldap",
            "auth-proto-rocketchat",
            "auth-proto-zettelstore",
            "auth-proto-zulip",
            "auth-store",
        ],
        &["test-postgres"],
    ),
    ("auth-conformance", &["test-postgres"], &[]),
    ("test-postgres", &[], &[]),
    ("xtask", &[], &[]),
    (
        "benches",
        &[
            "auth-argon2",
            "auth-conformance",
            "auth-core",
            "auth-crypto",
            "auth-engine",
            "auth-proto-rocketchat",
            "auth-proto-zettelstore",
            "auth-proto-zulip",
            "auth-server",
            "auth-store",
            "test-postgres",
        ],
        &["auth-argon2", "auth-core", "auth-crypto", "auth-engine", "auth-store"],
    ),
];

/// Marks of work left undone or switched off. In pieces, so that this file passes.
const UNDONE: &[&str] = &[concat!("to", "do!("), concat!("unimple", "mented!("), concat!("#[ig", "nore")];

/// Checks everything and names all that is wrong.
///
/// # Errors
/// The list of what is wrong.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let root = sh.current_dir();
    let mut wrong = arrows(&root)?;
    for folder in ["benches", "crates", "fuzz/fuzz_targets", "xtask"] {
        for file in rust_files(sh, &root.join(folder))? {
            let name = file.strip_prefix(&root)?.display().to_string();
            wrong.extend(file_faults(&name, &sh.read_file(&file)?));
        }
    }
    let manifest = sh.read_file("fuzz/Cargo.toml")?;
    for target in fuzz::targets(sh)? {
        if !manifest.contains(&format!("name = \"{target}\"")) {
            wrong.push(format!("fuzz/Cargo.toml: no [[bin]] for {target}"));
        }
    }
    if !wrong.is_empty() {
        bail!("not tidy:\n{}", wrong.join("\n"));
    }
    Ok(())
}

fn rust_files(sh: &Shell, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in sh.read_dir(folder)? {
        let hidden = path.file_name().is_some_and(|name| name == "target" || name == "node_modules");
        if path.is_dir() && !hidden {
            found.extend(rust_files(sh, &path)?);
        } else if path.extension().is_some_and(|is| is == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

fn file_faults(name: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    let mut wrong = Vec::new();
    // Attributes such as `no_main` may stand before it.
    let header = text.lines().take(5).any(|line| line.starts_with("//!"));
    // A `tests.rs` says by its name what it is about: the module above it.
    if lines > HEADER_FROM && !header && !name.ends_with("/tests.rs") {
        wrong.push(format!("{name}: no header: begin with `//!` and what it is about"));
    }
    if lines > LONGEST && !LONG.iter().any(|(long, _)| *long == name) {
        wrong.push(format!("{name}: {lines} lines, at most {LONGEST}"));
    }
    for mark in UNDONE.iter().filter(|mark| text.contains(**mark)) {
        wrong.push(format!("{name}: {mark}"));
    }
    if name.ends_with("/mod.rs") && !name.contains("/tests/") {
        wrong.push(format!("{name}: name it after its folder, beside it"));
    }
    wrong
}

/// Dependencies inside the house that no arrow allows.
fn arrows(root: &Path) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some((_, linked, tested)) = ARROWS.iter().find(|(known, ..)| *known == name) else {
            wrong.push(format!("{name}: say in xtask/src/tidy.rs what it may depend on"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let target = dependency.name.as_str();
            // A crate's tests may ask for itself, with other features.
            let for_tests = dependency.kind == DependencyKind::Development;
            let allowed =
                linked.contains(&target) || for_tests && (tested.contains(&target) || target == name);
            if !allowed {
                wrong.push(format!("{name}: must not depend on {target}"));
            }
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_can_be_broken() {
        let long = |lines: usize| format!("//! Header.\n{}", "\n".repeat(lines - 1));
        assert_eq!(file_faults("a.rs", &long(500)), Vec::<String>::new());
        assert_eq!(file_faults("a.rs", &"\n".repeat(30)), Vec::<String>::new());
        assert_eq!(file_faults("a.rs", &"\n".repeat(31)).len(), 1, "no header");
        assert_eq!(file_faults("a.rs", &long(501)).len(), 1, "too long");
        assert_eq!(file_faults("src/a/mod.rs", "").len(), 1, "module file");
        for mark in UNDONE {
            assert_eq!(file_faults("a.rs", mark).len(), 1, "{mark}");
        }
    }
}

//! What each crate brings along: the table in docs/weight.md is true, and no crate is heavier than its ceiling.

use std::collections::BTreeSet;

use anyhow::Result;
use xshell::{Shell, cmd};

/// The file with the table.
pub(super) const TABLE: &str = "docs/weight.md";

/// A row of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    name: &'a str,
    /// The features, with blanks between; `default` for those that are on by default.
    features: &'a str,
    crates: usize,
    ceiling: usize,
}

/// Rows that are not true, crates above their ceiling, and crates of `published` that have no row.
///
/// # Errors
/// When cargo can't tell what a crate depends on.
pub(super) fn findings(sh: &Shell, text: &str, published: &[&str]) -> Result<Vec<String>> {
    let rows: Vec<Row<'_>> = text.lines().filter_map(row).collect();
    let named: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    let lost = published.iter().filter(|name| !named.contains(*name));
    let mut found: Vec<String> = lost.map(|name| format!("{TABLE}: no row for {name}")).collect();
    for row in &rows {
        found.extend(judge(row, weigh(sh, row)?));
    }
    Ok(found)
}

/// Reads a line such as `| auth-core | default | 13 | 14 |`.
fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> =
        line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim).collect();
    let [name, features, crates, ceiling] = cells[..] else { return None };
    Some(Row {
        name: name.trim_matches('`'),
        features,
        crates: crates.parse().ok()?,
        ceiling: ceiling.parse().ok()?,
    })
}

/// What is wrong with a row, of a crate that brings so many along.
fn judge(row: &Row<'_>, crates: usize) -> Option<String> {
    let Row { name, features, ceiling, .. } = row;
    if crates > *ceiling {
        Some(format!("{name} ({features}): {crates} crates, at most {ceiling}: see {TABLE}"))
    } else if crates != row.crates {
        Some(format!("{TABLE}: {name} ({features}): says {}, has {crates}", row.crates))
    } else {
        None
    }
}

/// The number of crates that a crate is built with, beside itself, in each of its versions.
fn weigh(sh: &Shell, row: &Row<'_>) -> Result<usize> {
    let (name, features) = (row.name, row.features);
    let features = match features {
        "default" => vec![],
        "none" => vec!["--no-default-features"],
        named => vec!["--no-default-features", "--features", named],
    };
    let tree = cmd!(
        sh,
        "cargo tree --locked --edges normal --target x86_64-unknown-linux-gnu --prefix none --no-dedupe --package {name} {features...}"
    );
    Ok(count(&tree.quiet().read()?, name))
}

/// The packages that a tree names, but for the one at its root.
fn count(tree: &str, root: &str) -> usize {
    let package = |line: &str| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    let packages: BTreeSet<_> = tree.lines().filter_map(package).filter(|(name, _)| name != root).collect();
    packages.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row<'_> = Row { name: "auth-store", features: "sqlite", crates: 31, ceiling: 33 };

    #[test]
    fn rows_are_read_and_other_lines_are_not() {
        assert_eq!(row("| `auth-store` | sqlite | 31 | 33 |"), Some(ROW));
        for line in
            ["", "| crate | features | crates | ceiling |", "| --- | --- | --- | --- |", "| a | 1 | 2 |"]
        {
            assert_eq!(row(line), None, "{line}");
        }
    }

    #[test]
    fn a_row_is_true_and_below_its_ceiling() {
        assert_eq!(judge(&ROW, 31), None);
        assert!(judge(&ROW, 30).is_some_and(|found| found.contains("says 31, has 30")));
        assert!(judge(&ROW, 34).is_some_and(|found| found.contains("at most 33")));
    }

    #[test]
    fn each_version_of_a_package_counts_once_and_the_root_does_not() {
        let tree =
            "auth-store v0.1.0 (/path)\nsyn v3.0.9 (proc-macro)\nsyn v2.0.1\nsyn v3.0.9 (proc-macro)\n\n";
        assert_eq!(count(tree, "auth-store"), 2);
    }
}

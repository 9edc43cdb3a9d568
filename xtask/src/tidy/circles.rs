//! Circles between the files of a crate: files of which each uses names that the others define.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::Result;

use super::modules;
use super::names::{self, Edges};

/// Files that can't be read one after the other, and what ties them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) files: BTreeSet<String>,
    pub(super) edges: Edges,
}

impl fmt::Display for Circle {
    /// One line for the circle and one for each edge of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a circle of {} files:", self.files.len())?;
        for ((from, to), names) in &self.edges {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            write!(f, "\n    {from} -> {to}: {}", names.join(", "))?;
        }
        Ok(())
    }
}

/// The circles of a crate, whose targets begin in the files `roots`.
///
/// # Errors
/// When a file can't be read or parsed.
pub(super) fn find(roots: &[String], read: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Circle>> {
    let mut edges = Edges::new();
    for root in roots {
        names::edges(&modules::load(root, read)?, &mut edges);
    }
    Ok(circles(&edges))
}

/// The strongly connected components of more than one file.
fn circles(edges: &Edges) -> Vec<Circle> {
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges.keys() {
        next.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        next.keys().map(|file| (*file, reachable(file, &next))).collect();
    let leads = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let mut found: Vec<Circle> = Vec::new();
    for file in next.keys().copied().filter(|file| leads(file, file)) {
        if found.iter().any(|circle| circle.files.contains(file)) {
            continue;
        }
        let files: BTreeSet<String> = next
            .keys()
            .filter(|other| leads(file, other) && leads(other, file))
            .map(|&one| one.to_owned())
            .collect();
        let inside = edges.iter().filter(|((from, to), _)| files.contains(from) && files.contains(to));
        let edges = inside.map(|(edge, names)| (edge.clone(), names.clone())).collect();
        found.push(Circle { files, edges });
    }
    found
}

/// The files that edges lead to from a file, and that file itself only if they lead back.
fn reachable<'a>(from: &'a str, next: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for to in next.get(file).into_iter().flatten() {
            if found.insert(*to) {
                open.push(to);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;

//! Pages of documentation: links that lead somewhere, and a place in the book for each.

use std::path::Path;

use crate::book::{PLACED, SETTINGS, examples, links, settings};

/// The table of contents of the book.
const SUMMARY: &str = "docs/SUMMARY.md";

/// What is wrong with the pages among the tracked files of the source in `root`.
pub(super) fn findings(root: &Path, tracked: &[String]) -> Vec<String> {
    let is_there = |path: &str| root.join(path).exists();
    let page_at = |path: &str| std::fs::read_to_string(root.join(path)).ok();
    let mut found = Vec::new();
    // A link to a page is where a package takes the page from, and no page by itself.
    let pages = tracked
        .iter()
        .filter(|file| file.ends_with(".md") && !file.contains("/data/") && !root.join(file).is_symlink());
    for page in pages.filter(|page| *page != SUMMARY) {
        found.extend(links::findings(page, &page_at(page).unwrap_or_default(), &is_there, &page_at));
    }
    let contents = page_at(SUMMARY).unwrap_or_default();
    let listed: Vec<String> = links::links(&contents).into_iter().map(|link| link.target).collect();
    let documents = tracked.iter().filter_map(|file| file.strip_prefix("docs/"));
    let code = examples::names(tracked.iter().map(String::as_str));
    let pages: Vec<String> = documents
        .filter(|page| page.ends_with(".md") && *page != "SUMMARY.md")
        .chain(PLACED.map(|(_, page)| page))
        .map(str::to_owned)
        .chain(code.into_iter().map(|name| format!("examples/{name}.md")))
        .collect();
    for page in &pages {
        if listed.iter().filter(|target| *target == page).count() != 1 {
            found.push(format!("{SUMMARY}: {page} must be listed once"));
        }
    }
    for target in listed.iter().filter(|target| !pages.contains(target)) {
        found.push(format!("{SUMMARY}: {target} is not there"));
    }
    let (page, defaults) = SETTINGS;
    if page_at(page) != page_at(defaults).map(|defaults| settings::page(&defaults)) {
        found.push(format!("{page} is not what `cargo xtask book` writes"));
    }
    found
}

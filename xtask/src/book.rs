//! The book in docs/, and the pages of documentation that are written from the source.
//!
//! A page of the book is a file of docs/, one of the files in the root of the source that have a place in the book ([`PLACED`]), or
//! the code of an example ([`examples`]). In the book, a link to a file of the source that is no page leads to the repository.

pub(crate) mod examples;
pub(crate) mod front_page;
pub(crate) mod links;
pub(crate) mod settings;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};
use xshell::{Shell, cmd};

use crate::packages::published;
use crate::tools::{self, CargoTool};

/// Makes the book of its pages.
const MDBOOK: CargoTool = CargoTool {
    package: "mdbook",
    program: "mdbook",
    version: "0.5.4",
    options: &["--no-default-features", "--features", "search"],
};

/// Files in the root of the source that are pages of the book, and their names there.
pub(crate) const PLACED: [(&str, &str); 4] = [
    ("ARCHITECTURE.md", "architecture.md"),
    ("CHANGELOG.md", "changelog.md"),
    ("CONTRIBUTING.md", "contributing.md"),
    ("SECURITY.md", "security.md"),
];

/// The page of the configuration, and what it is written from.
pub(crate) const SETTINGS: (&str, &str) = ("docs/configuration.md", "crates/auth-server/default.toml");

/// Writes the pages that are made from the source, and makes the book in `target/book`.
///
/// # Errors
/// When a page can't be written, or the book can't be made.
pub(crate) fn run(sh: &Shell) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(sh.current_dir()).no_deps().exec()?;
    write_front_pages(sh, &metadata)?;
    let (page, defaults) = SETTINGS;
    sh.write_file(page, settings::page(&sh.read_file(defaults)?))?;
    let commands = cmd!(sh, "cargo run --locked --quiet --package auth-server --example reference").read()?;
    sh.write_file("docs/commands.md", format!("{commands}\n"))?;
    make(sh)
}

/// Makes the book in `target/book` of the pages as they are.
///
/// # Errors
/// When mdBook can't be installed, or finds something wrong.
pub(crate) fn make(sh: &Shell) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(sh.current_dir()).no_deps().exec()?;
    let mdbook = tools::cargo_tool(sh, MDBOOK)?;
    let server = metadata.packages.iter().find(|package| *package.name == "auth-server");
    let repository =
        server.and_then(|package| package.repository.clone()).context("no address of the source")?;
    let source = sh.current_dir().join("target/book-source");
    sh.remove_path(&source)?;
    for file in cmd!(sh, "git ls-files --cached --others --exclude-standard -- docs").quiet().read()?.lines()
    {
        let place = file.strip_prefix("docs/").unwrap_or(file);
        if place.ends_with(".md") {
            sh.write_file(source.join(place), for_book(file, place, &sh.read_file(file)?, &repository))?;
        } else {
            // With the folder of the file.
            sh.write_file(source.join(place), sh.read_binary_file(file)?)?;
        }
    }
    for (file, place) in PLACED {
        sh.write_file(source.join(place), for_book(file, place, &sh.read_file(file)?, &repository))?;
    }
    let files = cmd!(sh, "git ls-files --cached --others --exclude-standard -- examples").quiet().read()?;
    let files: Vec<&str> = files.lines().collect();
    for name in examples::names(files.iter().copied()) {
        let readme = format!("examples/{name}/README.md");
        let place = format!("examples/{name}.md");
        let about = if files.contains(&readme.as_str()) {
            for_book(&readme, &place, &sh.read_file(&readme)?, &repository)
        } else {
            let package = metadata.packages.iter().find(|package| *package.name == name);
            let about = package.and_then(|package| package.description.as_deref());
            format!("# {name}\n\n{}.", about.context("an example says nothing of itself")?)
        };
        sh.write_file(source.join(&place), examples::page(name, &about, &files))?;
    }
    cmd!(sh, "{mdbook} build {source}").quiet().run()?;
    Ok(())
}

/// Writes the front pages of the crates into their READMEs.
fn write_front_pages(sh: &Shell, metadata: &Metadata) -> Result<()> {
    for package in published(metadata) {
        let Some(folder) = package.manifest_path.parent() else { continue };
        let (readme, library) = (folder.join("README.md"), folder.join("src/lib.rs"));
        if let Some(text) = front_page::written(&sh.read_file(&readme)?, &sh.read_file(&library)?) {
            sh.write_file(&readme, text)?;
        }
    }
    Ok(())
}

/// The text of the file `file` as the page `place` of the book: its links lead to pages, or into the repository.
fn for_book(file: &str, place: &str, text: &str, repository: &str) -> String {
    let mut out = text.to_owned();
    let mut links = links::links(text);
    links.sort_by_key(|link| std::cmp::Reverse(link.range.start));
    for link in links.iter().filter(|link| !link.target.is_empty()) {
        let Some(path) = links::resolve(file, &link.target) else { continue };
        let page = PLACED.iter().find(|(from, _)| *from == path).map(|(_, to)| (*to).to_owned());
        let page = page.or_else(|| path.strip_prefix("docs/").map(str::to_owned));
        let new = match page.or_else(|| examples::page_of(&path)) {
            Some(page) => links::relative(place, &page),
            None => format!("{repository}/{path}"),
        };
        // The target is the last thing in a link that is written in place, and the only one in a definition of its own.
        if let Some(written) = out.get(link.range.clone())
            && let Some(at) = written.rfind(&format!("]({}", link.target))
        {
            let begin = link.range.start + at + "](".len();
            out.replace_range(begin..begin + link.target.len(), &new);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_page_lead_to_pages_or_into_the_repository() {
        let text = "[a](docs/x.md#h), [b](CHANGELOG.md), [c](crates/d/README.md), [e](https://f.org), [g](#h), [i](examples/j)";
        let expected = "[a](x.md#h), [b](changelog.md), [c](https://r.org/crates/d/README.md), [e](https://f.org), [g](#h), \
                        [i](examples/j.md)";
        assert_eq!(for_book("SECURITY.md", "security.md", text, "https://r.org"), expected);
        assert_eq!(
            for_book(
                "docs/contract/z.md",
                "contract/z.md",
                "[a](../../SECURITY.md) [z](../y.md)",
                "https://r.org"
            ),
            "[a](../security.md) [z](../y.md)"
        );
    }
}

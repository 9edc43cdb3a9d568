//! Pages of the book with the code of the examples: each folder of `examples/` is a page.

/// The page of the book that the folder of an example is; `None` for any other path from the root of the source.
pub(crate) fn page_of(path: &str) -> Option<String> {
    let name = path.strip_prefix("examples/")?.split('/').next().filter(|name| !name.is_empty())?;
    Some(format!("examples/{name}.md"))
}

/// The names of the examples among the files of the source.
pub(crate) fn names<'a>(files: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let named = |file: &'a str| file.strip_prefix("examples/")?.strip_suffix("/Cargo.toml");
    files.into_iter().filter_map(named).filter(|name| !name.contains('/')).collect()
}

/// The page of an example: what it is about, and each of its files, which mdBook puts in.
pub(crate) fn page(name: &str, about: &str, files: &[&str]) -> String {
    let folder = format!("examples/{name}/");
    let mut own: Vec<&str> = files.iter().filter_map(|file| file.strip_prefix(&folder)).collect();
    // What it depends on, then the front page, then all else: tests come last by their name.
    own.sort_by_key(|file| (*file != "Cargo.toml", *file != "src/lib.rs", *file));
    let mut page = format!("{}\n", about.trim());
    for file in own {
        let language = match file.rsplit_once('.') {
            // `ignore`: without a button that has it run elsewhere.
            Some((_, "rs")) => "rust,ignore",
            Some((_, "toml")) => "toml",
            _ => continue,
        };
        page.push_str(&format!(
            "\n## {file}\n\n````{language}\n{{{{#include ../../../{folder}{file}}}}}\n````\n"
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_files_of_its_example() {
        let files = [
            "examples/a/Cargo.toml",
            "examples/a/README.md",
            "examples/a/src/b.rs",
            "examples/a/src/lib.rs",
            "examples/ab/src/c.rs",
        ];
        assert_eq!(names(files), ["a"]);
        let page = page("a", "# a\n\nAn example.\n", &files);
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, ["## Cargo.toml", "## src/lib.rs", "## src/b.rs"]);
        assert!(page.starts_with(
            "# a\n\nAn example.\n\n## Cargo.toml\n\n````toml\n{{#include ../../../examples/a/Cargo.toml}}\n"
        ));
    }

    #[test]
    fn a_path_into_an_example_is_its_page() {
        assert_eq!(page_of("examples/a/src/lib.rs").as_deref(), Some("examples/a.md"));
        assert_eq!(page_of("examples/a").as_deref(), Some("examples/a.md"));
        assert_eq!(page_of("examples"), None);
        assert_eq!(page_of("docs/examples/a.md"), None);
    }
}

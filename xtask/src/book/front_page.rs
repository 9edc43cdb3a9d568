//! The front page of a crate: the documentation of its `lib.rs`, as its README shows it on a registry's page.

/// The lines between which a README has the front page.
const BEGIN: &str = "<!-- front page: written by cargo xtask book from src/lib.rs -->";
const END: &str = "<!-- front page end -->";

/// Puts the documentation of a `lib.rs` between the marks of a README. `None` without marks.
pub(crate) fn written(readme: &str, library: &str) -> Option<String> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", front_page(library).trim()))
}

/// The documentation with which a `lib.rs` begins, as Markdown that needs no rustdoc: without hidden lines of examples, without
/// links that only rustdoc resolves, and with headings below the title of a README.
fn front_page(library: &str) -> String {
    let lines = library.lines().skip_while(|line| !line.starts_with("//!"));
    let lines =
        lines.map_while(|line| line.strip_prefix("//!")).map(|line| line.strip_prefix(' ').unwrap_or(line));
    let mut page = String::new();
    // Outside of a block; in one of text; or in one of Rust.
    let mut block = None;
    for line in lines {
        match (block, line.trim_start().strip_prefix("```")) {
            (None, Some(tag)) => {
                let rust = matches!(tag, "" | "rust" | "no_run" | "ignore" | "should_panic" | "compile_fail");
                let indent = line.split('`').next().unwrap_or_default();
                page.push_str(indent);
                page.push_str("```");
                page.push_str(if rust { "rust" } else { tag });
                block = Some(rust);
            }
            (Some(_), Some(_)) => {
                page.push_str(line);
                block = None;
            }
            (Some(true), None) if matches!(line.trim_start().split(' ').next(), Some("#")) => continue,
            (Some(_), None) => page.push_str(line),
            (None, None) => {
                if line.starts_with('#') {
                    page.push('#');
                }
                page.push_str(&without_item_links(line));
            }
        }
        page.push('\n');
    }
    page
}

/// A line whose links to items are their texts alone. Links to addresses stay.
fn without_item_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let Some((text, behind)) = after.split_once(']') else {
            out.push('[');
            rest = after;
            continue;
        };
        let link = behind.strip_prefix('(').and_then(|behind| behind.split_once(')'));
        match link {
            Some((target, _)) if target.contains("://") => {
                out.push('[');
                rest = after;
            }
            // The path of a function ends with parentheses of its own.
            Some((_, behind)) => {
                out.push_str(text);
                rest = behind.strip_prefix(')').unwrap_or(behind);
            }
            None if text.starts_with('`') => {
                out.push_str(text);
                rest = behind;
            }
            None => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_items_become_their_texts() {
        let cases = [
            ("[`A`] and [`b`](crate::b()) and [it](c::D).", "`A` and `b` and it."),
            (
                "an [RFC](https://www.rfc-editor.org/rfc/rfc9106)",
                "an [RFC](https://www.rfc-editor.org/rfc/rfc9106)",
            ),
            ("`attempts[0]`, [ldap.corp] and [", "`attempts[0]`, [ldap.corp] and ["),
        ];
        for (line, expected) in cases {
            assert_eq!(without_item_links(line), expected);
        }
    }

    #[test]
    fn hidden_lines_are_left_out_and_headings_go_down() {
        let library = "//! Words.\n//!\n//! # Example\n//!\n//! ```no_run\n//! # fn main() {\n//! #[derive(Debug)]\n\
                       //! struct A;\n//! # }\n//! ```\n//!\n//! ```text\n//! # shown\n//! ```\n\nmod a;\n//! not this\n";
        let page = front_page(library);
        assert_eq!(
            page,
            "Words.\n\n## Example\n\n```rust\n#[derive(Debug)]\nstruct A;\n```\n\n```text\n# shown\n```\n"
        );
        let readme = format!("# a\n\n{BEGIN}\nold\n{END}\nend\n");
        let new = written(&readme, library).unwrap();
        assert!(
            new.starts_with("# a\n\n")
                && new.contains(&page)
                && new.ends_with("\nend\n")
                && !new.contains("old")
        );
        assert_eq!(written(&new, library).unwrap(), new);
        assert_eq!(written("no marks", library), None);
    }
}

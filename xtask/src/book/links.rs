//! Links of pages in Markdown: whether each leads somewhere, and where it leads from a page of the book.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A link or a picture of a page, to a file or to a heading.
pub(crate) struct Link {
    /// As it is written, without the heading.
    pub(crate) target: String,
    /// The heading that it leads to, or empty.
    pub(crate) heading: String,
    /// Where in the page the whole link is.
    pub(crate) range: Range<usize>,
}

/// The links of a page that don't lead to another site.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (event, range) in parser(text).into_offset_iter() {
        let (Event::Start(Tag::Link { dest_url, .. }) | Event::Start(Tag::Image { dest_url, .. })) = event
        else {
            continue;
        };
        if dest_url.contains("://") || dest_url.starts_with("mailto:") {
            continue;
        }
        let (target, heading) = dest_url.split_once('#').unwrap_or((&dest_url, ""));
        found.push(Link { target: target.to_owned(), heading: heading.to_owned(), range });
    }
    found
}

/// The names by which links lead to the headings of a page.
pub(crate) fn headings(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in parser(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            Event::End(TagEnd::Heading(_)) => found.extend(heading.take().map(|heading| name_of(&heading))),
            _ => {}
        }
    }
    found
}

/// The name of a heading, as mdBook and code hosts make it.
fn name_of(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// The path from the root of the source to which a link of the page `page` leads. `None` if it leads out of the source.
pub(crate) fn resolve(page: &str, target: &str) -> Option<String> {
    if target.is_empty() {
        return Some(page.to_owned());
    }
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The way from the page `page` to `target`, both as paths from one root.
pub(crate) fn relative(page: &str, target: &str) -> String {
    let up = page.matches('/').count();
    let shared = page.split('/').zip(target.split('/')).take(up).take_while(|(a, b)| a == b).count();
    let rest: Vec<&str> = target.split('/').skip(shared).collect();
    format!("{}{}", "../".repeat(up.saturating_sub(shared)), rest.join("/"))
}

/// Links of the page that lead nowhere. `is_there` tells whether the source has a file or folder, `page_at` gives a page's text.
pub(crate) fn findings(
    page: &str,
    text: &str,
    is_there: &dyn Fn(&str) -> bool,
    page_at: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for link in links(text) {
        let Some(path) = resolve(page, &link.target).filter(|path| is_there(path)) else {
            found.push(format!("{page}: a link to {}, which is not there", link.target));
            continue;
        };
        if link.heading.is_empty() {
            continue;
        }
        if !page_at(&path).is_some_and(|text| headings(&text).contains(&link.heading)) {
            found.push(format!(
                "{page}: a link to the heading {} of {path}, which is not there",
                link.heading
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_from_page_to_page() {
        assert_eq!(resolve("docs/a.md", "../README.md").unwrap(), "README.md");
        assert_eq!(resolve("docs/a.md", "contract/z.md").unwrap(), "docs/contract/z.md");
        assert_eq!(resolve("docs/a.md", "").unwrap(), "docs/a.md");
        assert_eq!(resolve("a.md", "../b.md"), None);
        assert_eq!(relative("contract/z.md", "a.md"), "../a.md");
        assert_eq!(relative("contract/z.md", "contract/y.md"), "y.md");
        assert_eq!(relative("a.md", "contract/z.md"), "contract/z.md");
    }

    #[test]
    fn a_link_to_nothing_is_found_and_one_in_a_block_is_none() {
        let text = "# Title\n\n[a](b.md), [c](b.md#there), [d](b.md#away), [e](https://x.org/), [f](#title), [g](h.md)\n\n\
                    ```\n[not](a.link)\n```\n";
        let page_at = |path: &str| match path {
            "docs/b.md" => Some("## There\n".to_owned()),
            "docs/a.md" => Some(text.to_owned()),
            _ => None,
        };
        let found = findings("docs/a.md", text, &|path| page_at(path).is_some(), &page_at);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("heading away") && found[1].contains("h.md"), "{found:?}");
    }

    #[test]
    fn headings_have_the_names_that_code_hosts_give_them() {
        let names = headings("# One, two\n\n## `a.b` and c_d\n");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["ab-and-c_d", "one-two"]);
    }
}

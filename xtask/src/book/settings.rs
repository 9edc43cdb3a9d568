//! The reference of the configuration, written from the file with every key and its default.

use std::fmt::Write as _;

const HEAD: &str = "# Configuration\n\n<!-- Written by `cargo xtask book` from crates/auth-server/default.toml: change that file. -->\n\n\
    Every section and key, with its default. A key whose default is none is off until it is set, and so is a section that is not there by default. `auth-server config default` prints the\n\
    same as a file, and `auth-server config check --config FILE --deep` tries one out. Unknown keys are refused.\n\n\
    Paths are relative to the folder of the file. `AUTH_SERVER__SECTION__KEY=value` in the environment overrides a key. A key that names\n\
    a file with a secret also takes `credential:NAME`, for a credential that systemd passes.\n";

/// The page.
pub(crate) fn page(defaults: &str) -> String {
    let mut page = HEAD.to_owned();
    // Whether the section is commented out as a whole: then the file doesn't tell defaults from examples.
    let mut whole = false;
    for line in defaults.lines().skip_while(|line| !line.starts_with('[')) {
        match Line::read(line) {
            Some(Line::Section { name, optional: off, text }) => {
                let optional = if off { " It is not there by default." } else { "" };
                let sentence = sentence(text);
                let _ = writeln!(page, "\n## {name}\n");
                if !sentence.is_empty() || !optional.is_empty() {
                    let _ = writeln!(page, "{}\n", format!("{sentence}{optional}").trim());
                }
                whole = off;
                let values = if whole { "default or example" } else { "default" };
                let _ = writeln!(page, "| key | {values} | meaning |\n| --- | --- | --- |");
            }
            Some(Line::Key { name, value, optional, text }) => {
                let value = if optional && !whole {
                    format!("none; such as `{value}`")
                } else {
                    format!("`{value}`")
                };
                let _ = writeln!(page, "| `{name}` | {} | {} |", cell(&value), cell(text));
            }
            Some(Line::More(text)) => {
                // A comment that goes on belongs to the key above it.
                if let Some(row) = page.strip_suffix(" |\n") {
                    page = format!("{row} {} |\n", cell(text));
                }
            }
            None => {}
        }
    }
    page
}

enum Line<'a> {
    Section { name: &'a str, optional: bool, text: &'a str },
    Key { name: &'a str, value: &'a str, optional: bool, text: &'a str },
    More(&'a str),
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (rest, optional) = match line.strip_prefix("# ") {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        if rest.starts_with('[') {
            let (name, after) = rest.split_at(rest.find(" #").unwrap_or(rest.len()));
            let text = after.trim_start().trim_start_matches('#').trim();
            return Some(Self::Section { name: name.trim(), optional, text });
        }
        if let Some((name, after)) = rest.split_once(" = ")
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            let (value, text) = value_and_comment(after);
            return Some(Self::Key { name, value, optional, text });
        }
        line.trim_start()
            .strip_prefix('#')
            .map(|text| Self::More(text.trim()))
            .filter(|_| line.starts_with(' '))
    }
}

/// Splits a value from the comment behind it. A `#` within quotes is none.
fn value_and_comment(text: &str) -> (&str, &str) {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => {
                let (value, comment) = text.split_at(at);
                return (value.trim(), comment.trim_start_matches('#').trim());
            }
            _ => {}
        }
    }
    (text.trim(), "")
}

/// A text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

/// A text within a table: without marks that would end a cell or begin markup.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_a_row_of_its_section() {
        let file = "# Words.\n\n[a]                 # what it is for\nb = \"x#y\"   # one | two\nc = 0     # more\n          # than a line\n\
                    # d = { e = 1 }  # off\n\n# [f.g]  # another\n# h = true\n";
        let page = page(file);
        let (_, page) = page.split_once("\n## ").unwrap();
        assert_eq!(
            page,
            "[a]\n\nWhat it is for.\n\n| key | default | meaning |\n| --- | --- | --- |\n\
             | `b` | `\"x#y\"` | one \\| two |\n| `c` | `0` | more than a line |\n| `d` | none; such as `{ e = 1 }` | off |\n\
             \n## [f.g]\n\nAnother. It is not there by default.\n\n| key | default or example | meaning |\n| --- | --- | --- |\n\
             | `h` | `true` |  |\n"
        );
    }
}

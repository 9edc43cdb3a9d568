//! The HTML part of a mail, which says what the text part says.

use askama::Template;
use auth_core::Language;

#[derive(Template)]
#[template(path = "mail.html")]
struct Page<'a> {
    subject: &'a str,
    language: Language,
    paragraphs: Vec<Paragraph<'a>>,
}

/// A paragraph of a mail.
pub(super) enum Paragraph<'a> {
    /// An address that stands alone: a link to click.
    Link(&'a str),
    Lines(Vec<&'a str>),
}

/// Makes HTML of a mail's subject and text, whose paragraphs are parted by empty lines.
///
/// # Errors
/// None is known: whatever the text holds is escaped.
pub(super) fn html(subject: &str, language: Language, text: &str) -> Result<String, askama::Error> {
    Page { subject, language, paragraphs: paragraphs(text) }.render()
}

/// The paragraphs of a text, which empty lines part.
pub(super) fn paragraphs(text: &str) -> Vec<Paragraph<'_>> {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(Paragraph::of).collect()
}

impl<'a> Paragraph<'a> {
    /// Reads a paragraph. An address within a sentence stays text: the sentence may hold what a stranger chose.
    fn of(text: &'a str) -> Self {
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        if is_web && !text.contains(char::is_whitespace) {
            Self::Link(text)
        } else {
            Self::Lines(text.lines().collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_that_stands_alone_is_a_link_and_all_else_is_text() {
        let text = "Open this page:\n\nhttps://auth.example.org/reset-password/a&b\n\nOr see\nhttps://evil.example \
                    <b>\"now\"</b>.\n";
        let page = html("Set a <new> password", Language::German, text).unwrap();
        let url = "https://auth.example.org/reset-password/a&#38;b";
        for part in [
            "<html lang=\"de\">",
            "<title>Set a &#60;new&#62; password</title>",
            "<p>Open this page:</p>",
            &format!("<p><a href=\"{url}\">{url}</a></p>"),
            "<p>Or see<br>https://evil.example &#60;b&#62;&#34;now&#34;&#60;/b&#62;.</p>",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert_eq!(page.matches("href").count(), 1, "{page}");
    }
}

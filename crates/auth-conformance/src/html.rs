//! What a page of HTML says to a program: its title, its text and its forms.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::Deserialize;

/// The facts of a page. Those of a recorded page are read from JSON.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Page {
    /// The text of `<title>`.
    pub(crate) title: Option<String>,
    /// The messages that a recorded page shows.
    pub(crate) alerts: Vec<String>,
    /// The forms in order.
    pub(crate) forms: Vec<Form>,
    /// The sealed token of the page that leads back to Zulip's desktop program.
    pub(crate) desktop_data: Option<String>,
    /// All visible text of a page that was read, with single spaces; a recorded page has none.
    #[serde(skip)]
    pub(crate) text: String,
}

/// A form.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Form {
    pub(crate) method: String,
    pub(crate) action: String,
    pub(crate) inputs: Vec<Input>,
}

/// A field of a form, or a button.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Input {
    pub(crate) name: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) value: Option<String>,
}

/// A regular expression that is made once.
type Pattern = LazyLock<Option<Regex>>;

static COMMENT: Pattern = LazyLock::new(|| Regex::new(r"(?s)<!--.*?-->").ok());
static TITLE: Pattern = LazyLock::new(|| Regex::new(r"(?is)<title[^>]*>(.*?)</title>").ok());
static UNSEEN: Pattern =
    LazyLock::new(|| Regex::new(r"(?is)<(?:script|style|title)\b.*?</(?:script|style|title)>").ok());
/// Tags inside a line of text, which don't part its words.
static INLINE: Pattern =
    LazyLock::new(|| Regex::new(r"(?i)</?(?:a|b|em|i|strong|span|bdi|code|kbd)(?:\s[^>]*)?>").ok());
static TAG: Pattern = LazyLock::new(|| Regex::new(r"(?s)<[^>]*>").ok());
static FORM: Pattern = LazyLock::new(|| Regex::new(r"(?is)<form\b([^>]*)>(.*?)</form>").ok());
static FIELD: Pattern =
    LazyLock::new(|| Regex::new(r"(?is)<(?:input|button|select|textarea)\b([^>]*)>").ok());
static ATTRIBUTE: Pattern = LazyLock::new(|| {
    Regex::new(r#"(?s)(?:^|\s)([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))"#).ok()
});
static SEALED: Pattern = LazyLock::new(|| Regex::new(r#"(?i)value="?([0-9a-f]{120})\b"#).ok());
static ENTITY: Pattern =
    LazyLock::new(|| Regex::new(r"&(?:#x([0-9a-fA-F]+)|#(\d+)|(amp|lt|gt|quot|apos|nbsp));").ok());

impl Page {
    /// Reads a page.
    pub(crate) fn parse(html: &str) -> Self {
        let html = &replaced(&COMMENT, html, " ");
        let title = captures(&TITLE, html, |found| plain(&found[1])).pop();
        let forms = captures(&FORM, html, |found| Form::parse(&found[1], &found[2]));
        let desktop_data = captures(&SEALED, html, |found| found[1].to_owned()).into_iter().next();
        let text = plain(&replaced(&INLINE, &replaced(&UNSEEN, html, " "), ""));
        Self { title, alerts: Vec::new(), forms, desktop_data, text }
    }

    /// The value of a field, from whichever form has it first.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.forms.iter().flat_map(|form| &form.inputs);
        fields.find(|input| input.name.as_deref() == Some(name))?.value.as_deref()
    }
}

impl Form {
    fn parse(attributes: &str, inside: &str) -> Self {
        let inputs = captures(&FIELD, inside, |found| Input {
            name: attribute(&found[1], "name"),
            kind: attribute(&found[1], "type"),
            value: attribute(&found[1], "value"),
        });
        Self {
            method: attribute(attributes, "method").unwrap_or_else(|| "get".to_owned()),
            action: attribute(attributes, "action").unwrap_or_default(),
            inputs,
        }
    }
}

/// The value of an attribute, from the text between a tag's name and its end.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let values = captures(&ATTRIBUTE, attributes, |found| {
        let value = found.get(2).or_else(|| found.get(3)).or_else(|| found.get(4));
        (found[1].eq_ignore_ascii_case(name)).then(|| decoded(value.map_or("", |value| value.as_str())))
    });
    values.into_iter().flatten().next()
}

/// A text without tags and entities, with single spaces.
fn plain(html: &str) -> String {
    decoded(&replaced(&TAG, html, " ")).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text with its entities replaced.
fn decoded(text: &str) -> String {
    let replace = |found: &Captures<'_>| {
        let number = |group: usize, radix: u32| {
            found.get(group).and_then(|digits| u32::from_str_radix(digits.as_str(), radix).ok())
        };
        if let Some(character) = number(1, 16).or_else(|| number(2, 10)).and_then(char::from_u32) {
            return character.to_string();
        }
        let named = match found.get(3).map(|name| name.as_str()) {
            Some("amp") => "&",
            Some("lt") => "<",
            Some("gt") => ">",
            Some("quot") => "\"",
            Some("apos") => "'",
            Some("nbsp") => "\u{a0}",
            _ => "\u{fffd}",
        };
        named.to_owned()
    };
    ENTITY.as_ref().map_or_else(|| text.to_owned(), |entity| entity.replace_all(text, replace).into_owned())
}

fn replaced(pattern: &Pattern, text: &str, by: &str) -> String {
    pattern.as_ref().map_or_else(|| text.to_owned(), |pattern| pattern.replace_all(text, by).into_owned())
}

fn captures<T>(pattern: &Pattern, text: &str, read: impl Fn(&Captures<'_>) -> T) -> Vec<T> {
    let found =
        pattern.as_ref().map(|pattern| pattern.captures_iter(text).map(|found| read(&found)).collect());
    found.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><html><head><title>Log in | Lear &amp; Co.</title><style>p{}</style></head><body>
        <!-- <form action="/no"></form> --><h1>Log in</h1><p role=alert>Your account <b>a@b.example</b> can&#x27;t
        log in.</p><script>let hidden = "<p>never</p>";</script>
        <form method="post" action="/accounts/login/"><input type="hidden" name='next' value="/?a=1&amp;b">
        <input name=username value="&lt;b&gt;"><button type="submit">Go</button></form>
        <form action="/x?y=1&amp;z"><input name="csrf" value="t"></form></body></html>"#;

    #[test]
    fn facts_of_a_page_are_read() {
        let page = Page::parse(PAGE);
        assert_eq!(page.title.as_deref(), Some("Log in | Lear & Co."));
        assert!(page.text.contains("Your account a@b.example can't log in. "), "{}", page.text);
        assert!(!page.text.contains("never") && !page.text.contains("p{}"), "{}", page.text);
        let [login, other] = page.forms.as_slice() else { panic!("{:?}", page.forms) };
        assert_eq!((login.method.as_str(), login.action.as_str()), ("post", "/accounts/login/"));
        assert_eq!(login.inputs.len(), 3);
        assert_eq!((other.method.as_str(), other.action.as_str()), ("get", "/x?y=1&z"));
        assert_eq!(page.field("next"), Some("/?a=1&b"));
        assert_eq!((page.field("username"), page.field("password")), (Some("<b>"), None));
        assert_eq!(page.desktop_data, None);
    }

    #[test]
    fn sealed_token_of_the_desktop_program_is_found() {
        let data = "0a".repeat(60);
        let page = Page::parse(&format!("<input id=\"desktop-data\" value=\"{data}\" readonly>"));
        assert_eq!(page.desktop_data, Some(data));
    }
}

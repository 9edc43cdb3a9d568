//! What templates of pages must not hold: the policy that pages are sent with forbids it, or it would let markup in.

/// The only script that a page may have: a file of the server.
const SCRIPT: &str = "<script src=\"{{ script }}\" defer></script>";

/// What is wrong with a template.
pub(super) fn findings(name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        let has_script = lower.contains("<script") && line != SCRIPT;
        let plain: String = lower.chars().filter(|character| !character.is_whitespace()).collect();
        let marks = [
            (plain.contains("|safe") || plain.contains("|escape(\"none\")"), "text that is not escaped"),
            (plain.contains("{%filter") || plain.contains("|json"), "a filter that may not escape"),
            (has_script || lower.contains("<style"), "a script or a style in the page"),
            (has_attribute(&lower, |attribute| attribute == "style"), "a style attribute"),
            (has_attribute(&lower, |attribute| attribute.starts_with("on")), "an event handler"),
            (lower.contains("javascript:") || lower.contains("data:"), "an address that holds its content"),
        ];
        let held = marks.iter().filter(|(held, _)| *held);
        found.extend(held.map(|(_, what)| format!("{name}:{}: {what}", at + 1)));
    }
    found
}

/// Whether an attribute with a value has such a name: what stands between a space and an equals sign.
fn has_attribute(line: &str, is: impl Fn(&str) -> bool) -> bool {
    let names =
        line.split('=').filter_map(|before| before.rsplit([' ', '\t', '"', '\'', '/', '%', '}']).next());
    let ends_with_equals = line.matches('=').count();
    names.take(ends_with_equals).any(is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_markup_in_or_is_forbidden_is_found() {
        for (line, what) in [
            ("{{ name|safe }}", "text that is not escaped"),
            ("{{ name | safe }}", "text that is not escaped"),
            ("{{ name|escape(\"none\") }}", "text that is not escaped"),
            ("{% filter upper %}", "a filter that may not escape"),
            ("<SCRIPT src=\"/x.js\">", "a script or a style in the page"),
            ("<script>x()</script>", "a script or a style in the page"),
            ("<script src=\"{{ script }}\" defer></script><script>x()", "a script or a style in the page"),
            ("<style>", "a script or a style in the page"),
            ("<p style=\"color: red\">", "a style attribute"),
            ("<p class=\"x\"style=\"color: red\">", "a style attribute"),
            ("<body onload=\"x()\">", "an event handler"),
            ("<svg/onload=x()>", "an event handler"),
            ("<a {% if x %}onclick=\"x()\"{% endif %}>", "an event handler"),
            ("<a href=\"javascript:x()\">", "an address that holds its content"),
            ("<img src=\"data:image/png,\">", "an address that holds its content"),
        ] {
            assert_eq!(findings("a.html", line), [format!("a.html:1: {what}")], "{line}");
        }
    }

    #[test]
    fn plain_markup_is_tidy() {
        for line in [
            "<p class=\"notice\">{{ t.common.on }}</p>",
            "<link rel=\"stylesheet\" href=\"{{ shell.style }}\">",
            "{% if action == \"on\" %}<option value=\"on\">on</option>{% endif %}",
            SCRIPT,
            "<input name=\"on\" autocomplete=\"one-time-code\">",
        ] {
            assert_eq!(findings("a.html", line), [""; 0], "{line}");
        }
    }
}

//! Where a sign-in leads to: the parameter `next`.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What is escaped in a `Location`, beside what is not ASCII: all that is neither reserved nor unreserved, and no escape of
/// its own.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// The longest target that is followed, in bytes.
const LONGEST: usize = 2048;

/// The address that `next` means on the site at `url`, which has no slash at its end. Anything that names a site or a scheme,
/// or could be taken to, leads to the site itself.
///
/// ```
/// use auth_proto_zulip::decode::next::on_site;
///
/// let site = "https://zulip.example.org";
/// assert_eq!(on_site(site, "/#narrow/x"), "https://zulip.example.org/#narrow/x");
/// assert_eq!(on_site(site, "//evil.example"), site);
/// ```
#[must_use]
pub fn on_site(url: &str, next: &str) -> String {
    let Some(path) = relative(next) else { return url.to_owned() };
    let path = utf8_percent_encode(path, ESCAPED);
    if next.trim().starts_with('/') { format!("{url}{path}") } else { format!("{url}/{path}") }
}

/// The `Location` after a form: `next` where it is a path of this site, or an address below `url`, which has no slash at its
/// end; else `standard`.
///
/// ```
/// use auth_proto_zulip::decode::next::after_form;
///
/// let site = "https://zulip.example.org";
/// assert_eq!(after_form(site, "/json/x?y=1", "/"), "/json/x?y=1");
/// assert_eq!(after_form(site, "https://zulip.example.org/x", "/"), "https://zulip.example.org/x");
/// assert_eq!(after_form(site, "https://evil.example/", "/"), "/");
/// ```
#[must_use]
pub fn after_form(url: &str, next: &str, standard: &str) -> String {
    let next = next.trim();
    let below = next.strip_prefix(url).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    let is_good = match below {
        Some(rest) => rest.is_empty() || relative(rest).is_some(),
        None => relative(next).is_some(),
    };
    if is_good { utf8_percent_encode(next, ESCAPED).to_string() } else { standard.to_owned() }
}

/// A reference without a scheme and without a host, trimmed; `None` for anything that a browser could take for another.
fn relative(next: &str) -> Option<&str> {
    let next = next.trim();
    let head = next.split(['/', '?', '#']).next().unwrap_or_default();
    let is_relative = !next.is_empty()
        && next.len() <= LONGEST
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.contains(char::is_control)
        && !head.contains(':');
    is_relative.then_some(next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    const SITE: &str = "https://zulip.example.org";

    #[test]
    fn other_sites_lead_to_this_one() {
        for bad in [
            "",
            " ",
            "//evil.example",
            "///evil.example",
            "////evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            "/\n/evil.example",
            "https://evil.example/x",
            "https:evil.example",
            "https:/evil.example",
            "HTTPS://evil.example",
            "javascript:alert(1)",
            "zulip://login",
            "http://zulip.example.org/",
            "https://zulip.example.org.evil.example/",
            "https://zulip.example.org@evil.example/",
            "https://zulip.example.org:8443/",
            "/x\0",
        ] {
            assert_eq!(on_site(SITE, bad), SITE, "{bad:?}");
            assert_eq!(after_form(SITE, bad, "/"), "/", "{bad:?}");
        }
        assert_eq!(on_site(SITE, &format!("/{}", "a".repeat(2048))), SITE);
    }

    #[test]
    fn paths_are_followed() {
        for (next, on, after) in [
            ("/", "https://zulip.example.org/", "/"),
            ("/#narrow/x", "https://zulip.example.org/#narrow/x", "/#narrow/x"),
            ("/json/x?y=1", "https://zulip.example.org/json/x?y=1", "/json/x?y=1"),
            ("x", "https://zulip.example.org/x", "x"),
            ("?a=b:c", "https://zulip.example.org/?a=b:c", "?a=b:c"),
            ("/a b\u{e4}", "https://zulip.example.org/a%20b%C3%A4", "/a%20b%C3%A4"),
            ("/a%20b", "https://zulip.example.org/a%20b", "/a%20b"),
            (" /a ", "https://zulip.example.org/a", "/a"),
        ] {
            assert_eq!(on_site(SITE, next), on, "{next}");
            assert_eq!(after_form(SITE, next, "/"), after, "{next}");
        }
        assert_eq!(after_form(SITE, "https://zulip.example.org", "/"), SITE);
    }

    proptest! {
        #[test]
        fn nothing_leads_to_another_site(
            next in r"(/|\\|\.|%2[ef]|%5c|@|:|\?|#|a|%0a|\t|\n| |\u{2044}|evil\.example|https|javascript|zulip\.example\.org){0,8}",
        ) {
            let page = Url::parse("https://zulip.example.org/accounts/login/").unwrap();
            for location in [on_site(SITE, &next), after_form(SITE, &next, "/")] {
                prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{}", location);
                prop_assert_eq!(page.join(&location).unwrap().origin(), page.origin(), "{}", location);
            }
        }

        #[test]
        fn any_text_is_read(next: String) {
            prop_assert!(on_site(SITE, &next).is_ascii() && after_form(SITE, &next, "/").is_ascii());
        }
    }
}

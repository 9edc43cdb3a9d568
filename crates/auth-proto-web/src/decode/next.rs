//! Where a sign-in leads to.

use std::fmt;

/// A path of this site, with a query where there is one: the only thing that a page redirects to on demand.
///
/// A path is read by the grammar of RFC 3986 and rebuilt from nothing: one slash at its beginning, segments that are
/// neither empty nor made of dots, and no escape of a slash, a backslash or a control character. So no browser and no
/// proxy takes a part of it for a host.
///
/// ```
/// use auth_proto_web::decode::next::Next;
///
/// assert_eq!(Next::parse("/account/sessions?a=b").unwrap().as_str(), "/account/sessions?a=b");
/// assert_eq!(Next::parse("//evil.example"), None);
/// assert_eq!(Next::parse("/\\evil.example"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next(String);

impl Next {
    /// The longest path that is taken, in bytes.
    const LONGEST: usize = 2048;

    /// Reads a path; `None` for anything that could lead elsewhere.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::LONGEST {
            return None;
        }
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        let mut segments = path.strip_prefix('/')?.split('/').peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            if segment.is_empty() && !is_last || !is_good(segment, b":@", b"/\\") || is_dots(segment) {
                return None;
            }
        }
        query.is_none_or(|query| is_good(query, b":@/?", b"")).then(|| Self(text.to_owned()))
    }

    /// The path as a page of its own, made of nothing that a client sent.
    #[must_use]
    pub fn fixed(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// The path and the query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text holds nothing but unreserved characters, sub-delimiters, `more`, and escapes of bytes that are neither
/// control characters nor `hidden`.
fn is_good(text: &str, more: &[u8], hidden: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'%' => match (bytes.next().and_then(digit), bytes.next().and_then(digit)) {
                (Some(high), Some(low)) => {
                    let escaped = high * 16 + low;
                    !escaped.is_ascii_control() && !hidden.contains(&escaped)
                }
                _ => false,
            },
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || more.contains(&byte),
        };
        if !good {
            return false;
        }
    }
    true
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a segment is `.` or `..`, however it is written.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    /// What attackers send in place of a path.
    const BAD: [&str; 64] = [
        "",
        " ",
        "account",
        "./account",
        "../account",
        "?a=b",
        "#a",
        "https://evil.example",
        "https://evil.example/account",
        "HTTPS://evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "mailto:a@evil.example",
        "zulip://login",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "//evil.example/account",
        "//evil.example@auth.example.org",
        "//auth.example.org",
        "//",
        "///",
        "\\\\evil.example",
        "\\/evil.example",
        "/\\evil.example",
        "/\\/evil.example",
        "/\\\\evil.example",
        "/account\\..\\evil",
        "/\t/evil.example",
        "/\n/evil.example",
        "/\r/evil.example",
        "\t//evil.example",
        "\n/account",
        " /account",
        " //evil.example",
        "/ /evil.example",
        "/account\r\nSet-Cookie: a=b",
        "/account\0",
        "/account\u{7f}",
        "/%2fevil.example",
        "/%2F%2Fevil.example",
        "/%5cevil.example",
        "/%5Cevil.example",
        "/%0d%0aSet-Cookie:a=b",
        "/%09/evil.example",
        "/%00",
        "/account?a=%0d%0aSet-Cookie:a=b",
        "/account//evil.example",
        "/.//evil.example",
        "/..//evil.example",
        "/./evil",
        "/a/../../evil",
        "/%2e%2e/evil",
        "/%2E./evil",
        "/account#evil",
        "/\u{2044}evil.example",
        "/\u{ff0f}evil.example",
    ];

    #[test]
    fn paths_that_lead_elsewhere_or_could_are_refused() {
        for bad in BAD {
            assert_eq!(Next::parse(bad), None, "{bad:?}");
        }
        for bad in
            ["/%", "/%4", "/%zz", "/<script>", "/\"", "/{{7*7}}", "/a|b", "/account?a=\\", "/account?<"]
        {
            assert_eq!(Next::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Next::parse(&format!("/{}", "a".repeat(2048))), None);
    }

    #[test]
    fn paths_of_this_site_are_taken_as_they_are() {
        for good in [
            "/",
            "/account",
            "/account/",
            "/account/two-step?notice=a_b-c",
            "/oidc/authorize?redirect_uri=https%3A%2F%2Fclient.example%2Fcb&scope=openid+email",
            "/oidc/authorize?redirect_uri=https://client.example/cb?x",
            "/user/@me:home",
            "/a.b/..c",
            "/%C3%BC",
        ] {
            assert_eq!(Next::parse(good).as_ref().map(Next::as_str), Some(good));
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_stays_at_this_site(text in r"(/|\\|\.|%2[ef]|%5c|@|:|\?|#|a|%0a|\t|evil\.example|https){0,8}") {
            let site = Url::parse("https://auth.example.org/sign-in?next=x").unwrap();
            if let Some(next) = Next::parse(&text) {
                let url = site.join(next.as_str()).unwrap();
                prop_assert_eq!(url.origin(), site.origin());
                prop_assert_eq!(&url[url::Position::BeforePath..], next.as_str());
            }
        }

        #[test]
        fn any_text_is_read(text: String) {
            let _ = Next::parse(&text);
        }
    }
}

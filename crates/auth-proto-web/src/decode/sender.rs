//! Which page a form was sent from, as the browser says.

use http::HeaderMap;
use http::header::ORIGIN;

/// Who sent a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the browser says yes, no, or nothing")]
pub enum Sender {
    /// A page of this site.
    Here,
    /// A page of another site, or nobody that the browser can name.
    Elsewhere,
    /// The browser doesn't say, or the client is none.
    Unknown,
}

impl Sender {
    /// Judges by `Sec-Fetch-Site`, and by `Origin` where that is missing. `origin` is the origin of the pages.
    ///
    /// ```
    /// use auth_proto_web::decode::sender::Sender;
    ///
    /// let mut headers = http::HeaderMap::new();
    /// assert_eq!(Sender::of(&headers, "https://auth.example.org"), Sender::Unknown);
    /// headers.insert("origin", "https://evil.example".parse().unwrap());
    /// assert_eq!(Sender::of(&headers, "https://auth.example.org"), Sender::Elsewhere);
    /// headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
    /// assert_eq!(Sender::of(&headers, "https://auth.example.org"), Sender::Here);
    /// ```
    #[must_use]
    pub fn of(headers: &HeaderMap, origin: &str) -> Self {
        let judge = |name, expected: &str| {
            let mut sent = headers.get_all(name).into_iter().peekable();
            sent.peek()?;
            Some(if sent.all(|value| value == expected) { Self::Here } else { Self::Elsewhere })
        };
        judge("sec-fetch-site", "same-origin")
            .or_else(|| judge(ORIGIN.as_str(), origin))
            .unwrap_or(Self::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_is_judged_by_site_and_then_by_origin() {
        let (site, origin) = ("sec-fetch-site", "origin");
        for (sent, sender) in [
            (&[][..], Sender::Unknown),
            (&[(site, "same-origin")], Sender::Here),
            (&[(site, "same-site")], Sender::Elsewhere),
            (&[(site, "cross-site")], Sender::Elsewhere),
            (&[(site, "none")], Sender::Elsewhere),
            (&[(site, "")], Sender::Elsewhere),
            (&[(site, "same-origin"), (site, "cross-site")], Sender::Elsewhere),
            (&[(site, "same-origin"), (origin, "https://evil.example")], Sender::Here),
            (&[(site, "cross-site"), (origin, "https://auth.example.org")], Sender::Elsewhere),
            (&[(origin, "https://auth.example.org")], Sender::Here),
            (&[(origin, "http://auth.example.org")], Sender::Elsewhere),
            (&[(origin, "https://auth.example.org:8443")], Sender::Elsewhere),
            (&[(origin, "https://auth.example.org.evil.example")], Sender::Elsewhere),
            (&[(origin, "null")], Sender::Elsewhere),
            (&[(origin, "https://auth.example.org"), (origin, "null")], Sender::Elsewhere),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in sent {
                headers.append(*name, value.parse().unwrap());
            }
            assert_eq!(Sender::of(&headers, "https://auth.example.org"), sender, "{sent:?}");
        }
    }
}

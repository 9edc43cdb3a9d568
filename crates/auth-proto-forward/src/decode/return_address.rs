//! Where a browser is sent back to when it has its cookie.

use http::Uri;

use super::question::host_of;

/// The longest address that is kept, in bytes.
pub const LONGEST: usize = 1024;

/// The address of a page, at one of the hosts that are asked about.
///
/// ```
/// use auth_proto_forward::decode::return_address::ReturnAddress;
///
/// let hosts = ["wiki.example.org".to_owned()];
/// let address = ReturnAddress::parse("https://wiki.example.org/page?x", &hosts).unwrap();
/// assert_eq!(address.as_str(), "https://wiki.example.org/page?x");
/// assert!(ReturnAddress::parse("https://evil.example/", &hosts).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddress(String);

impl ReturnAddress {
    /// The address of what was asked for; `None` where it is too long.
    #[must_use]
    pub fn of(host: &str, target: &str) -> Option<Self> {
        let address = format!("https://{host}{target}");
        (address.len() <= LONGEST).then_some(Self(address))
    }

    /// Reads an address: `https`, one of `hosts` to the letter, and a path of visible ASCII. `None` for any other.
    ///
    /// The address is made anew of what was read, so that no browser can read another host in it.
    #[must_use]
    pub fn parse(text: &str, hosts: &[String]) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\\\"<>^`{|}#".contains(&byte);
        let rest = text.strip_prefix("https://")?;
        if text.len() > LONGEST || !text.bytes().all(is_plain) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?.as_str();
        let host = host_of(authority)?;
        // A parser that finds the host elsewhere is not trusted with it.
        if !rest.starts_with(authority) || !hosts.contains(&host) {
            return None;
        }
        let target = uri.path_and_query()?.as_str();
        target.starts_with('/').then(|| Self::of(&host, target))?
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    fn hosts() -> Vec<String> {
        ["wiki.example.org", "git.example.org:8443"].map(str::to_owned).to_vec()
    }

    #[test]
    fn addresses_of_the_hosts_are_taken() {
        for (address, expected) in [
            ("https://wiki.example.org/", "https://wiki.example.org/"),
            ("https://wiki.example.org", "https://wiki.example.org/"),
            ("https://wiki.example.org:443/x", "https://wiki.example.org/x"),
            ("https://WIKI.example.org/X?y=https://z", "https://wiki.example.org/X?y=https://z"),
            ("https://git.example.org:8443/a%2Fb//c", "https://git.example.org:8443/a%2Fb//c"),
            ("https://wiki.example.org/@evil.example", "https://wiki.example.org/@evil.example"),
        ] {
            let found = ReturnAddress::parse(address, &hosts());
            assert_eq!(found.as_ref().map(ReturnAddress::as_str), Some(expected), "{address}");
        }
    }

    #[test]
    fn addresses_that_lead_elsewhere_or_could_are_refused() {
        for address in [
            "",
            "/",
            "//wiki.example.org/",
            "wiki.example.org",
            "http://wiki.example.org/",
            "HTTPS://wiki.example.org/",
            "https:wiki.example.org/",
            "https:/wiki.example.org/",
            "https:///wiki.example.org/",
            "https:\\\\wiki.example.org/",
            "https://",
            "https://evil.example/",
            "https://wiki.example.org.evil.example/",
            "https://evil.example/wiki.example.org",
            "https://evilwiki.example.org/",
            "https://x.wiki.example.org/",
            "https://example.org/",
            "https://wiki.example.org:8443/",
            "https://git.example.org/",
            "https://git.example.org:443/",
            "https://user@wiki.example.org/",
            "https://wiki.example.org@evil.example/",
            "https://wiki.example.org:443@evil.example/",
            "https://wiki.example.org:@evil.example/",
            "https://evil.example\\@wiki.example.org/",
            "https://wiki.example.org\\.evil.example/",
            "https://evil.example#@wiki.example.org/",
            "https://evil.example?@wiki.example.org/",
            "https://wiki.example.org/#x",
            "https://wiki.example.org/\\evil.example",
            "https://wiki.example.org/a b",
            "https://wiki.example.org/\r\nSet-Cookie: a=b",
            "https://wiki.example.org/\tx",
            "https://wiki.example.org/caf\u{e9}",
            "https://wiki.example.org/<script>",
            "https://wiki\u{3002}example.org/",
            "https://%77iki.example.org/",
            "https://[::1]/",
            "javascript:alert(1)",
            "data:text/html,x",
            " https://wiki.example.org/",
        ] {
            assert_eq!(ReturnAddress::parse(address, &hosts()), None, "{address:?}");
        }
        let long = format!("https://wiki.example.org/{}", "a".repeat(LONGEST));
        assert_eq!(ReturnAddress::parse(&long, &hosts()), None);
        assert_eq!(ReturnAddress::of("wiki.example.org", &long), None);
    }

    proptest! {
        #[test]
        fn browsers_read_one_of_the_hosts_in_what_is_taken(
            text in "https:(/|\\\\|@|:|\\?|#|\\.|443|wiki\\.example\\.org|evil\\.example|%2f|\t|a){0,8}",
        ) {
            if let Some(address) = ReturnAddress::parse(&text, &hosts()) {
                let url = Url::parse(address.as_str()).unwrap();
                prop_assert_eq!((url.scheme(), url.host_str()), ("https", Some("wiki.example.org")), "{}", text);
                prop_assert!(url.port().is_none() && url.username().is_empty());
            }
        }

        #[test]
        fn any_text_is_read(text: String) {
            let _ = ReturnAddress::parse(&text, &hosts());
        }
    }
}

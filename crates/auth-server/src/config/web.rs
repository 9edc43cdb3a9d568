//! Section `[web]`: the pages on which people sign in and look after their accounts.

use auth_proto_web::{Colour, Demo};
use http::Uri;
use serde::{Deserialize, Deserializer};

use super::value::{is_host, slug, text};

/// Section `[web]`: the pages. They are on once their address is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Web {
    /// The address under which browsers reach the pages: a scheme and a host, without a path. Links in mails and in pages are
    /// made from it.
    #[serde(deserialize_with = "origin")]
    pub url: Option<String>,
    /// The slug of the realm whose people sign in, where the host of a page names no other.
    #[serde(deserialize_with = "slug")]
    pub realm: String,
    /// The name at the head of each page and before the subject of each mail. Without one the pages have that of the program.
    pub name: Option<String>,
    /// The picture beside the name, as the address of a file on this site; none by default.
    pub icon: Option<String>,
    /// A line of text at the foot of each page.
    pub line: Option<String>,
    /// The colour of buttons and links on a light page, such as `#1f5fae`.
    #[serde(deserialize_with = "colour")]
    pub accent: Option<Colour>,
    /// The colour of buttons and links on a dark page.
    #[serde(deserialize_with = "colour")]
    pub accent_dark: Option<Colour>,
    /// What the front page of a demonstration shows.
    #[serde(skip)]
    pub demo: Option<Demo>,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            url: None,
            realm: "main".to_owned(),
            name: None,
            icon: None,
            line: None,
            accent: None,
            accent_dark: None,
            demo: None,
        }
    }
}

impl Web {
    /// Whether the pages are on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.url.is_some()
    }
}

/// Reads an origin that browsers take cookies of: `https`, or `http` on this machine under its name.
fn origin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let form = "the address of a site without a path, such as \"https://auth.example.org\"; plain http only on localhost";
    text(deserializer, form, |text| {
        let url: Uri = text.parse().ok()?;
        let (scheme, authority) = (url.scheme_str()?, url.authority()?);
        let rest = text.strip_prefix(scheme)?.strip_prefix("://")?.strip_prefix(authority.as_str())?;
        let host = authority.host();
        let is_local = host == "localhost" || host.ends_with(".localhost");
        let is_site = (scheme == "https" || (scheme == "http" && is_local))
            && is_host(authority.as_str())
            && matches!(rest, "" | "/");
        is_site.then(|| Some(format!("{scheme}://{authority}")))
    })
}

/// Reads a colour.
fn colour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Colour>, D::Error> {
    text(deserializer, "a colour such as \"#1f5fae\"", |text| Colour::parse(text).map(Some))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Web, String> {
        toml::from_str(line).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn pages_have_an_address_that_browsers_take_cookies_of() {
        for (url, read_as) in [
            ("https://auth.example.org", Some("https://auth.example.org")),
            ("https://auth.example.org/", Some("https://auth.example.org")),
            ("https://auth.example.org:8443", Some("https://auth.example.org:8443")),
            ("http://localhost:8080", Some("http://localhost:8080")),
            ("http://main.localhost:8080", Some("http://main.localhost:8080")),
            ("http://auth.example.org", None),
            ("http://127.0.0.1:8080", None),
            ("https://auth.example.org/pages", None),
            ("https://user@auth.example.org", None),
            ("https://auth.example.org?x", None),
            ("auth.example.org", None),
            ("ftp://auth.example.org", None),
            ("", None),
        ] {
            let found = read(&format!("url = {url:?}"));
            match read_as {
                Some(expected) => assert_eq!(found.unwrap().url.as_deref(), Some(expected), "{url}"),
                None => assert!(found.unwrap_err().contains("plain http only on localhost"), "{url}"),
            }
        }
    }

    #[test]
    fn colours_are_six_digits() {
        assert_eq!(read("accent = \"#1F5FAE\"").unwrap().accent, Colour::parse("#1f5fae"));
        for bad in ["1f5fae", "#1f5fa", "#1f5faeff", "#1f5fag", "red", "#fff;}body{"] {
            assert!(read(&format!("accent = {bad:?}")).is_err(), "{bad}");
        }
    }
}

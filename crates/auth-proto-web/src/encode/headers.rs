//! The headers that every answer carries.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::Config;

/// The headers of every answer: nothing is fetched but styles and pictures, nothing frames a page, and no cache keeps it.
///
/// Links made from a page's address, which may be that of a mail, never leave this site: not even as a referrer.
pub(crate) fn of(config: &Config) -> HeaderMap {
    let picture = config.brand.icon.as_deref().and_then(origin).map(|origin| format!(" {origin}"));
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'{}; form-action 'self'; frame-ancestors 'none'; \
         base-uri 'none'",
        picture.unwrap_or_default()
    );
    let mut headers = HeaderMap::new();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "publickey-credentials-get=(self), publickey-credentials-create=(self)",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if config.url.starts_with("https://") {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers
}

/// The origin of a picture at another site; `None` where it is at this one, or the address holds what could end the
/// directive.
fn origin(address: &str) -> Option<&str> {
    let host = address.strip_prefix("https://")?.split('/').next()?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let length = "https://".len() + host.len();
    (!host.is_empty() && host.bytes().all(good)).then(|| address.get(..length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Brand;

    #[test]
    fn picture_at_another_site_is_allowed_by_its_origin_alone() {
        for (icon, sources) in [
            (None, "img-src 'self';"),
            (Some("/logo.png"), "img-src 'self';"),
            (Some("https://cdn.example/a/logo.png"), "img-src 'self' https://cdn.example;"),
            (Some("https://cdn.example:8443/"), "img-src 'self' https://cdn.example:8443;"),
            (Some("https://*/"), "img-src 'self';"),
            (Some("https://a; script-src *"), "img-src 'self';"),
            (Some("data:image/png,"), "img-src 'self';"),
        ] {
            let brand = Brand { icon: icon.map(str::to_owned), ..Brand::new("x") };
            let headers = of(&Config { brand, ..Config::new("https://auth.example.org", "main") });
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains(sources), "{icon:?} {policy}");
            assert_eq!(policy.split(';').count(), 6, "{policy}");
        }
    }

    #[test]
    fn transport_security_is_told_behind_tls_alone() {
        for (url, told) in [("https://auth.example.org", true), ("http://localhost:8080", false)] {
            assert_eq!(of(&Config::new(url, "main")).contains_key(STRICT_TRANSPORT_SECURITY), told, "{url}");
        }
    }
}

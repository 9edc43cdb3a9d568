//! The headers that every page carries.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::brand::Brand;

/// The headers of every page: nothing is fetched but styles and pictures, nothing frames a page, and no cache keeps it.
/// `is_secure` says whether browsers reach the pages by TLS, `form_targets` where forms may lead beside this site, and
/// `has_script` whether the page runs a file of this site as its script.
///
/// Links made from a page's address, which may be that of a mail, never leave this site: not even as a referrer.
#[must_use]
pub fn of(brand: &Brand, is_secure: bool, form_targets: &[&str], has_script: bool) -> HeaderMap {
    let picture = brand.icon.as_deref().and_then(origin).map(|origin| format!(" {origin}"));
    let targets: String = form_targets.iter().map(|target| format!(" {target}")).collect();
    let policy = format!(
        "default-src 'none'; {}style-src 'self'; img-src 'self'{}; form-action 'self'{targets}; \
         frame-ancestors 'none'; base-uri 'none'",
        if has_script { "script-src 'self'; " } else { "" },
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
    if is_secure {
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
            let headers = of(&brand, true, &[], false);
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains(sources), "{icon:?} {policy}");
            assert_eq!(policy.split(';').count(), 6, "{policy}");
        }
    }

    #[test]
    fn scripts_run_on_the_pages_alone_that_have_one() {
        for (has_script, beginning) in [
            (false, "default-src 'none'; style-src 'self';"),
            (true, "default-src 'none'; script-src 'self'; style-src 'self';"),
        ] {
            let headers = of(&Brand::new("x"), true, &[], has_script);
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with(beginning), "{policy}");
        }
    }

    #[test]
    fn transport_security_is_told_behind_tls_alone() {
        for is_secure in [true, false] {
            let headers = of(&Brand::new("x"), is_secure, &[], false);
            assert_eq!(headers.contains_key(STRICT_TRANSPORT_SECURITY), is_secure);
        }
    }

    #[test]
    fn forms_lead_to_this_site_and_to_the_targets_that_are_named() {
        for (targets, expected) in
            [(&[][..], "form-action 'self';"), (&["zulip:"], "form-action 'self' zulip:;")]
        {
            let headers = of(&Brand::new("x"), true, targets, false);
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains(expected), "{policy}");
        }
    }
}

//! What the head of a request tells of its way here.

use std::borrow::Cow;
use std::net::IpAddr;

use http::header::{FORWARDED, HeaderName, VIA};
use http::{HeaderMap, Request, Uri};

/// Headers in which proxies name the client, beside those that begin with [`PREFIX`].
const NAMES: [&str; 6] = [
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-original-host",
];

const PREFIX: &str = "x-forwarded";

/// The first header that says that a proxy forwarded the request; `None` when there is none. Whether it is true is not
/// judged: clients can send such headers too.
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// headers.insert("host", "localhost".parse().unwrap());
/// assert_eq!(auth_core::forwarding_header(&headers), None);
/// headers.insert("x-forwarded-proto", "https".parse().unwrap());
/// assert_eq!(auth_core::forwarding_header(&headers).unwrap(), "x-forwarded-proto");
/// ```
#[must_use]
pub fn forwarding_header(headers: &HeaderMap) -> Option<&HeaderName> {
    headers.keys().find(|name| {
        *name == FORWARDED
            || *name == VIA
            || name.as_str().starts_with(PREFIX)
            || NAMES.contains(&name.as_str())
    })
}

/// Whether a host, with or without a port, is a name or an address of this machine alone: `localhost` and the names below
/// it, `127.0.0.0/8` and `[::1]`. Nobody else can have such a name lead here.
///
/// ```
/// assert!(auth_core::is_loopback_host("LocalHost:8080"));
/// assert!(!auth_core::is_loopback_host("localhost.example.org"));
/// ```
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let name_length = host.rfind(']').map_or_else(|| host.find(':').unwrap_or(host.len()), |end| end + 1);
    let Some((name, port)) = host.split_at_checked(name_length) else { return false };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return false;
    }
    if let Some(inner) = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        return inner.contains(':') && is_loopback_address(inner);
    }
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || is_loopback_address(&name)
}

fn is_loopback_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// A path in which each run of slashes, written as such or as `%2F`, is one slash. A single `%2F` stays.
///
/// ```
/// use auth_core::merged_path;
/// assert_eq!(merged_path("//api/v1%2f/login"), "/api/v1/login");
/// assert_eq!(merged_path("/a%2Fb/"), "/a%2Fb/");
/// ```
#[must_use]
pub fn merged_path(path: &str) -> Cow<'_, str> {
    // Most paths have neither a run of slashes nor an escape.
    if !path.as_bytes().windows(2).any(|pair| matches!(pair, [b'/', b'/'] | [b'%', _])) {
        return Cow::Borrowed(path);
    }
    let slash = |text: &str| match text.as_bytes() {
        [b'/', ..] => Some(1),
        [b'%', b'2', b'f' | b'F', ..] => Some(3),
        _ => None,
    };
    let (mut merged, mut kept, mut at) = (String::new(), 0, 0);
    while let Some(rest) = path.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(first) = slash(rest) else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let mut end = at + first;
        while let Some(next) = path.get(end..).and_then(slash) {
            end += next;
        }
        if end > at + first {
            merged.push_str(path.get(kept..at).unwrap_or_default());
            merged.push('/');
            kept = end;
        }
        at = end;
    }
    if kept == 0 {
        return Cow::Borrowed(path);
    }
    merged.push_str(path.get(kept..).unwrap_or_default());
    Cow::Owned(merged)
}

/// Merges the slashes in a request's path, see [`merged_path`]. The query stays as it is.
pub fn merge_slashes<B>(request: &mut Request<B>) {
    let Cow::Owned(path) = merged_path(request.uri().path()) else { return };
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = request.uri().clone().into_parts();
    // What was a path stays one.
    let Ok(target) = target.parse() else { return };
    parts.path_and_query = Some(target);
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_header_that_proxies_add_is_known() {
        for name in [
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Anything",
            "X-Forwarded",
            "X-Real-IP",
            "Via",
            "CF-Connecting-IP",
        ] {
            let headers = [(name.parse().unwrap(), "x".parse().unwrap())].into_iter().collect();
            assert_eq!(forwarding_header(&headers).map(|found| *found == name), Some(true), "{name}");
        }
        for name in ["Host", "X-Request-Id", "Origin", "X-User-Id"] {
            let headers = [(name.parse().unwrap(), "x".parse().unwrap())].into_iter().collect();
            assert_eq!(forwarding_header(&headers), None, "{name}");
        }
    }

    #[test]
    fn runs_of_slashes_are_one_and_the_query_stays() {
        for (target, expected) in [
            ("//api/v1/server_settings", "/api/v1/server_settings"),
            ("///api//v1////login?next=//x", "/api/v1/login?next=//x"),
            ("/%2F%2fapi/v1/%2Flogin", "/api/v1/login"),
            ("/api/v1/login//", "/api/v1/login/"),
            ("/api%2Fv1/login?a=%2F%2F", "/api%2Fv1/login?a=%2F%2F"),
            ("/", "/"),
            ("//", "/"),
            ("http://b.example//a", "http://b.example/a"),
        ] {
            let mut request = Request::builder().uri(target).body(()).unwrap();
            merge_slashes(&mut request);
            assert_eq!(request.uri().to_string(), expected, "{target}");
        }
    }

    #[test]
    fn only_names_and_addresses_of_this_machine_are_loopback_hosts() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "zulip.localhost:9991",
            "127.0.0.1",
            "127.8.9.1:80",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            ":80",
            "0.0.0.0",
            "192.0.2.1",
            "[2001:db8::1]",
            "[localhost]",
            "[127.0.0.1]",
            "::1",
            "evil.example.com",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "notlocalhost",
            "localhost:",
            "localhost:x",
            "localhost:80@evil.example.com",
            "user@localhost",
            "[::1]x",
            "localhost,evil.example.com",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    proptest! {
        #[test]
        fn merged_paths_have_no_run_and_stay(path in "(/|%2F|%2f|%|a|ä){0,12}") {
            let merged = merged_path(&path).into_owned();
            prop_assert!(!merged.to_ascii_lowercase().replace("%2f", "/").contains("//"), "{merged}");
            prop_assert_eq!(&*merged_path(&merged), merged.as_str());
        }

        #[test]
        fn any_host_is_judged(host: String) {
            let _ = is_loopback_host(&host);
        }
    }
}

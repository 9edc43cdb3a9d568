//! The host that a request is for.

use auth_core::is_loopback_host;
use http::header::{HOST, HeaderValue};
use http::{Request, Version};

/// Has the host in a request's target replace the `Host` header (RFC 9112, 3.2.2, and RFC 9113, 8.3.1). A request by
/// HTTP/1.1 without the header stays without one, since it is malformed.
pub(crate) fn settle<B>(request: &mut Request<B>) {
    let Some(authority) = request.uri().authority() else { return };
    let Ok(host) = HeaderValue::from_str(authority.as_str()) else { return };
    if request.version() != Version::HTTP_11 || request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, host);
    }
}

/// Whether a request is for another host than this machine by one of its own names. One without a host is not: browsers
/// always send one.
pub(crate) fn is_foreign<B>(request: &Request<B>) -> bool {
    let is_own = |host: &HeaderValue| host.to_str().is_ok_and(is_loopback_host);
    let is_own_target =
        request.uri().authority().is_none_or(|authority| is_loopback_host(authority.as_str()));
    !is_own_target || !request.headers().get_all(HOST).iter().all(is_own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, target: &str, hosts: &[&str]) -> Request<()> {
        let request = Request::builder().version(version).uri(target);
        hosts.iter().fold(request, |request, host| request.header(HOST, *host)).body(()).unwrap()
    }

    #[test]
    fn host_of_the_target_replaces_the_header() {
        const TARGET: &str = "http://b.example:81/path";
        for (version, target, hosts, expected) in [
            (Version::HTTP_11, "/path", &["a.example"][..], &["a.example"][..]),
            (Version::HTTP_11, "/path", &[], &[]),
            (Version::HTTP_11, TARGET, &["a.example"], &["b.example:81"]),
            (Version::HTTP_11, TARGET, &["a.example", "c.example"], &["b.example:81"]),
            (Version::HTTP_11, TARGET, &[], &[]),
            (Version::HTTP_10, TARGET, &[], &["b.example:81"]),
            (Version::HTTP_2, TARGET, &[], &["b.example:81"]),
            (Version::HTTP_2, TARGET, &["a.example"], &["b.example:81"]),
        ] {
            let mut request = request(version, target, hosts);
            settle(&mut request);
            let settled: Vec<_> = request.headers().get_all(HOST).iter().collect();
            assert_eq!(settled, expected, "{version:?} {target} {hosts:?}");
            assert_eq!(request.uri().path(), "/path");
        }
    }

    #[test]
    fn foreign_is_each_host_but_this_machine() {
        for (target, hosts, expected) in [
            ("/", &["127.0.0.1:8080"][..], false),
            ("/", &["LOCALHOST"], false),
            ("/", &[], false),
            ("/", &["evil.example"], true),
            ("/", &["localhost", "evil.example"], true),
            ("/", &["l\u{f6}calhost"], true),
            ("http://evil.example/", &[], true),
            ("http://evil.example/", &["localhost"], true),
            ("http://[::1]:8080/", &["[::1]:8080"], false),
        ] {
            let request = request(Version::HTTP_11, target, hosts);
            assert_eq!(is_foreign(&request), expected, "{target} {hosts:?}");
        }
    }
}

//! The host that a request is for.

use http::header::{HOST, HeaderValue};
use http::{Request, Version};

/// Has the host in a request's target replace the `Host` header (RFC 9112, 3.2.2, and RFC 9113, 8.3.1). A request by
/// HTTP/1.1 without the header stays without one, since it is malformed.
pub fn settle_host<B>(request: &mut Request<B>) {
    let Some(authority) = request.uri().authority() else { return };
    let Ok(host) = HeaderValue::from_str(authority.as_str()) else { return };
    if request.version() != Version::HTTP_11 || request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, host);
    }
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
            settle_host(&mut request);
            let settled: Vec<_> = request.headers().get_all(HOST).iter().collect();
            assert_eq!(settled, expected, "{version:?} {target} {hosts:?}");
            assert_eq!(request.uri().path(), "/path");
        }
    }
}

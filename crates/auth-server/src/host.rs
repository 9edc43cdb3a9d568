//! Hosts of this machine, for servers that answer no other.

use auth_core::is_loopback_host;
use http::Request;
use http::header::{HOST, HeaderValue};

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
    use http::Version;

    use super::*;

    fn request(version: Version, target: &str, hosts: &[&str]) -> Request<()> {
        let request = Request::builder().version(version).uri(target);
        hosts.iter().fold(request, |request, host| request.header(HOST, *host)).body(()).unwrap()
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

//! The realm that a host names.

/// The part of a host name below `external_host`, in lower case: empty for that host itself, `None` for a host that is
/// neither it nor one label below it. Ports don't count.
///
/// ```
/// use auth_proto_web::decode::host::subdomain;
///
/// assert_eq!(subdomain("Chess.example.org:8443", "example.org").as_deref(), Some("chess"));
/// assert_eq!(subdomain("example.org", "example.org").as_deref(), Some(""));
/// assert_eq!(subdomain("a.b.example.org", "example.org"), None);
/// ```
#[must_use]
pub fn subdomain(host: &str, external_host: &str) -> Option<String> {
    let (host, external) = (name(host), name(external_host));
    if host == external {
        return Some(String::new());
    }
    let label = host.strip_suffix(&external)?.strip_suffix('.')?;
    let is_label =
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_label.then(|| label.to_owned())
}

/// A host without its port and without a final dot, in lower case.
fn name(host: &str) -> String {
    let without_port =
        host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let host = without_port.map_or(host, |(name, _)| name);
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_below_the_external_host_is_the_subdomain() {
        for (host, subdomain_of_it) in [
            ("example.org", Some("")),
            ("EXAMPLE.org.", Some("")),
            ("example.org:80", Some("")),
            ("chess.example.org", Some("chess")),
            (".example.org", None),
            ("a.b.example.org", None),
            ("a_b.example.org", None),
            ("<.example.org", None),
            ("badexample.org", None),
            ("example.org.evil.example", None),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(subdomain(host, "example.org:443").as_deref(), subdomain_of_it, "{host}");
        }
    }
}

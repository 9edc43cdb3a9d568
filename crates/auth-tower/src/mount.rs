//! The prefix below which a protocol is mounted.

use http::{Request, Uri};

/// Takes a prefix off a request's path; `false` and nothing changed where the path isn't below it.
pub(crate) fn strip_prefix<B>(prefix: &str, request: &mut Request<B>) -> bool {
    if prefix.is_empty() {
        return true;
    }
    let Some(target) = below(prefix, request.uri()) else { return false };
    let mut parts = request.uri().clone().into_parts();
    // What was a path stays one.
    parts.path_and_query = target.parse().ok();
    let Ok(uri) = Uri::from_parts(parts) else { return false };
    *request.uri_mut() = uri;
    true
}

/// The path below a prefix, with the query.
fn below(prefix: &str, uri: &Uri) -> Option<String> {
    let path = uri.path().strip_prefix(prefix)?;
    let path = if path.is_empty() { "/" } else { path };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    path.starts_with('/').then(|| format!("{path}{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_is_taken_off_whole_names_alone() {
        for (target, expected) in [
            ("/auth/api/v1/login?next=/auth/x", Some("/api/v1/login?next=/auth/x")),
            ("/auth", Some("/")),
            ("/auth?x", Some("/?x")),
            ("/auth/", Some("/")),
            ("/auth//a", Some("//a")),
            ("http://a.example/auth/a%2Fb", Some("http://a.example/a%2Fb")),
            ("/author", None),
            ("/a/auth/x", None),
            ("/", None),
            ("*", None),
        ] {
            let mut request = Request::builder().uri(target).body(()).unwrap();
            let is_below = strip_prefix("/auth", &mut request);
            assert_eq!(is_below, expected.is_some(), "{target}");
            assert_eq!(request.uri().to_string(), expected.unwrap_or(target), "{target}");
        }
    }
}

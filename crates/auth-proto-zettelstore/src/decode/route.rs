//! Which of the protocol's paths a request is for (zettelstore.md 2).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::form::escapes_are_whole;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the protocol answers each")]
pub enum Route {
    /// `/a`: log in, renew.
    Token,
    /// `/x`: commands.
    Command,
    /// One of the former with the id of a zettel, which has no methods.
    Zettel,
    /// A path with doubled slashes or dots in it; the clean one is where it leads.
    Moved(String),
    /// Below the prefix, but nothing of ours.
    Unknown,
    /// Not below the prefix.
    Outside,
    /// A path with a malformed escape.
    Malformed,
}

impl Route {
    /// The route of a path as sent, without the query. `base` is the prefix without its last slash.
    ///
    /// ```
    /// use auth_proto_zettelstore::decode::route::Route;
    ///
    /// assert_eq!(Route::of("/a", ""), Route::Token);
    /// assert_eq!(Route::of("/notes/%61/", "/notes"), Route::Token);
    /// assert_eq!(Route::of("/notes//a", "/notes"), Route::Moved("/notes/a".into()));
    /// assert_eq!(Route::of("/a", "/notes"), Route::Outside);
    /// ```
    #[must_use]
    pub fn of(path: &str, base: &str) -> Self {
        if !escapes_are_whole(path.as_bytes()) {
            return Self::Malformed;
        }
        let path: Vec<u8> = percent_decode_str(path).collect();
        let Some(rest @ [b'/', ..]) = path.strip_prefix(base.as_bytes()) else {
            return Self::Outside;
        };
        if let Some(route) = Self::documented(rest) {
            return route;
        }
        let clean = clean(rest);
        if clean == rest {
            Self::Unknown
        } else {
            Self::Moved(percent_encode(&[base.as_bytes(), &clean].concat(), PATH).to_string())
        }
    }

    fn documented(path: &[u8]) -> Option<Self> {
        let (route, tail) = match path {
            [b'/', b'a', tail @ ..] => (Self::Token, tail),
            [b'/', b'x', tail @ ..] => (Self::Command, tail),
            _ => return None,
        };
        match tail {
            [] | [b'/'] => Some(route),
            [b'/', zettel @ ..] if is_zettel_id(zettel.strip_suffix(b"/").unwrap_or(zettel)) => {
                Some(Self::Zettel)
            }
            _ => None,
        }
    }
}

/// Whether it is the id of a zettel: 14 digits.
fn is_zettel_id(text: &[u8]) -> bool {
    text.len() == 14 && text.iter().all(u8::is_ascii_digit)
}

/// The path without empty parts and dots; a slash at the end stays.
fn clean(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                kept.pop();
            }
            _ => kept.push(part),
        }
    }
    let mut clean = vec![b'/'];
    clean.extend_from_slice(&kept.join(&b'/'));
    if path.ends_with(b"/") && !kept.is_empty() {
        clean.push(b'/');
    }
    clean
}

/// What is escaped in the path that a redirect leads to.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moved(to: &str) -> Route {
        Route::Moved(to.to_owned())
    }

    #[test]
    fn paths_lead_where_the_real_router_sends_them() {
        for (path, route) in [
            ("/a", Route::Token),
            ("/a/", Route::Token),
            ("/%61", Route::Token),
            ("/a%2F", Route::Token),
            ("/x", Route::Command),
            ("/x/", Route::Command),
            ("/a/20240101000200", Route::Zettel),
            ("/a/20240101000200/", Route::Zettel),
            ("/x/20240101000200", Route::Zettel),
            ("/a/2024010100020", Route::Unknown),
            ("/a/2024010100020x", Route::Unknown),
            ("/a/20240101000200/a", Route::Unknown),
            ("/A", Route::Unknown),
            ("/a/x", Route::Unknown),
            ("/ab", Route::Unknown),
            ("/", Route::Unknown),
            ("/b", Route::Unknown),
            ("/%C3%A9", Route::Unknown),
            ("/%FF", Route::Unknown),
            ("//a", moved("/a")),
            ("//", moved("/")),
            ("/a//", moved("/a/")),
            ("/./a", moved("/a")),
            ("/b/../a", moved("/a")),
            ("/%2e%2E/a", moved("/a")),
            ("/a/..", moved("/")),
            ("//example.com/a", moved("/example.com/a")),
            ("//%0D%0Ax%22", moved("/%0D%0Ax%22")),
            ("", Route::Outside),
            ("*", Route::Outside),
            ("/%zz", Route::Malformed),
            ("/a%", Route::Malformed),
        ] {
            assert_eq!(Route::of(path, ""), route, "{path}");
        }
    }

    #[test]
    fn prefix_stands_before_every_path() {
        for (path, route) in [
            ("/pfx/a", Route::Token),
            ("/%70fx/a/", Route::Token),
            ("/pfx/x", Route::Command),
            ("/pfx/", Route::Unknown),
            ("/pfx//a", moved("/pfx/a")),
            ("/pfx/../a", moved("/pfx/a")),
            ("/pfx", Route::Outside),
            ("/pfxa", Route::Outside),
            ("/a", Route::Outside),
            ("//pfx/a", Route::Outside),
        ] {
            assert_eq!(Route::of(path, "/pfx"), route, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_is_read(path in ".*") {
            let _ = (Route::of(&path, ""), Route::of(&format!("/{path}"), ""));
        }

        #[test]
        fn redirects_stay_on_this_host_and_end(path in "(/|//|[a.x%2eF]){0,12}", base in "(|/pfx)") {
            if let Route::Moved(to) = Route::of(&format!("{base}/{path}"), &base) {
                prop_assert!(to.starts_with('/') && !to.starts_with("//"), "{to}");
                prop_assert!(!matches!(Route::of(&to, &base), Route::Moved(_) | Route::Outside), "{to}");
            }
        }
    }
}

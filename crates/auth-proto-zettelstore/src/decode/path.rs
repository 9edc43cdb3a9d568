//! Where a path leads.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::form::has_whole_escapes;

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the dispatcher answers each")]
pub enum Destination {
    /// `/a`: login and renewal.
    Token,
    /// `/x`: commands.
    Command,
    /// `/a` or `/x` with the id of a zettel, which has no methods here.
    Zettel,
    /// A path with doubled slashes or dots in it, to be redirected to its [`clean_location`].
    Moved,
    /// A path below the prefix that is none of the protocol's.
    Unknown,
    /// A path that is not below the prefix.
    Outside,
    /// A path with a malformed escape.
    Malformed,
}

impl Destination {
    /// The destination of a path as sent, without the query. `base` is the prefix without its last slash.
    ///
    /// ```
    /// use auth_proto_zettelstore::decode::path::Destination;
    ///
    /// assert_eq!(Destination::of("/a", ""), Destination::Token);
    /// assert_eq!(Destination::of("/notes/%61/", "/notes"), Destination::Token);
    /// assert_eq!(Destination::of("/notes//a", "/notes"), Destination::Moved);
    /// assert_eq!(Destination::of("/a", "/notes"), Destination::Outside);
    /// ```
    #[must_use]
    pub fn of(path: &str, base: &str) -> Self {
        if !has_whole_escapes(path.as_bytes()) {
            return Self::Malformed;
        }
        let path: Cow<'_, [u8]> = percent_decode_str(path).into();
        let Some(rest @ [b'/', ..]) = path.strip_prefix(base.as_bytes()) else {
            return Self::Outside;
        };
        if let Some(destination) = Self::documented(rest) {
            return destination;
        }
        if clean(rest) == rest { Self::Unknown } else { Self::Moved }
    }

    fn documented(path: &[u8]) -> Option<Self> {
        let (destination, tail) = match path {
            [b'/', b'a', tail @ ..] => (Self::Token, tail),
            [b'/', b'x', tail @ ..] => (Self::Command, tail),
            _ => return None,
        };
        match tail {
            [] | [b'/'] => Some(destination),
            [b'/', zettel @ ..] if is_zettel_id(zettel.strip_suffix(b"/").unwrap_or(zettel)) => {
                Some(Self::Zettel)
            }
            _ => None,
        }
    }
}

/// The clean spelling of a path below the prefix, escaped as the target of a redirect: without doubled slashes and
/// without dots.
///
/// ```
/// use auth_proto_zettelstore::decode::path::clean_location;
///
/// assert_eq!(clean_location("/notes//b/../a", "/notes"), "/notes/a");
/// ```
#[must_use]
pub fn clean_location(path: &str, base: &str) -> String {
    let path: Cow<'_, [u8]> = percent_decode_str(path).into();
    let rest = path.strip_prefix(base.as_bytes()).unwrap_or(&path);
    percent_encode(&[base.as_bytes(), &clean(rest)].concat(), LOCATION).to_string()
}

/// Whether a text is the id of a zettel: 14 digits.
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

/// The bytes that are escaped in the target of a redirect.
const LOCATION: &AsciiSet = &NON_ALPHANUMERIC
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

    fn check_moved(path: &str, base: &str, location: &str) {
        assert_eq!(Destination::of(path, base), Destination::Moved, "{path}");
        assert_eq!(clean_location(path, base), location, "{path}");
    }

    #[test]
    fn paths_lead_where_the_real_router_sends_them() {
        for (path, destination) in [
            ("/a", Destination::Token),
            ("/a/", Destination::Token),
            ("/%61", Destination::Token),
            ("/a%2F", Destination::Token),
            ("/x", Destination::Command),
            ("/x/", Destination::Command),
            ("/a/20240101000200", Destination::Zettel),
            ("/a/20240101000200/", Destination::Zettel),
            ("/x/20240101000200", Destination::Zettel),
            ("/a/2024010100020", Destination::Unknown),
            ("/a/2024010100020x", Destination::Unknown),
            ("/a/20240101000200/a", Destination::Unknown),
            ("/A", Destination::Unknown),
            ("/a/x", Destination::Unknown),
            ("/ab", Destination::Unknown),
            ("/", Destination::Unknown),
            ("/b", Destination::Unknown),
            ("/%C3%A9", Destination::Unknown),
            ("/%FF", Destination::Unknown),
            ("", Destination::Outside),
            ("*", Destination::Outside),
            ("/%zz", Destination::Malformed),
            ("/a%", Destination::Malformed),
        ] {
            assert_eq!(Destination::of(path, ""), destination, "{path}");
        }
        for (path, location) in [
            ("//a", "/a"),
            ("//", "/"),
            ("/a//", "/a/"),
            ("/./a", "/a"),
            ("/b/../a", "/a"),
            ("/%2e%2E/a", "/a"),
            ("/a/..", "/"),
            ("//example.com/a", "/example.com/a"),
            ("//%0D%0Ax%22", "/%0D%0Ax%22"),
        ] {
            check_moved(path, "", location);
        }
    }

    #[test]
    fn prefix_stands_before_every_path() {
        for (path, destination) in [
            ("/pfx/a", Destination::Token),
            ("/%70fx/a/", Destination::Token),
            ("/pfx/x", Destination::Command),
            ("/pfx/", Destination::Unknown),
            ("/pfx", Destination::Outside),
            ("/pfxa", Destination::Outside),
            ("/a", Destination::Outside),
            ("//pfx/a", Destination::Outside),
        ] {
            assert_eq!(Destination::of(path, "/pfx"), destination, "{path}");
        }
        for (path, location) in [("/pfx//a", "/pfx/a"), ("/pfx/../a", "/pfx/a")] {
            check_moved(path, "/pfx", location);
        }
    }

    proptest! {
        #[test]
        fn any_path_is_read(path in ".*") {
            for path in [path.as_str(), &format!("/{path}")] {
                let _ = (Destination::of(path, ""), clean_location(path, "/notes"));
            }
        }

        #[test]
        fn redirects_stay_on_this_host_and_end(path in "(/|//|[a.x%2eF]){0,12}", base in "(|/pfx)") {
            let path = format!("{base}/{path}");
            if Destination::of(&path, &base) == Destination::Moved {
                let to = clean_location(&path, &base);
                prop_assert!(to.starts_with('/') && !to.starts_with("//"), "{to}");
                let destination = Destination::of(&to, &base);
                prop_assert!(!matches!(destination, Destination::Moved | Destination::Outside), "{to}");
            }
        }
    }
}

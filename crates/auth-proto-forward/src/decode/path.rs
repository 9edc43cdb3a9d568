//! Paths, as far as different programs are sure to understand them alike.

use percent_encoding::percent_decode_str;

/// The path as every application understands it: decoded, without empty and dot segments, and without a slash at its end.
/// `None` where applications may differ:
///
/// - a slash or a percent sign that is encoded, or a backslash: some decode twice, or take it for a separator;
/// - `;`, `?` or `#` in a segment: some cut the segment there;
/// - a segment that ends with a dot or a space: some leave that out;
/// - `..` above the root, characters that act on a terminal, and bytes that are no UTF-8.
///
/// ```
/// use auth_proto_forward::decode::path::normalised;
///
/// assert_eq!(normalised("//a/./%62/../c/").as_deref(), Some("/a/c"));
/// assert_eq!(normalised("/a%2Fb"), None);
/// ```
#[must_use]
pub fn normalised(path: &str) -> Option<String> {
    let path = path.strip_prefix('/')?;
    let mut segments: Vec<String> = Vec::new();
    for encoded in path.split('/') {
        if !has_good_escapes(encoded) {
            return None;
        }
        let segment = percent_decode_str(encoded).decode_utf8().ok()?;
        match &*segment {
            "" | "." => {}
            ".." => drop(segments.pop()?),
            _ if is_doubtful(&segment) => return None,
            _ => segments.push(segment.into_owned()),
        }
    }
    Some(segments.iter().fold(String::new(), |path, segment| path + "/" + segment)).map(|path| {
        match path.as_str() {
            "" => "/".to_owned(),
            _ => path,
        }
    })
}

/// Whether each percent sign begins an escape.
fn has_good_escapes(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Whether programs may understand a decoded segment differently.
fn is_doubtful(segment: &str) -> bool {
    segment.contains(['/', '\\', '%', ';', '?', '#'])
        || segment.ends_with(['.', ' '])
        || segment.chars().any(|character| {
            auth_core::is_control(character) || auth_core::is_invisible(character) && character != ' '
        })
}

#[cfg(test)]
mod tests {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_one_where_all_programs_agree() {
        for (path, expected) in [
            ("/", "/"),
            ("//", "/"),
            ("/.", "/"),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/a//b///c", "/a/b/c"),
            ("/a/./b/../c", "/a/c"),
            ("/a/..", "/"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/%2e/b", "/a/b"),
            ("/%61%64min", "/admin"),
            ("/%C3%A9t%C3%A9", "/été"),
            ("/a%20b", "/a b"),
            ("/a+b:c@d,e=f&g!h$i'j(k)*l~m", "/a+b:c@d,e=f&g!h$i'j(k)*l~m"),
            ("/.well-known/x", "/.well-known/x"),
            ("/..a/...b", "/..a/...b"),
        ] {
            assert_eq!(normalised(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn paths_that_programs_understand_differently_are_none() {
        for path in [
            "",
            "a",
            "*",
            "http://wiki.example.org/",
            "/..",
            "/../admin",
            "/a/../../admin",
            "/%2e%2e/admin",
            "/a%2Fadmin",
            "/a%2fadmin",
            "/a%5Cadmin",
            "/a\\admin",
            "/%2561dmin",
            "/%252e%252e/admin",
            "/100%25",
            "/admin;x",
            "/admin%3Bx",
            "/..;/admin",
            "/a/..;x/admin",
            "/admin%3Fx",
            "/admin%23x",
            "/admin.",
            "/admin%20",
            "/admin..",
            "/...",
            "/admin%00",
            "/admin%0a",
            "/admin%7f",
            "/admin%E2%80%8B",
            "/%c0%ae%c0%ae/admin",
            "/%ff",
            "/%",
            "/%4",
            "/%zz",
            "/%u0061dmin",
        ] {
            assert_eq!(normalised(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn what_is_normalised_stays_so_and_has_no_way_up(
            path in "/(a|b|\\.|%2e|%2E|/|%61|%|%2f|%5c|;|%25|é| ){0,16}",
        ) {
            if let Some(normal) = normalised(&path) {
                prop_assert!(normal.starts_with('/') && !normal.contains("//"), "{normal}");
                prop_assert!(normal.split('/').all(|segment| segment != "." && segment != ".."), "{normal}");
                let encoded: Vec<String> = normal
                    .split('/')
                    .map(|segment| utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string())
                    .collect();
                let again = normalised(&encoded.join("/"));
                prop_assert_eq!(again.as_deref(), Some(normal.as_str()));
            }
        }

        #[test]
        fn any_path_is_judged(path: String) {
            let _ = normalised(&path);
        }

        #[test]
        fn an_encoding_changes_nothing(segments in prop::collection::vec("[a-z]{1,5}", 0..5)) {
            let plain = format!("/{}", segments.join("/"));
            let encoded: String = plain
                .bytes()
                .map(|byte| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02x}") })
                .collect();
            prop_assert_eq!(normalised(&encoded), normalised(&plain));
        }
    }
}

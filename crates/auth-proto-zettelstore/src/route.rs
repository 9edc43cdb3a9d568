//! The table of routes, and the match of a path against it.
//!
//! A path is matched once: the index of its row goes to the server and comes back with the request.

use auth_core::{Route, RouteMatch};

use crate::decode::path::{Destination, clean_location};

/// A row of the table.
struct Row {
    destination: Destination,
    matched: RouteMatch,
    /// The path below the URL prefix, as logs name it.
    pattern: &'static str,
}

/// The routes. Methods are looked at by `protocol.rs`, since answers never list them.
const ROUTES: [Row; 6] = [
    Row { destination: Destination::Token, matched: RouteMatch::Documented, pattern: "/a" },
    Row { destination: Destination::Command, matched: RouteMatch::Documented, pattern: "/x" },
    Row { destination: Destination::Zettel, matched: RouteMatch::Documented, pattern: "/{letter}/{zettel}" },
    // As good a match as the clean path is.
    Row { destination: Destination::Moved, matched: RouteMatch::Prefix, pattern: "/{path}" },
    Row { destination: Destination::Outside, matched: RouteMatch::Prefix, pattern: "/{path}" },
    Row { destination: Destination::Malformed, matched: RouteMatch::Prefix, pattern: "/{path}" },
];

/// The row of every other path. Zettelstore has a whole listener to itself and answers what it does not know too.
const UNKNOWN: Row =
    Row { destination: Destination::Unknown, matched: RouteMatch::Prefix, pattern: "/{path}" };

/// Matches a path as sent, without the query. `base` is the URL prefix without its last slash.
pub(crate) fn find(path: &str, base: &str) -> Route {
    let destination = Destination::of(path, base);
    let found = ROUTES.iter().enumerate().find(|(_, row)| row.destination == destination);
    let (index, row) = found.unwrap_or((ROUTES.len(), &UNKNOWN));
    let matched = match destination {
        Destination::Moved => find(&clean_location(path, base), base).matched,
        _ => row.matched,
    };
    Route { matched, pattern: row.pattern, index }
}

/// The destination of a route that [`find`] gave.
pub(crate) fn destination(route: &Route) -> Destination {
    ROUTES.get(route.index).unwrap_or(&UNKNOWN).destination
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn route_leads_back_to_the_destination_of_its_path() {
        for path in ["/a", "/x", "/a/20240101000200", "//a", "//b", "/b", "", "/%zz"] {
            assert_eq!(destination(&find(path, "")), Destination::of(path, ""), "{path}");
        }
    }

    #[test]
    fn pattern_never_holds_what_was_sent() {
        for (path, pattern) in [
            ("/%61", "/a"),
            ("/a/20240101000200/", "/{letter}/{zettel}"),
            ("//secret", "/{path}"),
            ("/secret", "/{path}"),
        ] {
            assert_eq!(find(path, "").pattern, pattern, "{path}");
        }
    }
}

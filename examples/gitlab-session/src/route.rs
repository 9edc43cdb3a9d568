//! The table of routes, and the match of a path against it.
//!
//! A path is matched once: the index of its row goes to the server and comes back with the request.

use auth_core::{Route, RouteMatch};

/// A destination of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Logs in.
    Session,
    /// Shows the user whose token came along.
    User,
    /// Revokes the token that came along.
    OwnToken,
    /// Nothing is there.
    Nothing,
}

/// The routes with their paths.
const ROUTES: [(Endpoint, &str); 3] = [
    (Endpoint::Session, "/api/v4/session"),
    (Endpoint::User, "/api/v4/user"),
    (Endpoint::OwnToken, "/api/v4/personal_access_tokens/self"),
];

/// The largest body that is read, in bytes: a form with the longest password fits several times over.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// Matches a path as sent, without the query.
pub(crate) fn find(path: &str) -> Route {
    let route = |matched, pattern, index| Route { matched, pattern, index };
    match ROUTES.iter().enumerate().find(|(_, (_, known))| *known == path) {
        Some((index, (_, pattern))) => route(RouteMatch::Documented, pattern, index),
        None if path == "/api/v4" || path.starts_with("/api/v4/") => {
            route(RouteMatch::Prefix, "/api/v4/{path}", ROUTES.len())
        }
        None => route(RouteMatch::None, "/{path}", ROUTES.len()),
    }
}

/// The destination of a route that [`find`] gave.
pub(crate) fn endpoint(route: &Route) -> Endpoint {
    ROUTES.get(route.index).map_or(Endpoint::Nothing, |(endpoint, _)| *endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_leads_to_its_endpoint_and_is_never_named() {
        use RouteMatch::{Documented, None, Prefix};
        for (path, matched, pattern, destination) in [
            ("/api/v4/session", Documented, "/api/v4/session", Endpoint::Session),
            ("/api/v4/user", Documented, "/api/v4/user", Endpoint::User),
            (
                "/api/v4/personal_access_tokens/self",
                Documented,
                "/api/v4/personal_access_tokens/self",
                Endpoint::OwnToken,
            ),
            ("/api/v4/user/", Prefix, "/api/v4/{path}", Endpoint::Nothing),
            ("/api/v4/Session", Prefix, "/api/v4/{path}", Endpoint::Nothing),
            ("/api/v4/secret", Prefix, "/api/v4/{path}", Endpoint::Nothing),
            ("/api/v4/", Prefix, "/api/v4/{path}", Endpoint::Nothing),
            ("/api/v4", Prefix, "/api/v4/{path}", Endpoint::Nothing),
            ("/api/v40/user", None, "/{path}", Endpoint::Nothing),
            ("/api/v1/login", None, "/{path}", Endpoint::Nothing),
            ("/secret", None, "/{path}", Endpoint::Nothing),
            ("", None, "/{path}", Endpoint::Nothing),
        ] {
            let route = find(path);
            assert_eq!((route.matched, route.pattern), (matched, pattern), "{path}");
            assert_eq!(endpoint(&route), destination, "{path}");
        }
    }
}

//! The table of routes, and the match of a path against it.

use auth_core::{Route, RouteMatch};

/// The path of questions. What follows it is read by one dialect and ignored by the others.
pub(crate) const AUTH: &str = "/forward/auth";

/// The path that gives browsers their cookie.
pub(crate) const SIGN_IN: &str = "/forward/sign-in";

/// What answers a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Auth,
    SignIn,
    Unknown,
}

const ROUTES: [(Endpoint, RouteMatch, &str); 4] = [
    (Endpoint::Auth, RouteMatch::Documented, "/forward/auth"),
    (Endpoint::SignIn, RouteMatch::Documented, "/forward/sign-in"),
    (Endpoint::Unknown, RouteMatch::Prefix, "/forward/{unknown}"),
    (Endpoint::Unknown, RouteMatch::None, "{unknown}"),
];

/// Matches a path.
pub(crate) fn find(path: &str) -> Route {
    let below =
        |prefix| path.strip_prefix(prefix).is_some_and(|rest: &str| rest.is_empty() || rest.starts_with('/'));
    let index = match path {
        SIGN_IN => 1,
        _ if below(AUTH) => 0,
        _ if below("/forward") => 2,
        _ => 3,
    };
    let (_, matched, pattern) =
        ROUTES.get(index).copied().unwrap_or((Endpoint::Unknown, RouteMatch::None, ""));
    Route { matched, pattern, index }
}

/// What answers a route.
pub(crate) fn endpoint(route: &Route) -> Endpoint {
    ROUTES.get(route.index).map_or(Endpoint::Unknown, |(endpoint, ..)| *endpoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_lie_below_one_path_and_are_never_named() {
        for (path, expected, matched) in [
            ("/forward/auth", Endpoint::Auth, RouteMatch::Documented),
            ("/forward/auth/", Endpoint::Auth, RouteMatch::Documented),
            ("/forward/auth//x/../y%2f", Endpoint::Auth, RouteMatch::Documented),
            ("/forward/sign-in", Endpoint::SignIn, RouteMatch::Documented),
            ("/forward/sign-in/", Endpoint::Unknown, RouteMatch::Prefix),
            ("/forward/author", Endpoint::Unknown, RouteMatch::Prefix),
            ("/forward", Endpoint::Unknown, RouteMatch::Prefix),
            ("/forwards", Endpoint::Unknown, RouteMatch::None),
            ("//forward/auth", Endpoint::Unknown, RouteMatch::None),
            ("/", Endpoint::Unknown, RouteMatch::None),
        ] {
            let route = find(path);
            assert_eq!((endpoint(&route), route.matched), (expected, matched), "{path}");
            assert!(!route.pattern.contains('x'), "{path}");
        }
    }
}

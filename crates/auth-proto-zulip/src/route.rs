//! The table of routes, and the match of a path against it.
//!
//! A path is matched once: the index of its row goes to the server and comes back with the request.

use std::borrow::Cow;

use auth_core::{Route, RouteMatch};
use percent_encoding::percent_decode_str;

use crate::config::Config;

/// The largest body that is read, in bytes: the largest recorded login fits. The real server reads 25 MiB.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// Where a browser's session is taken over; the pattern of such a path ends in a token.
const SESSION: &str = "/accounts/login/subdomain/";

/// The methods of a route, in order of declaration. `HEAD`, implied by `GET`, comes last.
pub(crate) type Methods = &'static [&'static str];

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// What answers the route.
    pub(crate) endpoint: Endpoint,
    /// The path, as logs name it.
    pub(crate) pattern: &'static str,
    /// The methods; empty for a route that takes every method.
    pub(crate) methods: Methods,
    /// What the route answers.
    pub(crate) kind: Kind,
}

/// What a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Documents for programs.
    Api,
    /// Pages. What changes something must be sent by one of them.
    Page,
}

impl Row {
    /// The row of the same path on a server that is not for development.
    pub(crate) fn in_production(&'static self) -> &'static Self {
        match self.endpoint {
            Endpoint::DevFetchApiKey | Endpoint::DevListUsers => &UNKNOWN,
            _ => self,
        }
    }
}

/// What answers a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    FetchApiKey,
    JwtFetchApiKey,
    DevFetchApiKey,
    DevListUsers,
    ServerSettings,
    Compatibility,
    OwnUser,
    RegenerateApiKey,
    OwnSettings,
    /// Below `/json/`, for sessions of browsers.
    SessionOwnUser,
    SessionFetchApiKey,
    /// Where a login would go on, on a server without pages: no token is ever good.
    DesktopSession,
    SessionSettings,
    /// The first page.
    Home,
    LogIn,
    LogOut,
    /// Where an app has a browser ask for its user's key.
    StartWeb,
    /// Asks for a new password where one is due.
    NewPassword,
    /// Logs a browser in by an assertion.
    AssertionLogIn,
    /// Leads to the login whose users a front names.
    StartRemoteUser,
    /// Logs whoever a front names in.
    RemoteUser,
    /// A login goes on here.
    GoOn,
    /// Asks for the address to which a link for a new password is mailed.
    AskForReset,
    /// Tells that the link is mailed.
    ResetAsked,
    /// A link for a new password, and the form to which it leads.
    Reset,
    /// Tells that the password is set.
    ResetDone,
    /// Tells that the realm is deactivated.
    DeactivatedRealm,
    /// The style sheet, the picture and the scripts of the pages.
    File,
    /// A path of a page that lacks the slash at its end.
    WithoutSlash,
    /// A path that is no route.
    Unknown,
}

static ROUTES: [Row; 12] = [
    row(Endpoint::OwnUser, "/api/v1/users/me", &["GET", "DELETE", "HEAD"]),
    row(Endpoint::FetchApiKey, "/api/v1/fetch_api_key", &["POST"]),
    row(Endpoint::JwtFetchApiKey, "/api/v1/jwt/fetch_api_key", &["POST"]),
    row(Endpoint::DevFetchApiKey, "/api/v1/dev_fetch_api_key", &["POST"]),
    row(Endpoint::DevListUsers, "/api/v1/dev_list_users", &[]),
    row(Endpoint::ServerSettings, "/api/v1/server_settings", &["GET", "HEAD"]),
    row(Endpoint::Compatibility, "/compatibility", &[]),
    row(Endpoint::RegenerateApiKey, "/api/v1/users/me/api_key/regenerate", &["POST"]),
    row(Endpoint::OwnSettings, "/api/v1/settings", &["PATCH"]),
    row(Endpoint::SessionOwnUser, "/json/users/me", &["GET", "DELETE", "HEAD"]),
    row(Endpoint::SessionFetchApiKey, "/json/fetch_api_key", &["POST"]),
    row(Endpoint::DesktopSession, "/accounts/login/subdomain/{token}", &[]),
];

/// The routes of Zulip's pages, and of the documents that their sessions get. Where no methods are named, the handler judges.
static PAGES: [Row; 21] = [
    page(Endpoint::Home, "/", &["GET", "HEAD"]),
    page(Endpoint::LogIn, "/login/", &["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
    page(Endpoint::LogIn, "/accounts/login/", &["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
    page(Endpoint::LogOut, "/accounts/logout/", &["POST"]),
    page(Endpoint::StartWeb, "/accounts/login/start/web/", &["GET", "POST", "HEAD"]),
    page(Endpoint::StartWeb, "/accounts/register/start/web/", &["GET", "POST", "HEAD"]),
    page(Endpoint::NewPassword, "/accounts/login/new-password/", &["GET", "POST", "HEAD"]),
    page(Endpoint::AssertionLogIn, "/accounts/login/jwt/", &["POST"]),
    page(Endpoint::StartRemoteUser, "/accounts/login/start/sso/", &[]),
    page(Endpoint::RemoteUser, "/accounts/login/sso/", &[]),
    page(Endpoint::GoOn, "/accounts/login/subdomain/{token}", &[]),
    page(Endpoint::AskForReset, "/accounts/password/reset/", &["GET", "POST", "PUT", "HEAD"]),
    page(Endpoint::ResetAsked, "/accounts/password/reset/done/", &["GET", "HEAD"]),
    page(Endpoint::Reset, "/accounts/password/reset/{user}/{token}/", &["GET", "POST", "PUT", "HEAD"]),
    page(Endpoint::ResetDone, "/accounts/password/done/", &["GET", "HEAD"]),
    page(Endpoint::DeactivatedRealm, "/accounts/deactivated/", &["GET", "HEAD"]),
    page(Endpoint::File, "/style-{hash}.css", &["GET", "HEAD"]),
    page(Endpoint::File, "/icon-{hash}.svg", &["GET", "HEAD"]),
    page(Endpoint::File, "/script-{hash}.js", &["GET", "HEAD"]),
    row(Endpoint::SessionSettings, "/json/settings", &["PATCH"]),
    page(Endpoint::WithoutSlash, "/{path}", &[]),
];

/// The folders whose paths are all Zulip's, where its pages are served.
const FOLDERS: [&str; 4] = ["/accounts/", "/login/", "/complete/", "/register/"];

/// The row of every other path.
static UNKNOWN: Row = row(Endpoint::Unknown, "/{path}", &[]);

const fn row(endpoint: Endpoint, pattern: &'static str, methods: Methods) -> Row {
    Row { endpoint, pattern, methods, kind: Kind::Api }
}

const fn page(endpoint: Endpoint, pattern: &'static str, methods: Methods) -> Row {
    Row { endpoint, pattern, methods, kind: Kind::Page }
}

/// Matches a path as sent, without the query.
pub(crate) fn find(config: &Config, path: &str) -> Route {
    let unknown = ROUTES.len() + PAGES.len();
    let route = |matched, pattern, index| Route { matched, pattern, index };
    if let Some((index, row)) = decoded(path).and_then(|path| documented(config, &path)) {
        // Other protocols may have a first page of their own.
        let matched =
            if row.endpoint == Endpoint::Home { RouteMatch::OwnForm } else { RouteMatch::Documented };
        return route(matched, row.pattern, index);
    }
    let below = path.trim_start_matches('/');
    if below.starts_with("api/") {
        route(RouteMatch::Prefix, "/api/{path}", unknown)
    } else if below.starts_with("json/") {
        route(RouteMatch::Prefix, "/json/{path}", unknown)
    } else if config.web && FOLDERS.iter().any(|folder| path.starts_with(folder)) {
        route(RouteMatch::Prefix, UNKNOWN.pattern, unknown)
    } else {
        route(RouteMatch::None, UNKNOWN.pattern, unknown)
    }
}

/// The row of a route that [`find`] gave.
pub(crate) fn row_of(route: &Route) -> &'static Row {
    ROUTES.iter().chain(&PAGES).nth(route.index).unwrap_or(&UNKNOWN)
}

/// A path without escapes; `None` when it is not UTF-8.
fn decoded(path: &str) -> Option<Cow<'_, str>> {
    if path.contains('%') { percent_decode_str(path).decode_utf8().ok() } else { Some(Cow::Borrowed(path)) }
}

fn documented(config: &Config, path: &str) -> Option<(usize, &'static Row)> {
    let mut rows = ROUTES.iter().enumerate();
    let found = rows.find(|(_, row)| match row.endpoint {
        Endpoint::DevFetchApiKey | Endpoint::DevListUsers => config.development && row.pattern == path,
        Endpoint::DesktopSession => !config.web && path.starts_with(SESSION),
        _ => row.pattern == path,
    });
    found.or_else(|| config.web.then(|| page_of(path)).flatten())
}

/// The page of a path, or the row of those that lack a slash.
fn page_of(path: &str) -> Option<(usize, &'static Row)> {
    let pages = || PAGES.iter().enumerate().map(|(index, row)| (ROUTES.len() + index, row));
    let is_page =
        |row: &Row, path: &str| row.endpoint != Endpoint::WithoutSlash && matches(row.pattern, path);
    let found = pages().find(|(_, row)| is_page(row, path));
    found.or_else(|| {
        let with_slash = format!("{path}/");
        let lacks_slash = !path.ends_with('/') && PAGES.iter().any(|row| is_page(row, &with_slash));
        pages().find(|(_, row)| lacks_slash && row.endpoint == Endpoint::WithoutSlash)
    })
}

/// Whether a path is of a pattern. What stands in braces is at least one byte, and no slash.
fn matches(pattern: &str, path: &str) -> bool {
    let Some((beginning, rest)) = pattern.split_once('{') else { return pattern == path };
    let Some(path) = path.strip_prefix(beginning) else { return false };
    let (_, end) = rest.split_once('}').unwrap_or_default();
    // What follows a place begins with the text up to the next place.
    let next = end.split('{').next().unwrap_or_default();
    let length = if next.is_empty() { Some(path.len()) } else { path.find(next) };
    let Some((inner, after)) = length.and_then(|length| path.split_at_checked(length)) else { return false };
    !inner.is_empty() && !inner.contains('/') && matches(end, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched() {
        let production = Config::default();
        let development = Config { development: true, ..Config::default() };
        for (path, matched, in_development) in [
            ("/api/v1/fetch_api_key", RouteMatch::Documented, RouteMatch::Documented),
            ("/api/v1/fetch%5Fapi_key", RouteMatch::Documented, RouteMatch::Documented),
            ("/api/v1/dev_fetch_api_key", RouteMatch::Prefix, RouteMatch::Documented),
            ("/api/v1/dev_list_users", RouteMatch::Prefix, RouteMatch::Documented),
            ("/api/v1/fetch_api_key/", RouteMatch::Prefix, RouteMatch::Prefix),
            ("/api/v1/%FF", RouteMatch::Prefix, RouteMatch::Prefix),
            ("//api/v1/fetch_api_key", RouteMatch::Prefix, RouteMatch::Prefix),
            ("/json/users/me/api_key/regenerate", RouteMatch::Prefix, RouteMatch::Prefix),
            ("/json/fetch_api_key", RouteMatch::Documented, RouteMatch::Documented),
            ("/compatibility", RouteMatch::Documented, RouteMatch::Documented),
            ("/accounts/login/subdomain/short", RouteMatch::Documented, RouteMatch::Documented),
            ("/accounts/login/", RouteMatch::None, RouteMatch::None),
            ("/", RouteMatch::None, RouteMatch::None),
            ("/apis/v1", RouteMatch::None, RouteMatch::None),
            ("*", RouteMatch::None, RouteMatch::None),
        ] {
            assert_eq!(find(&production, path).matched, matched, "{path}");
            assert_eq!(find(&development, path).matched, in_development, "{path} in development");
        }
    }

    #[test]
    fn route_leads_back_to_the_row_of_its_path() {
        let development = Config { development: true, ..Config::default() };
        for (index, row) in ROUTES.iter().enumerate() {
            let route = find(&development, row.pattern);
            assert_eq!((route.index, route.pattern), (index, row.pattern));
            assert_eq!(row_of(&route).endpoint, row.endpoint);
        }
        assert_eq!(row_of(&find(&development, "/api/v1/nosuch")).endpoint, Endpoint::Unknown);
    }

    #[test]
    fn pattern_never_holds_what_was_sent() {
        for (path, pattern) in [
            ("/accounts/login/subdomain/secret", "/accounts/login/subdomain/{token}"),
            ("/api/secret", "/api/{path}"),
            ("/json/secret", "/json/{path}"),
            ("/secret", "/{path}"),
        ] {
            assert_eq!(find(&Config::default(), path).pattern, pattern, "{path}");
        }
    }

    #[test]
    fn pages_are_found_where_they_are_served() {
        use RouteMatch::{Documented, None, OwnForm, Prefix};
        let with_pages = Config { web: true, ..Config::default() };
        for (path, matched, endpoint, without) in [
            ("/", OwnForm, Endpoint::Home, None),
            ("/login/", Documented, Endpoint::LogIn, None),
            ("/accounts/login/", Documented, Endpoint::LogIn, None),
            ("/accounts/login", Documented, Endpoint::WithoutSlash, None),
            ("/accounts/logout", Documented, Endpoint::WithoutSlash, None),
            ("/login", Documented, Endpoint::WithoutSlash, None),
            ("/json/settings", Documented, Endpoint::SessionSettings, Prefix),
            ("/json/settings/", Prefix, Endpoint::Unknown, Prefix),
            ("/style-abc.css", Documented, Endpoint::File, None),
            ("/script-abc.js", Documented, Endpoint::File, None),
            ("/style-a/b.css", None, Endpoint::Unknown, None),
            ("/accounts/nosuch", Prefix, Endpoint::Unknown, None),
            ("/login/nosuch/", Prefix, Endpoint::Unknown, None),
            ("/accounts", None, Endpoint::Unknown, None),
            ("/{path}", None, Endpoint::Unknown, None),
            ("/nosuch", None, Endpoint::Unknown, None),
        ] {
            let route = find(&with_pages, path);
            assert_eq!((route.matched, row_of(&route).endpoint), (matched, endpoint), "{path}");
            assert_eq!(find(&Config::default(), path).matched, without, "{path} without pages");
        }
    }

    #[test]
    fn places_of_a_pattern_hold_one_part_of_a_path_each() {
        for (pattern, path, is_match) in [
            ("/a/{x}/{y}/", "/a/1/2/", true),
            ("/a/{x}/{y}/", "/a/1/2", false),
            ("/a/{x}/{y}/", "/a//2/", false),
            ("/a/{x}/{y}/", "/a/1/2/3/", false),
            ("/a/{x}", "/a/1", true),
            ("/a/{x}", "/a/", false),
            ("/a/{x}", "/a/1/", false),
            ("/a-{x}.css", "/a-1.css", true),
            ("/a/", "/a/", true),
        ] {
            assert_eq!(matches(pattern, path), is_match, "{pattern} {path}");
        }
    }

    #[test]
    fn description_has_every_route_and_no_other() {
        let development = Config { development: true, ..Config::default() };
        let described = include_str!("../openapi.yaml").lines().filter_map(|line| line.strip_prefix("  /"));
        let paths: Vec<_> = described.map(|path| format!("/{}", path.trim_end_matches(':'))).collect();
        assert_eq!(paths.len(), 10);
        for path in paths {
            assert_eq!(find(&development, &path).matched, RouteMatch::Documented, "{path}");
        }
    }
}

//! The paths of the protocol (zulip.md 1.1).

use std::borrow::Cow;

use auth_core::RouteMatch;
use percent_encoding::percent_decode_str;

use crate::Config;
use crate::answer::Methods;

/// A documented path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    FetchApiKey,
    JwtFetchApiKey,
    DevFetchApiKey,
    DevListUsers,
    ServerSettings,
    Compatibility,
    /// Where an app takes a browser's session with the token of its one-time pad: no token is ever given out.
    DesktopToken,
    Rest(Resource),
}

/// A path of Zulip's REST dispatcher, which looks at the method first and asks for a credential then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    OwnUser,
    RegenerateApiKey,
    /// Below `/json/`, for the web client's sessions, of which there are none.
    SessionOwnUser,
    SessionFetchApiKey,
}

impl Route {
    /// The route of a path as sent, without the query.
    pub(crate) fn find(config: &Config, path: &str) -> Option<Self> {
        let path = if path.contains('%') {
            percent_decode_str(path).decode_utf8().ok()?
        } else {
            Cow::Borrowed(path)
        };
        let route = match path.as_ref() {
            "/api/v1/fetch_api_key" => Self::FetchApiKey,
            "/api/v1/jwt/fetch_api_key" => Self::JwtFetchApiKey,
            "/api/v1/dev_fetch_api_key" if config.development => Self::DevFetchApiKey,
            "/api/v1/dev_list_users" if config.development => Self::DevListUsers,
            "/api/v1/server_settings" => Self::ServerSettings,
            "/compatibility" => Self::Compatibility,
            "/api/v1/users/me" => Self::Rest(Resource::OwnUser),
            "/api/v1/users/me/api_key/regenerate" => Self::Rest(Resource::RegenerateApiKey),
            "/json/users/me" => Self::Rest(Resource::SessionOwnUser),
            "/json/fetch_api_key" => Self::Rest(Resource::SessionFetchApiKey),
            path if path.starts_with("/accounts/login/subdomain/") => Self::DesktopToken,
            _ => return None,
        };
        Some(route)
    }

    /// What the protocol says of a path.
    pub(crate) fn claim(config: &Config, path: &str) -> RouteMatch {
        let below = path.trim_start_matches('/');
        if Self::find(config, path).is_some() {
            RouteMatch::Owned
        } else if ["api/", "json/"].iter().any(|prefix| below.starts_with(prefix)) {
            RouteMatch::Prefix
        } else {
            RouteMatch::None
        }
    }
}

impl Resource {
    /// Its path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::OwnUser => "/api/v1/users/me",
            Self::RegenerateApiKey => "/api/v1/users/me/api_key/regenerate",
            Self::SessionOwnUser => "/json/users/me",
            Self::SessionFetchApiKey => "/json/fetch_api_key",
        }
    }

    /// Its methods in order of declaration; `HEAD`, implied by `GET`, comes last.
    pub(crate) fn methods(self) -> Methods {
        match self {
            Self::OwnUser | Self::SessionOwnUser => &["GET", "DELETE", "HEAD"],
            Self::RegenerateApiKey | Self::SessionFetchApiKey => &["POST"],
        }
    }

    /// Whether API keys are no way in: only sessions are.
    pub(crate) fn wants_session(self) -> bool {
        matches!(self, Self::SessionOwnUser | Self::SessionFetchApiKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_claimed() {
        let production = Config::default();
        let development = Config { development: true, ..Config::default() };
        for (path, claimed, in_development) in [
            ("/api/v1/fetch_api_key", RouteMatch::Owned, RouteMatch::Owned),
            ("/api/v1/fetch%5Fapi_key", RouteMatch::Owned, RouteMatch::Owned),
            ("/api/v1/dev_fetch_api_key", RouteMatch::Prefix, RouteMatch::Owned),
            ("/api/v1/dev_list_users", RouteMatch::Prefix, RouteMatch::Owned),
            ("/api/v1/fetch_api_key/", RouteMatch::Prefix, RouteMatch::Prefix),
            ("/api/v1/%FF", RouteMatch::Prefix, RouteMatch::Prefix),
            ("//api/v1/fetch_api_key", RouteMatch::Prefix, RouteMatch::Prefix),
            ("/json/users/me/api_key/regenerate", RouteMatch::Prefix, RouteMatch::Prefix),
            ("/json/fetch_api_key", RouteMatch::Owned, RouteMatch::Owned),
            ("/compatibility", RouteMatch::Owned, RouteMatch::Owned),
            ("/accounts/login/subdomain/short", RouteMatch::Owned, RouteMatch::Owned),
            ("/accounts/login/", RouteMatch::None, RouteMatch::None),
            ("/", RouteMatch::None, RouteMatch::None),
            ("/apis/v1", RouteMatch::None, RouteMatch::None),
            ("*", RouteMatch::None, RouteMatch::None),
        ] {
            assert_eq!(Route::claim(&production, path), claimed, "{path}");
            assert_eq!(Route::claim(&development, path), in_development, "{path} in development");
        }
    }

    #[test]
    fn resources_are_found_at_their_paths() {
        for resource in [
            Resource::OwnUser,
            Resource::RegenerateApiKey,
            Resource::SessionOwnUser,
            Resource::SessionFetchApiKey,
        ] {
            assert_eq!(Route::find(&Config::default(), resource.path()), Some(Route::Rest(resource)));
        }
    }

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let development = Config { development: true, ..Config::default() };
        let described = include_str!("../openapi.yaml").lines().filter_map(|line| line.strip_prefix("  /"));
        let paths: Vec<_> = described.map(|path| format!("/{}", path.trim_end_matches(':'))).collect();
        assert_eq!(paths.len(), 10);
        for path in paths {
            assert!(Route::find(&development, &path).is_some(), "{path}");
        }
    }
}

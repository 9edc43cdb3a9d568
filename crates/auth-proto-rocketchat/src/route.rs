//! The route table: which paths the door answers, who may ask, and which function answers. One module per
//! group of routes.

pub(crate) mod info;
pub(crate) mod login;
pub(crate) mod session;
pub(crate) mod settings;

use http::Method;

/// A method and path that the door answers.
#[derive(Debug)]
pub(crate) struct Route {
    /// Method and path; also what limits count by.
    pub(crate) name: &'static str,
    /// Who may ask.
    pub(crate) audience: Audience,
    /// What answers.
    pub(crate) endpoint: Endpoint,
}

/// Who may ask, and whether anybody looks at who does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Anybody; credentials in headers are not looked at.
    Anybody,
    /// Anybody; who is signed in may be told more.
    AnybodyOrUser,
    /// Signed-in users alone.
    User,
}

/// What answers a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    LogIn,
    LogOut,
    Me,
    Info,
    PublicSettings,
    OauthSettings,
    ServiceConfigurations,
    PasswordPolicy,
}

impl Route {
    /// The route of a method and path. HEAD is GET without a body.
    pub(crate) fn find(method: &Method, path: &str) -> Option<&'static Self> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        ROUTES.iter().find(|route| route.name.split_once(' ') == Some((method.as_str(), path)))
    }

    /// Whether a path is answered, by whatever method.
    pub(crate) fn knows(path: &str) -> bool {
        ROUTES.iter().any(|route| route.name.split_once(' ').is_some_and(|(_, known)| known == path))
    }
}

const ROUTES: [Route; 9] = {
    use Audience::{Anybody, AnybodyOrUser, User};
    [
        route("POST /api/v1/login", Anybody, Endpoint::LogIn),
        route("POST /api/v1/logout", User, Endpoint::LogOut),
        route("GET /api/v1/logout", User, Endpoint::LogOut),
        route("GET /api/v1/me", User, Endpoint::Me),
        route("GET /api/info", AnybodyOrUser, Endpoint::Info),
        route("GET /api/v1/settings.public", Anybody, Endpoint::PublicSettings),
        route("GET /api/v1/settings.oauth", Anybody, Endpoint::OauthSettings),
        route("GET /api/v1/service.configurations", Anybody, Endpoint::ServiceConfigurations),
        route("GET /api/v1/pw.getPolicy", Anybody, Endpoint::PasswordPolicy),
    ]
};

const fn route(name: &'static str, audience: Audience, endpoint: Endpoint) -> Route {
    Route { name, audience, endpoint }
}

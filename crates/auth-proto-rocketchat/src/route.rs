//! The route table: which paths the protocol answers, who may ask, and which function answers. One module per
//! group of routes.

pub(crate) mod info;
pub(crate) mod login;
pub(crate) mod method;
pub(crate) mod password;
pub(crate) mod second_factor;
pub(crate) mod session;
pub(crate) mod settings;
pub(crate) mod tokens;

use http::Method;

use self::second_factor::FactorCall;
use self::tokens::TokenCall;

/// A method and path that the protocol answers.
#[derive(Debug)]
pub(crate) struct Route {
    /// Method and path; also what limits count by. A path that ends in `*` is that of every name below.
    pub(crate) name: &'static str,
    method: &'static str,
    path: &'static str,
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
    /// Signed-in users alone who have a user name (rocketchat.md 3.1).
    NamedUser,
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
    Instances,
    ForgotPassword,
    SendEmailCode,
    Method,
    Token(TokenCall),
    Factor(FactorCall),
}

impl Route {
    /// The route of a method and path. HEAD is GET without a body.
    pub(crate) fn find(method: &Method, path: &str) -> Option<&'static Self> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        ROUTES.iter().find(|route| leads_to(route.path, path) && route.method == method.as_str())
    }

    /// Whether a path is answered, by whatever method.
    pub(crate) fn knows(path: &str) -> bool {
        ROUTES.iter().any(|route| leads_to(route.path, path))
    }
}

/// Whether a path is the known one, or a single name in the place of its `*`.
fn leads_to(known: &str, path: &str) -> bool {
    match known.strip_suffix('*') {
        None => known == path,
        Some(above) => path.strip_prefix(above).is_some_and(|name| !name.is_empty() && !name.contains('/')),
    }
}

static ROUTES: [Route; 31] = {
    use Audience::{Anybody, AnybodyOrUser, NamedUser, User};
    use Endpoint::{Factor, Token};
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
        route("GET /api/v1/instances.get", NamedUser, Endpoint::Instances),
        route("POST /api/v1/users.forgotPassword", Anybody, Endpoint::ForgotPassword),
        route("POST /api/v1/method.call/*", User, Endpoint::Method),
        route("POST /api/v1/method.callAnon/*", AnybodyOrUser, Endpoint::Method),
        route("POST /api/v1/users.logoutOtherClients", NamedUser, Token(TokenCall::LogOutOtherClients)),
        route("POST /api/v1/users.removeOtherTokens", NamedUser, Token(TokenCall::RemoveOthers)),
        route("POST /api/v1/users.logout", NamedUser, Token(TokenCall::LogOutUser)),
        route("POST /api/v1/users.createToken", NamedUser, Token(TokenCall::Create)),
        route(
            "POST /api/v1/users.generatePersonalAccessToken",
            NamedUser,
            Token(TokenCall::GeneratePersonal),
        ),
        route(
            "POST /api/v1/users.regeneratePersonalAccessToken",
            NamedUser,
            Token(TokenCall::RegeneratePersonal),
        ),
        route("GET /api/v1/users.getPersonalAccessTokens", NamedUser, Token(TokenCall::ListPersonal)),
        route("POST /api/v1/users.removePersonalAccessToken", NamedUser, Token(TokenCall::RemovePersonal)),
        route("POST /api/v1/users.2fa.sendEmailCode", Anybody, Endpoint::SendEmailCode),
        route("POST /api/v1/users.2fa.enableEmail", NamedUser, Factor(FactorCall::EnableEmail)),
        route("POST /api/v1/users.2fa.disableEmail", NamedUser, Factor(FactorCall::DisableEmail)),
        route("POST /api/v1/users.enableTotp", NamedUser, Factor(FactorCall::EnableTotp)),
        route("POST /api/v1/users.validateTotp", NamedUser, Factor(FactorCall::ValidateTotp)),
        route("POST /api/v1/users.disableTotp", NamedUser, Factor(FactorCall::DisableTotp)),
        route("POST /api/v1/users.regenerateTotpCodes", NamedUser, Factor(FactorCall::RegenerateCodes)),
        route("GET /api/v1/users.totpCodesRemaining", NamedUser, Factor(FactorCall::CodesRemaining)),
        route("POST /api/v1/users.resetTOTP", NamedUser, Factor(FactorCall::ResetTotp)),
        route("POST /api/v1/ldap.syncNow", NamedUser, Factor(FactorCall::SyncDirectory)),
    ]
};

const fn route(name: &'static str, audience: Audience, endpoint: Endpoint) -> Route {
    let (mut space, mut rest) = (0, name.as_bytes());
    while let [first, after @ ..] = rest
        && *first != b' '
    {
        (space, rest) = (space + 1, after);
    }
    let (method, path) = name.split_at(space);
    Route { name, method, path: path.split_at(1).1, audience, endpoint }
}

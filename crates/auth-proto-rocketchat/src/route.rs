//! The table of operations: which methods and paths the protocol answers, who may call them, and which
//! handler answers.

use auth_core::{Route, RouteMatch};
use http::Method;

/// A method and path that the protocol answers.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Method and path, as in `GET /api/v1/me`: the name by which limits count calls.
    pub(crate) name: &'static str,
    /// Who may call.
    pub(crate) audience: Audience,
    /// The handler that answers.
    pub(crate) endpoint: Endpoint,
    method: &'static str,
    /// The path as logs name it; it may end in [`NAME`].
    pattern: &'static str,
    /// The pattern without the [`NAME`] at its end.
    fixed: &'static str,
}

/// Stands in a pattern for one segment of any text.
const NAME: &str = "{name}";

/// Who may call an operation, and whether credentials in headers are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody; credentials in headers are ignored.
    Anybody,
    /// Everybody; signed-in users may be told more.
    AnybodyOrUser,
    /// Signed-in users alone.
    User,
    /// Signed-in users alone who have a user name.
    NamedUser,
}

/// The handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    BackupCodesLeft,
    ChangeOwnAccount,
    ConfirmDevice,
    CreatePersonalToken,
    CreateToken,
    EnrolDevice,
    ForgotPassword,
    Home,
    Info,
    Instances,
    ListPersonalTokens,
    LogIn,
    LogOut,
    LogOutOtherClients,
    LogOutUser,
    MailAddressProof,
    MailCode,
    Me,
    Method,
    OauthSettings,
    PasswordPolicy,
    PublicSettings,
    RemoveDevice,
    RemoveOtherTokens,
    RemovePersonalToken,
    RenewBackupCodes,
    ReplacePersonalToken,
    RequireMailedCodes,
    ResetDevice,
    ServiceConfigurations,
    SuggestUserName,
    SyncDirectory,
    VerifyAddress,
    WaiveMailedCodes,
    WebdavAccounts,
}

/// The largest body that is read, in bytes: every form with the longest password fits several times over.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;

/// Matches a path. The route's index is that of the first operation with the path.
pub(crate) fn find(path: &str) -> Route {
    let route = |matched, pattern, index| Route { matched, pattern, index };
    match OPERATIONS.iter().enumerate().find(|(_, operation)| operation.has(path)) {
        Some((index, operation)) => route(RouteMatch::Documented, operation.pattern, index),
        None if is_dotted_name(path) => route(RouteMatch::OwnForm, "/api/v1/{name}", OPERATIONS.len()),
        None if path == "/api" || path.starts_with("/api/") => {
            route(RouteMatch::Prefix, "/api/{path}", OPERATIONS.len())
        }
        None => route(RouteMatch::None, "/{path}", OPERATIONS.len()),
    }
}

/// Whether a path is one of Rocket.Chat's by its form: names of calls have a dot, as in `users.info`.
fn is_dotted_name(path: &str) -> bool {
    let name = path.strip_prefix("/api/v1/").and_then(|name| name.split('/').next());
    name.is_some_and(|name| name.contains('.'))
}

impl Operation {
    /// The operation of a method on a route that [`find`] matched. HEAD is GET without a body.
    pub(crate) fn of(route: &Route, method: &Method) -> Option<&'static Self> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut with_path =
            OPERATIONS.iter().skip(route.index).take_while(|known| known.pattern == route.pattern);
        with_path.find(|known| known.method == method.as_str())
    }

    fn has(&self, path: &str) -> bool {
        if self.fixed.len() == self.pattern.len() {
            return self.fixed == path;
        }
        path.strip_prefix(self.fixed).is_some_and(|name| !name.is_empty() && !name.contains('/'))
    }
}

/// Operations on one path stand together.
static OPERATIONS: [Operation; 37] = {
    use Audience::{Anybody, AnybodyOrUser, NamedUser, User};
    use Endpoint as To;
    [
        operation("GET /api/v1/me", User, To::Me),
        operation("POST /api/v1/login", Anybody, To::LogIn),
        operation("POST /api/v1/logout", User, To::LogOut),
        operation("GET /api/v1/logout", User, To::LogOut),
        operation("GET /api/info", AnybodyOrUser, To::Info),
        operation("GET /api/v1/settings.public", Anybody, To::PublicSettings),
        operation("GET /api/v1/settings.oauth", Anybody, To::OauthSettings),
        operation("GET /api/v1/service.configurations", Anybody, To::ServiceConfigurations),
        operation("GET /api/v1/pw.getPolicy", Anybody, To::PasswordPolicy),
        operation("GET /api/v1/instances.get", NamedUser, To::Instances),
        operation("POST /api/v1/users.forgotPassword", Anybody, To::ForgotPassword),
        operation("POST /api/v1/method.call/{name}", User, To::Method),
        operation("POST /api/v1/method.callAnon/{name}", AnybodyOrUser, To::Method),
        operation("POST /api/v1/users.logoutOtherClients", NamedUser, To::LogOutOtherClients),
        operation("POST /api/v1/users.removeOtherTokens", NamedUser, To::RemoveOtherTokens),
        operation("POST /api/v1/users.logout", NamedUser, To::LogOutUser),
        operation("POST /api/v1/users.createToken", NamedUser, To::CreateToken),
        operation("POST /api/v1/users.generatePersonalAccessToken", NamedUser, To::CreatePersonalToken),
        operation("POST /api/v1/users.regeneratePersonalAccessToken", NamedUser, To::ReplacePersonalToken),
        operation("GET /api/v1/users.getPersonalAccessTokens", NamedUser, To::ListPersonalTokens),
        operation("POST /api/v1/users.removePersonalAccessToken", NamedUser, To::RemovePersonalToken),
        operation("POST /api/v1/users.2fa.sendEmailCode", Anybody, To::MailCode),
        operation("POST /api/v1/users.2fa.enableEmail", NamedUser, To::RequireMailedCodes),
        operation("POST /api/v1/users.2fa.disableEmail", NamedUser, To::WaiveMailedCodes),
        operation("POST /api/v1/users.enableTotp", NamedUser, To::EnrolDevice),
        operation("POST /api/v1/users.validateTotp", NamedUser, To::ConfirmDevice),
        operation("POST /api/v1/users.disableTotp", NamedUser, To::RemoveDevice),
        operation("POST /api/v1/users.regenerateTotpCodes", NamedUser, To::RenewBackupCodes),
        operation("GET /api/v1/users.totpCodesRemaining", NamedUser, To::BackupCodesLeft),
        operation("POST /api/v1/users.resetTOTP", NamedUser, To::ResetDevice),
        operation("POST /api/v1/ldap.syncNow", NamedUser, To::SyncDirectory),
        operation("GET /api/v1/users.getUsernameSuggestion", User, To::SuggestUserName),
        operation("POST /api/v1/users.updateOwnBasicInfo", User, To::ChangeOwnAccount),
        operation("POST /api/v1/users.sendConfirmationEmail", Anybody, To::MailAddressProof),
        operation("GET /api/v1/webdav.getMyAccounts", NamedUser, To::WebdavAccounts),
        operation("GET /", Anybody, To::Home),
        operation("GET /verify-email/{name}", Anybody, To::VerifyAddress),
    ]
};

/// Takes the name of an operation apart at its space.
const fn operation(name: &'static str, audience: Audience, endpoint: Endpoint) -> Operation {
    let (mut space, mut after) = (0, name.as_bytes());
    while let [first, rest @ ..] = after
        && *first != b' '
    {
        (space, after) = (space + 1, rest);
    }
    let (method, pattern) = name.split_at(space);
    let pattern = pattern.split_at(1).1;
    let fixed = match pattern.as_bytes() {
        [.., b'}'] => pattern.split_at(pattern.len() - NAME.len()).0,
        _ => pattern,
    };
    Operation { name, audience, endpoint, method, pattern, fixed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_its_method_and_path() {
        for operation in &OPERATIONS {
            let route = find(&operation.pattern.replace(NAME, "x"));
            assert_eq!((route.matched, route.pattern), (RouteMatch::Documented, operation.pattern));
            let found = Operation::of(&route, &operation.method.parse().unwrap()).unwrap();
            assert_eq!(found.name, operation.name);
            assert!(Operation::of(&route, &Method::PATCH).is_none());
        }
    }

    #[test]
    fn unknown_paths_have_no_operation_and_are_not_named() {
        for (path, pattern) in [
            ("/api/v1/nothing", "/api/{path}"),
            ("/api/v1/users.secret", "/api/v1/{name}"),
            ("/api", "/api/{path}"),
            ("/secret", "/{path}"),
            ("/verify-email/a/b", "/{path}"),
        ] {
            let route = find(path);
            assert_eq!(route.pattern, pattern);
            assert!(Operation::of(&route, &Method::GET).is_none(), "{path}");
        }
    }
}

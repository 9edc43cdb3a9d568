//! The table of routes, and the match of a path against it.
//!
//! A path is matched once: the index of its row goes to the server and comes back with the request.

use auth_core::{Route, RouteMatch};

/// A destination of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Front,
    SignIn,
    Code,
    SignOut,
    Account,
    Details,
    Password,
    Confirm,
    TwoStep,
    Enrol,
    ConfirmDevice,
    RenewCodes,
    RemoveDevice,
    KeepDevice,
    MailedCodes,
    AppPasswords,
    RevokeAppPassword,
    Sessions,
    EndCredential,
    EndOthers,
    Zulip,
    RegenerateKey,
    Zuliprc,
    Forgot,
    SetPassword,
    /// A mailed link.
    ResetLink,
    ConfirmAddress,
    /// A mailed link.
    AddressLink,
    Style,
    Icon,
    /// Nothing is there.
    Nothing,
}

/// A row of the table.
struct Row {
    endpoint: Endpoint,
    /// The path, as logs name it: never with what a path holds in place of `{…}`.
    pattern: &'static str,
    /// What stands before and behind the braces; `None` in a path without braces.
    around: Option<(&'static str, &'static str)>,
    methods: Methods,
}

impl Row {
    /// Whether a path is of the pattern. What stands in braces is at least one byte, and no slash.
    fn matches(&self, path: &str) -> bool {
        let Some((before, behind)) = self.around else { return self.pattern == path };
        let inner = path.strip_prefix(before).and_then(|path| path.strip_suffix(behind));
        inner.is_some_and(|inner| !inner.is_empty() && !inner.contains('/'))
    }
}

/// The methods that a path knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Methods {
    /// A page.
    Get,
    /// A form that stands on a page of another path.
    Post,
    /// A page with its form.
    Both,
}

impl Methods {
    /// The methods as the `Allow` header lists them.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
            Self::Both => "GET, HEAD, POST",
        }
    }
}

/// The routes.
const ROUTES: [Row; 30] = [
    row(Endpoint::Front, "/", Methods::Get),
    row(Endpoint::SignIn, "/sign-in", Methods::Both),
    row(Endpoint::Code, "/sign-in/code", Methods::Post),
    row(Endpoint::SignOut, "/sign-out", Methods::Post),
    row(Endpoint::Account, "/account", Methods::Get),
    row(Endpoint::Details, "/account/details", Methods::Both),
    row(Endpoint::Password, "/account/password", Methods::Both),
    row(Endpoint::Confirm, "/account/confirm", Methods::Both),
    row(Endpoint::TwoStep, "/account/two-step", Methods::Get),
    row(Endpoint::Enrol, "/account/two-step/enrol", Methods::Post),
    row(Endpoint::ConfirmDevice, "/account/two-step/confirm", Methods::Post),
    row(Endpoint::RenewCodes, "/account/two-step/codes", Methods::Post),
    row(Endpoint::RemoveDevice, "/account/two-step/remove", Methods::Post),
    row(Endpoint::KeepDevice, "/account/two-step/keep", Methods::Post),
    row(Endpoint::MailedCodes, "/account/two-step/mail", Methods::Post),
    row(Endpoint::AppPasswords, "/account/app-passwords", Methods::Both),
    row(Endpoint::RevokeAppPassword, "/account/app-passwords/revoke", Methods::Post),
    row(Endpoint::Sessions, "/account/sessions", Methods::Get),
    row(Endpoint::EndCredential, "/account/sessions/end", Methods::Post),
    row(Endpoint::EndOthers, "/account/sessions/end-others", Methods::Post),
    row(Endpoint::Zulip, "/account/zulip", Methods::Both),
    row(Endpoint::RegenerateKey, "/account/zulip/regenerate", Methods::Post),
    row(Endpoint::Zuliprc, "/account/zulip/zuliprc", Methods::Post),
    row(Endpoint::Forgot, "/reset-password", Methods::Both),
    row(Endpoint::SetPassword, "/reset-password/new", Methods::Post),
    row(Endpoint::ResetLink, "/reset-password/{token}", Methods::Get),
    row(Endpoint::ConfirmAddress, "/verify-email", Methods::Post),
    row(Endpoint::AddressLink, "/verify-email/{token}", Methods::Get),
    row(Endpoint::Style, "/style-{hash}.css", Methods::Get),
    row(Endpoint::Icon, "/icon-{hash}.svg", Methods::Get),
];

const fn row(endpoint: Endpoint, pattern: &'static str, methods: Methods) -> Row {
    Row { endpoint, pattern, around: around(pattern), methods }
}

/// What stands before and behind the braces of a pattern. This is found out once, and not for each path.
const fn around(pattern: &'static str) -> Option<(&'static str, &'static str)> {
    let mut rest = pattern.as_bytes();
    while let [byte, further @ ..] = rest {
        if *byte == b'{' {
            let (before, braces) = pattern.split_at(pattern.len() - rest.len());
            while let [byte, further @ ..] = rest {
                rest = further;
                if *byte == b'}' {
                    break;
                }
            }
            let (_, behind) = braces.split_at(braces.len() - rest.len());
            return Some((before, behind));
        }
        rest = further;
    }
    None
}

/// The folders whose paths are all the pages' own.
const FOLDERS: [&str; 5] = ["/sign-in/", "/sign-out/", "/account/", "/reset-password/", "/verify-email/"];

/// The largest form that is read, in bytes.
pub(crate) const BODY_LIMIT: usize = 16 * 1024;

/// Matches a path as sent, without the query.
pub(crate) fn find(path: &str) -> Route {
    let found = ROUTES.iter().enumerate().find(|(_, row)| row.matches(path));
    match found {
        Some((index, row)) => Route { matched: RouteMatch::Documented, pattern: row.pattern, index },
        None => {
            let is_ours = FOLDERS.iter().any(|folder| path.starts_with(folder));
            let matched = if is_ours { RouteMatch::Prefix } else { RouteMatch::None };
            Route { matched, pattern: "/{path}", index: ROUTES.len() }
        }
    }
}

/// The destination of a route that [`find`] gave, and the methods that it knows.
pub(crate) fn endpoint(route: &Route) -> (Endpoint, Methods) {
    ROUTES.get(route.index).map_or((Endpoint::Nothing, Methods::Get), |row| (row.endpoint, row.methods))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_leads_to_its_endpoint_and_is_never_named() {
        use RouteMatch::{Documented, None, Prefix};
        for (path, matched, pattern, destination) in [
            ("/", Documented, "/", Endpoint::Front),
            ("/sign-in", Documented, "/sign-in", Endpoint::SignIn),
            ("/reset-password/new", Documented, "/reset-password/new", Endpoint::SetPassword),
            ("/reset-password/secret", Documented, "/reset-password/{token}", Endpoint::ResetLink),
            ("/verify-email", Documented, "/verify-email", Endpoint::ConfirmAddress),
            ("/verify-email/secret", Documented, "/verify-email/{token}", Endpoint::AddressLink),
            ("/verify-email/a/b", Prefix, "/{path}", Endpoint::Nothing),
            ("/reset-password/secret/", Prefix, "/{path}", Endpoint::Nothing),
            ("/reset-password/", Prefix, "/{path}", Endpoint::Nothing),
            ("/style-abc.css", Documented, "/style-{hash}.css", Endpoint::Style),
            ("/style-.css", None, "/{path}", Endpoint::Nothing),
            ("/style-a/b.css", None, "/{path}", Endpoint::Nothing),
            ("/icon-abc.svg", Documented, "/icon-{hash}.svg", Endpoint::Icon),
            ("/account/", Prefix, "/{path}", Endpoint::Nothing),
            ("/account/secret", Prefix, "/{path}", Endpoint::Nothing),
            ("/accounts", None, "/{path}", Endpoint::Nothing),
            ("/accounts/login/", None, "/{path}", Endpoint::Nothing),
            ("/api/v1/login", None, "/{path}", Endpoint::Nothing),
            ("/{path}", None, "/{path}", Endpoint::Nothing),
            ("", None, "/{path}", Endpoint::Nothing),
        ] {
            let route = find(path);
            assert_eq!((route.matched, route.pattern), (matched, pattern), "{path}");
            assert_eq!(endpoint(&route).0, destination, "{path}");
        }
    }

    #[test]
    fn every_route_is_reached_by_its_own_pattern() {
        for (at, row) in ROUTES.iter().enumerate() {
            let path = row.pattern.replace("{token}", "x").replace("{hash}", "x");
            assert_eq!(find(&path).index, at, "{path}");
        }
    }
}

//! The pages between an app and a key.

use askama::Template;
use auth_core::Token;
use auth_pages::Shell;

use crate::text::Texts;

/// The page that leads to the app: it names the account and the server.
#[derive(Debug, Template)]
#[template(path = "continue.html")]
pub(crate) struct Continue<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) title: &'a str,
    pub(crate) action: &'a str,
    pub(crate) problem: &'a str,
    pub(crate) token: Token,
    pub(crate) pad: &'a str,
    /// Lets the key leave.
    pub(crate) sealed: Token,
    pub(crate) name: &'a str,
    pub(crate) address: &'a str,
    pub(crate) organisation: &'a str,
    /// The address of the realm.
    pub(crate) server: &'a str,
    /// Where another account is asked for.
    pub(crate) other: &'a str,
}

/// The page that asks for a new password.
#[derive(Debug, Template)]
#[template(path = "new_password.html")]
pub(crate) struct NewPassword<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) title: &'a str,
    pub(crate) action: &'a str,
    pub(crate) problem: &'a str,
    pub(crate) token: Token,
    pub(crate) next: &'a str,
    /// For password managers.
    pub(crate) user_name: &'a str,
}

//! The pages that take a new password.

use askama::Template;
use auth_core::Token;

use crate::text::Texts;
use auth_pages::Input;
use auth_pages::Shell;

/// The page on which a signed-in user changes the password.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub(crate) struct Password<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    /// Whether the account must have a new password before it does anything else.
    pub(crate) is_due: bool,
    pub(crate) problem: &'a str,
    /// The rules that the new password breaks.
    pub(crate) broken: Vec<String>,
    pub(crate) form: Token,
    /// For password managers.
    pub(crate) user_name: &'a str,
    pub(crate) present: Option<Input<'a>>,
    pub(crate) new: Input<'a>,
    pub(crate) code: Option<Input<'a>>,
}

/// The page that asks for the address to which a link shall be mailed.
#[derive(Debug, Template)]
#[template(path = "forgot.html")]
pub(crate) struct Forgot<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) form: Token,
    pub(crate) address: Input<'a>,
}

/// The page that a mailed link opens.
#[derive(Debug, Template)]
#[template(path = "reset.html")]
pub(crate) struct Reset<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    /// The rules that the new password breaks.
    pub(crate) broken: Vec<String>,
    pub(crate) form: Token,
    pub(crate) token: &'a Token,
    pub(crate) new: Input<'a>,
}

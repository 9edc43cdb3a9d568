//! The pages that ask who somebody is.

use askama::Template;
use auth_core::Token;

use crate::text::Texts;
use auth_pages::Input;
use auth_pages::Shell;

/// The page that asks for a name and a password.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignIn<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) organisation: &'a str,
    pub(crate) problem: &'a str,
    pub(crate) form: Token,
    pub(crate) name: Input<'a>,
    pub(crate) password: Input<'a>,
    pub(crate) can_reset: bool,
}

/// A page that asks for one more proof: a code, or the password.
#[derive(Debug, Template)]
#[template(path = "challenge.html")]
pub(crate) struct Challenge<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) title: &'a str,
    pub(crate) lead: &'a str,
    pub(crate) problem: &'a str,
    /// Where the form is sent.
    pub(crate) action: &'static str,
    pub(crate) form: Token,
    /// For password managers, where a password is asked for.
    pub(crate) user_name: Option<&'a str>,
    pub(crate) input: Input<'a>,
    /// Where to go without the proof.
    pub(crate) back: &'static str,
}

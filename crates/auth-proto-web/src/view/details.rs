//! The page that takes another name and another address.

use askama::Template;
use auth_core::Token;

use crate::text::Texts;
use auth_pages::Input;
use auth_pages::Shell;

/// The page that takes another name and another address.
#[derive(Debug, Template)]
#[template(path = "details.html")]
pub(crate) struct Details<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) problem: &'a str,
    pub(crate) form: Token,
    pub(crate) full_name: Input<'a>,
    pub(crate) address: Input<'a>,
}

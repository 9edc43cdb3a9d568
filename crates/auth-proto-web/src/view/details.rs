//! The page that takes another name, another address and the language of mails.

use askama::Template;
use auth_core::Token;

use super::app_passwords::Choice;
use crate::text::Texts;
use auth_pages::Input;
use auth_pages::Shell;

/// The page that takes another name, another address and the language of mails.
#[derive(Debug, Template)]
#[template(path = "details.html")]
pub(crate) struct Details<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) problem: &'a str,
    pub(crate) form: Token,
    pub(crate) full_name: Input<'a>,
    pub(crate) address: Input<'a>,
    pub(crate) languages: Vec<Choice>,
}

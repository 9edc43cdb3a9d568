//! The pages of a lost password.

use askama::Template;
use auth_core::Token;
use auth_pages::Shell;

use crate::text::Texts;

/// Asks for the address to which a link is mailed.
#[derive(Debug, Template)]
#[template(path = "ask_for_reset.html")]
pub(crate) struct AskForReset<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) problems: Vec<String>,
    pub(crate) token: Token,
    /// The address as typed before.
    pub(crate) address: &'a str,
}

/// Asks for the new password, twice.
#[derive(Debug, Template)]
#[template(path = "set_password.html")]
pub(crate) struct SetPassword<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) token: Token,
    /// The address of the account.
    pub(crate) address: &'a str,
    /// What is wrong with each field; empty for nothing.
    pub(crate) problems: [String; 2],
}

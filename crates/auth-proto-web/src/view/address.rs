//! The page that confirms an address.

use askama::Template;
use auth_core::Token;

use super::shell::Shell;
use crate::text::Texts;

/// The page that a mailed link opens.
#[derive(Debug, Template)]
#[template(path = "address.html")]
pub(crate) struct AddressLink<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) form: Token,
    pub(crate) token: &'a Token,
}

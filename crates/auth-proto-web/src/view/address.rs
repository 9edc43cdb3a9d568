//! The page that confirms an address.

use askama::Template;
use auth_core::Token;

use crate::text::Texts;
use auth_pages::Shell;

/// The page that a mailed link opens.
#[derive(Debug, Template)]
#[template(path = "address.html")]
pub(crate) struct AddressLink<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) form: Token,
    pub(crate) token: &'a Token,
}

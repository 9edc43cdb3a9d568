//! The page of the Zulip API key.

use askama::Template;
use auth_core::{ApiKey, Token};

use crate::text::Texts;
use auth_pages::Shell;

/// The page of the Zulip API key.
#[derive(Debug, Template)]
#[template(path = "zulip.html")]
pub(crate) struct Zulip<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) notice: &'a str,
    /// Zulip's address.
    pub(crate) site: &'a str,
    pub(crate) address: Option<&'a str>,
    /// The key, once it was asked for.
    pub(crate) key: Option<ApiKey>,
    pub(crate) show: Token,
    pub(crate) zuliprc: Token,
    pub(crate) regenerate: Token,
}

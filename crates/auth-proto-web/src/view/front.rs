//! The front page.

use askama::Template;

use crate::config::Demo;
use crate::text::Texts;
use auth_pages::Shell;

/// The front page.
#[derive(Debug, Template)]
#[template(path = "front.html")]
pub(crate) struct Front<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) organisation: &'a str,
    pub(crate) is_signed_in: bool,
    pub(crate) can_reset: bool,
    pub(crate) demo: Option<&'a Demo>,
}

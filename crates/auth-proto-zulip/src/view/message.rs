//! Pages that say one thing.

use askama::Template;
use auth_pages::Shell;

use crate::text::Texts;

/// A page that says one thing, and leads on if there is where to.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub(crate) struct Message<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    /// The title of the window.
    pub(crate) title: &'a str,
    pub(crate) heading: &'a str,
    pub(crate) lead: &'a str,
    pub(crate) link: Option<Link<'a>>,
}

/// Where a message leads.
#[derive(Debug)]
pub(crate) struct Link<'a> {
    pub(crate) path: &'a str,
    pub(crate) name: &'a str,
}

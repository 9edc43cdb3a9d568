//! Pages that say one thing.

use askama::Template;

use crate::text::Texts;
use auth_pages::Shell;

/// A page that says one thing and leads on.
#[derive(Debug, Template)]
#[template(path = "shared/message.html")]
pub(crate) struct Message<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) title: &'a str,
    pub(crate) texts: Vec<&'a str>,
    pub(crate) link: Option<Link<'a>>,
}

/// Where a message leads.
#[derive(Debug)]
pub(crate) struct Link<'a> {
    pub(crate) path: &'a str,
    pub(crate) name: &'a str,
}

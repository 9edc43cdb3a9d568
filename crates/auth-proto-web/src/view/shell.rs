//! What surrounds every page.

use auth_core::Token;

use crate::config::Brand;
use crate::state::WebProtocol;

/// The head and the foot of a page.
#[derive(Debug)]
pub(crate) struct Shell<'a> {
    pub(crate) brand: &'a Brand,
    /// The path of the style sheet.
    pub(crate) style: &'a str,
    /// The address of the picture.
    pub(crate) icon: &'a str,
    /// Who is signed in.
    pub(crate) owner: Option<Owner>,
    /// Whether the page tells of an error, which its title says first.
    pub(crate) failed: bool,
}

impl<'a> Shell<'a> {
    /// The surroundings of a page.
    pub(crate) fn new(state: &'a WebProtocol, owner: Option<Owner>, failed: bool) -> Self {
        let brand = &state.config.brand;
        let icon = brand.icon.as_deref().unwrap_or(&state.icon.path);
        Self { brand, style: &state.style.path, icon, owner, failed }
    }
}

/// Who is signed in, and where that person can go.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) name: String,
    /// The sealed form that signs out.
    pub(crate) sign_out: Token,
    pub(crate) links: Vec<NavLink>,
}

/// A link to a page of the account.
#[derive(Debug)]
pub(crate) struct NavLink {
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) is_here: bool,
}

//! What surrounds every page.

use auth_core::Token;

use crate::brand::Brand;

/// The head and the foot of a page.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "templates take it apart")]
pub struct Shell<'a> {
    /// The name and the line of text.
    pub brand: &'a Brand,
    /// The path of the style sheet.
    pub style: &'a str,
    /// The address of the picture.
    pub icon: &'a str,
    /// Who is signed in.
    pub owner: Option<Owner>,
    /// Whether the page tells of an error, which its title says first.
    pub failed: bool,
}

/// Who is signed in, and where that person can go.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct Owner {
    /// The name that is shown.
    pub name: String,
    /// The form that signs out.
    pub sign_out: SignOut,
    /// The pages of the account.
    pub links: Vec<NavLink>,
}

/// The form that signs out.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct SignOut {
    /// Where the form leads.
    pub action: &'static str,
    /// The name of its hidden field.
    pub field: &'static str,
    /// What the field holds, by which the server knows its own form.
    pub value: Token,
}

/// A link to a page of the account.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct NavLink {
    /// Where it leads.
    pub path: &'static str,
    /// What it says.
    pub name: &'static str,
    /// Whether it leads to the page that it stands on.
    pub is_here: bool,
}

//! The pages of app passwords.

use askama::Template;
use auth_core::{Password, Token};

use super::sessions::Row;
use crate::text::Texts;
use auth_pages::Input;
use auth_pages::Shell;

/// The app passwords of an account, and the form for a new one.
#[derive(Debug, Template)]
#[template(path = "app_passwords.html")]
pub(crate) struct AppPasswords<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) notice: &'a str,
    pub(crate) problem: &'a str,
    pub(crate) rows: Vec<Row>,
    pub(crate) revoke: Token,
    /// The form for a new one; `None` where its owner has to confirm first who is there.
    pub(crate) make: Option<Make<'a>>,
}

/// The form for a new app password.
#[derive(Debug)]
pub(crate) struct Make<'a> {
    pub(crate) form: Token,
    pub(crate) name: Input<'a>,
    pub(crate) protocols: Vec<Choice>,
    pub(crate) ends: Vec<Choice>,
}

/// One of several values of a field.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// A new app password, shown once.
#[derive(Debug, Template)]
#[template(path = "new_app_password.html")]
pub(crate) struct NewAppPassword<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) name: &'a str,
    /// The name to log in with.
    pub(crate) login_name: &'a str,
    pub(crate) password: &'a Password,
}

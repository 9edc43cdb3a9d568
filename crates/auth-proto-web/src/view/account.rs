//! The overview of an account.

use askama::Template;

use crate::text::Texts;
use auth_pages::Shell;

/// The overview of an account.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct Account<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) organisation: &'a str,
    pub(crate) notice: &'a str,
    pub(crate) full_name: &'a str,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) addresses: Vec<Address<'a>>,
    pub(crate) has_password: bool,
    pub(crate) has_totp: bool,
    pub(crate) has_mailed_codes: bool,
    pub(crate) apps: Vec<App<'a>>,
}

/// An e-mail address.
#[derive(Debug)]
pub(crate) struct Address<'a> {
    pub(crate) text: &'a str,
    pub(crate) is_verified: bool,
}

/// A system whose apps log in here.
#[derive(Debug)]
pub(crate) struct App<'a> {
    pub(crate) name: &'static str,
    /// The address that its apps ask for.
    pub(crate) address: &'a str,
    /// What opens the app on this device.
    pub(crate) link: Option<String>,
}

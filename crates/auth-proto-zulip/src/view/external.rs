//! The pages at the end of a login that another system vouches for.

use askama::Template;
use auth_pages::Shell;

use crate::text::Texts;

/// Tells that there is no account of an address.
#[derive(Debug, Template)]
#[template(path = "no_account.html")]
pub(crate) struct NoAccount<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) address: &'a str,
}

/// Shows the token for the desktop program.
#[derive(Template)]
#[template(path = "desktop_token.html")]
pub(crate) struct DesktopToken<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    /// The token, sealed for the program alone.
    pub(crate) data: String,
    /// The path of the script that copies it.
    pub(crate) script: &'a str,
}

/// The page on which the desktop program waits for its token.
#[derive(Debug, Template)]
#[template(path = "desktop_waiting.html")]
pub(crate) struct DesktopWaiting<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    /// The path of the script that opens the browser and takes the token.
    pub(crate) script: &'a str,
}

//! The pages of second factors.

use askama::Template;
use auth_core::{OneTimeCode, Token};

use crate::encode::qr::Picture;
use crate::text::Texts;
use auth_pages::Input;
use auth_pages::Shell;

/// The second factors of an account.
#[derive(Debug, Template)]
#[template(path = "two_step.html")]
pub(crate) struct TwoStep<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) notice: &'a str,
    pub(crate) problem: &'a str,
    /// Whether the realm demands a factor that is not there yet.
    pub(crate) is_due: bool,
    pub(crate) has_totp: bool,
    /// How many backup codes are left.
    pub(crate) codes_left: String,
    pub(crate) has_mailed_codes: bool,
    /// Whether there is an address to mail codes to.
    pub(crate) can_mail: bool,
    pub(crate) enrol: Token,
    pub(crate) renew: Token,
    pub(crate) renew_code: Input<'a>,
    /// What is said of a removal that a help desk asked for; empty where none is held.
    pub(crate) removal: String,
    pub(crate) keep: Token,
    pub(crate) remove: Token,
    pub(crate) remove_code: Input<'a>,
    pub(crate) mail: Token,
}

/// A device that waits for its first code.
#[derive(Debug, Template)]
#[template(path = "enrol.html")]
pub(crate) struct Enrol<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) picture: Option<Picture>,
    /// The address that apps take.
    pub(crate) url: &'a str,
    /// The secret in groups of four.
    pub(crate) secret: &'a str,
    pub(crate) form: Token,
    pub(crate) code: Input<'a>,
}

/// New backup codes, shown once.
#[derive(Debug, Template)]
#[template(path = "backup_codes.html")]
pub(crate) struct BackupCodes<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) notice: &'a str,
    pub(crate) codes: &'a [OneTimeCode],
    /// The page that follows.
    pub(crate) next: &'a str,
}

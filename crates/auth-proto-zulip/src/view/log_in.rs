//! The log-in page.

use askama::Template;
use auth_core::Token;
use auth_pages::Shell;

use crate::methods::ExternalMethod;
use crate::text::Texts;

/// The log-in page: of a browser, or of an app that has a browser ask.
#[derive(Debug, Template)]
#[template(path = "log_in.html")]
pub(crate) struct LogIn<'a> {
    pub(crate) shell: Shell<'a>,
    pub(crate) t: &'static Texts,
    pub(crate) title: &'a str,
    pub(crate) heading: &'a str,
    pub(crate) organisation: &'a str,
    /// What stands below the heading; empty for nothing.
    pub(crate) lead: &'a str,
    /// Where the form leads.
    pub(crate) action: &'a str,
    pub(crate) problem: &'a str,
    /// The token of the form; without one there is no form.
    pub(crate) token: Option<Token>,
    /// Where a sign-in leads to.
    pub(crate) next: &'a str,
    /// The pad of an app; empty for a browser.
    pub(crate) pad: &'a str,
    pub(crate) fields: &'a Fields,
    /// Whether a name need not be an address.
    pub(crate) takes_names: bool,
    /// Where a backup code is asked for.
    pub(crate) to_backup: &'a str,
    pub(crate) methods: Vec<ExternalMethod>,
    pub(crate) can_reset: bool,
}

/// What the form asks for.
#[derive(Debug)]
pub(crate) enum Fields {
    /// A name and a password.
    Password {
        /// The name as typed before.
        name: String,
    },
    /// A code.
    Code(CodeStep),
}

/// A kind of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeStep {
    /// Of an authenticator app.
    App,
    /// Of a mail.
    Mail,
    /// One of the codes that stand in for an app.
    Backup,
}

impl CodeStep {
    /// The name of the step on the wire, with which its field begins.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::App | Self::Mail => "token",
            Self::Backup => "backup",
        }
    }

    /// The most characters of a code.
    pub(crate) fn longest(self) -> u8 {
        match self {
            Self::App => 6,
            Self::Mail => 7,
            Self::Backup => 8,
        }
    }

    /// What the page says of the code.
    pub(crate) fn lead(self, t: &'static Texts) -> &'static str {
        match self {
            Self::App => t.log_in.code_lead,
            Self::Mail => t.log_in.mail_lead,
            Self::Backup => t.log_in.backup_lead,
        }
    }

    /// What stands above the field.
    pub(crate) fn label(self, t: &'static Texts) -> &'static str {
        if self == Self::Backup { t.log_in.backup } else { t.log_in.code }
    }
}

//! Notices: mails that tell an owner what was done to the account, in case it was somebody else.

use std::fmt;
use std::sync::Arc;

use auth_core::{ClientKey, Clock, User};

use crate::maintenance::outbox::MailQueue;

/// What an owner is told of.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    /// The password was changed by whoever was signed in.
    PasswordChanged,
    /// The password was set anew with a link.
    PasswordReset,
    /// A TOTP device was enrolled.
    DeviceAdded,
    /// The TOTP device was removed.
    DeviceRemoved,
    /// Codes are mailed at logins from now on.
    MailedCodesOn,
    /// Codes are mailed at logins no more.
    MailedCodesOff,
    /// An app password of that name was made.
    AppPasswordMade(String),
    /// The address was replaced by that one. Told to the former address.
    AddressChanged(String),
    /// Somebody logged in from a client key from which nobody had before.
    NewPlace(ClientKey),
}

/// What is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "servers and tests build it")]
pub struct NoticeConfig {
    /// Whether owners are told of changes of passwords, second factors, app passwords and addresses.
    pub changes: bool,
    /// Whether owners are told of logins from new places.
    pub new_places: bool,
}

/// Mails notices.
pub(crate) struct Notices {
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: NoticeConfig,
    /// The address below which links in mails are.
    pub(crate) site_url: String,
}

impl Notices {
    /// Queues a notice to a user's address as it was before the act. That it can't be queued undoes no act.
    pub(crate) async fn tell(&self, user: &User, notice: Notice) {
        let is_wanted = match notice {
            Notice::NewPlace(_) => self.config.new_places,
            _ => self.config.changes,
        };
        if !is_wanted || user.email().is_none() {
            return;
        }
        let (subject, what) = text(&notice);
        let at = self.clock.now().utc();
        let text = format!(
            "{what}\n\nWhen: {:04}-{:02}-{:02} {:02}:{:02} UTC\n\nIf it was you, there is nothing to do. If it wasn't, set a \
             new password now:\n\n{}/reset-password\n",
            at.year, at.month, at.day, at.hour, at.minute, self.site_url
        );
        if let Err(error) = self.mail.post(user, subject, &text).await {
            tracing::warn!(target: "auth::mail", user = %user.id, %error, "a notice could not be queued");
        }
    }
}

/// The subject and the first sentence of a notice.
fn text(notice: &Notice) -> (&'static str, String) {
    match notice {
        Notice::PasswordChanged => {
            ("Your password was changed", "The password of your account was changed.".into())
        }
        Notice::PasswordReset => {
            ("Your password was changed", "The password of your account was set anew with a link.".into())
        }
        Notice::DeviceAdded => (
            "Two-step sign-in was turned on",
            "An authenticator app was added to your account. From now on it is asked for a code.".into(),
        ),
        Notice::DeviceRemoved => {
            ("Two-step sign-in was turned off", "The authenticator app was removed from your account.".into())
        }
        Notice::MailedCodesOn => (
            "Codes by mail were turned on",
            "From now on a code is mailed to you when somebody signs in to your account.".into(),
        ),
        Notice::MailedCodesOff => (
            "Codes by mail were turned off",
            "No code is mailed to you any longer when somebody signs in to your account.".into(),
        ),
        Notice::AppPasswordMade(name) => (
            "An app password was made",
            format!("An app password of the name \"{name}\" was made for your account."),
        ),
        Notice::AddressChanged(address) => (
            "Your e-mail address was changed",
            format!("The e-mail address of your account is {address} from now on."),
        ),
        Notice::NewPlace(client) => (
            "Your account was used from a new place",
            format!("Somebody signed in to your account from {client}, from where nobody had before."),
        ),
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("config", &self.config).finish_non_exhaustive()
    }
}

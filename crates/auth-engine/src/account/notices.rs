//! Notices: mails that tell an owner what was done to the account, in case it was somebody else.

use std::fmt;
use std::sync::Arc;

use auth_core::{ClientKey, Clock, Peer, ProtocolName, User};

use crate::mail_text::Message;
use crate::maintenance::outbox::MailQueue;
use crate::rules::RuleSet;

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
    /// The TOTP device was removed by somebody else, who may.
    DeviceReset,
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

impl Notice {
    /// Whether it is about what owners change themselves of their passwords and second factors.
    fn is_own_change(&self) -> bool {
        match self {
            Self::PasswordChanged
            | Self::PasswordReset
            | Self::DeviceAdded
            | Self::DeviceRemoved
            | Self::MailedCodesOn
            | Self::MailedCodesOff => true,
            Self::DeviceReset | Self::AppPasswordMade(_) | Self::AddressChanged(_) | Self::NewPlace(_) => {
                false
            }
        }
    }
}

/// Mails notices.
pub(crate) struct Notices {
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: NoticeConfig,
}

impl Notices {
    /// Queues a notice of what was done by a protocol, to the user's address as it was before the act. That it can't be
    /// queued undoes no act.
    pub(crate) async fn tell(&self, user: &User, notice: Notice, protocol: ProtocolName, peer: &Peer) {
        let is_wanted = match notice {
            Notice::NewPlace(_) => self.config.new_places,
            _ => self.config.changes,
        };
        let is_silent = notice.is_own_change() && !self.rules.of(protocol).tells_of_own_changes();
        if !is_wanted || is_silent || user.email().is_none() {
            return;
        }
        let message = Message::Notice(&notice, self.clock.now());
        if let Err(error) = self.mail.post(user, &message, peer.language).await {
            tracing::warn!(target: "auth::mail", user = %user.id, %error, "a notice could not be queued");
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("config", &self.config).finish_non_exhaustive()
    }
}

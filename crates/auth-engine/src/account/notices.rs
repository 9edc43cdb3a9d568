//! Notices: mails that tell an owner what was done to the account, in case it was somebody else.

use std::fmt;
use std::sync::Arc;

use auth_core::{Clock, InternalError, Language, Peer, ProtocolName, User};

use crate::config::NoticeConfig;
use crate::mail_text::{Message, Notice};
use crate::maintenance::outbox::MailQueue;
use crate::rules::RuleSet;

/// Mails notices.
pub struct Notices {
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: NoticeConfig,
}

impl Notices {
    /// Queues a notice to the address that an operator took from an account. `before` is the user as it was.
    pub async fn tell_of_address(&self, before: &User, address: &str) {
        self.tell_of_operator(before, Notice::AddressChanged(address.to_owned())).await;
    }

    /// Queues a notice to an account whose second factor an operator removed.
    pub async fn tell_of_removed_device(&self, user: &User) {
        self.tell_of_operator(user, Notice::DeviceReset).await;
    }

    async fn tell_of_operator(&self, user: &User, notice: Notice) {
        if self.config.changes {
            self.queue(user, &notice, None).await;
        }
    }

    /// Queues a notice on which the act depends, whatever the configuration says of notices.
    ///
    /// # Errors
    /// An [`InternalError`] when it could not be queued.
    pub(crate) async fn must_tell(&self, user: &User, notice: &Notice) -> Result<(), InternalError> {
        self.mail.post(user, &Message::Notice(notice, self.clock.now()), None).await
    }

    /// Queues a notice of what was done by a protocol, to the user's address as it was before the act. That it can't be
    /// queued undoes no act.
    pub(crate) async fn tell(&self, user: &User, notice: Notice, protocol: ProtocolName, peer: &Peer) {
        let is_wanted = match notice {
            Notice::NewPlace(_) => self.config.new_places,
            _ => self.config.changes,
        };
        let is_silent = notice.is_own_change() && !self.rules.of(protocol).tells_of_own_changes();
        if is_wanted && !is_silent {
            self.queue(user, &notice, peer.language).await;
        }
    }

    async fn queue(&self, user: &User, notice: &Notice, asked: Option<Language>) {
        if user.email().is_none() {
            return;
        }
        let message = Message::Notice(notice, self.clock.now());
        if let Err(error) = self.mail.post(user, &message, asked).await {
            tracing::warn!(target: "auth::mail", user = %user.id, %error, "a notice could not be queued");
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("config", &self.config).finish_non_exhaustive()
    }
}

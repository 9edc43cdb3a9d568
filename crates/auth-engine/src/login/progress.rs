//! What is known of an attempt while it is judged.

use auth_core::{Account, PasswordString, Timestamp, UserId};

/// What is known of an attempt so far.
pub(super) struct Progress {
    /// The account, for the order of hashing.
    pub(super) account: Option<Account>,
    /// The user, for the log.
    pub(super) user: Option<UserId>,
    /// When the user was looked up.
    pub(super) looked_up: Timestamp,
    /// Whether the attempt is judged without a hash: by a token, an assertion or an app password.
    pub(super) is_cheap: bool,
}

impl Progress {
    pub(super) fn found(&mut self, account: Account) {
        self.user = Some(account.user.id);
        self.account = Some(account);
    }

    /// The stored password by which the attempt is judged, if it is by one.
    pub(super) fn password(&self) -> Option<&PasswordString> {
        self.account.as_ref().filter(|_| !self.is_cheap)?.password.as_ref()
    }
}

//! Which kinds of credentials each event ends.

use auth_core::CredentialKind;

use crate::rules::RuleSet;

/// The kinds that belong to a TOTP device.
const DEVICE: &[CredentialKind] =
    &[CredentialKind::PENDING_TOTP, CredentialKind::TOTP, CredentialKind::BACKUP_CODE];

/// The kinds of tokens that a login makes, but for those that protocols add.
const LOGIN_TOKENS: &[CredentialKind] = &[CredentialKind::ROCKETCHAT_TOKEN, CredentialKind::WEB_SESSION];

/// The kinds of codes and links that are mailed to an owner.
const MAILED: &[CredentialKind] = &[CredentialKind::MAILED_CODE, CredentialKind::PASSWORD_RESET];

/// The kinds that live until somebody revokes them.
const KEYS: &[CredentialKind] =
    &[CredentialKind::ZULIP_KEY, CredentialKind::PERSONAL_TOKEN, CredentialKind::APP_PASSWORD];

/// The kinds that clients hold and present as they are: tokens and keys, but no app passwords.
const TOKENS: &[CredentialKind] = &[
    CredentialKind::ROCKETCHAT_TOKEN,
    CredentialKind::PERSONAL_TOKEN,
    CredentialKind::ZULIP_KEY,
    CredentialKind::WEB_SESSION,
];

/// An event of an account that ends credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationEvent {
    /// A new password was set.
    NewPassword,
    /// The account was deactivated.
    Deactivated,
    /// The owner ended the other sessions.
    OtherSessionsEnded,
    /// The owner or an administrator ended all sessions.
    SessionsEnded,
    /// An operator revoked all tokens.
    TokensRevoked,
    /// A TOTP device was enrolled.
    DeviceEnrolled,
    /// The owner removed the TOTP device.
    DeviceRemoved,
    /// An administrator reset the TOTP device.
    DeviceReset,
}

/// The kinds of credentials that each event ends.
#[derive(Clone, Debug)]
pub struct RevocationTable {
    /// The kinds of login tokens that protocols add to those of auth-core.
    added: Vec<CredentialKind>,
    /// Whether a new password ends keys, personal tokens and app passwords too.
    new_password_ends_keys: bool,
}

impl RevocationTable {
    pub(crate) fn new(rules: &RuleSet, new_password_ends_keys: bool) -> Self {
        Self { added: rules.token_kinds().collect(), new_password_ends_keys }
    }

    /// Returns the kinds of credentials that an event ends.
    #[must_use]
    pub fn kinds(&self, event: RevocationEvent) -> Vec<CredentialKind> {
        const PERSONAL: &[CredentialKind] = &[CredentialKind::PERSONAL_TOKEN];
        let keys: &[CredentialKind] = if self.new_password_ends_keys { KEYS } else { &[] };
        let logins = [LOGIN_TOKENS, &self.added];
        match event {
            RevocationEvent::NewPassword => [&logins[..], &[MAILED, keys]].concat().concat(),
            RevocationEvent::Deactivated => [&logins[..], &[MAILED]].concat().concat(),
            RevocationEvent::OtherSessionsEnded => logins.concat(),
            RevocationEvent::SessionsEnded => [&logins[..], &[PERSONAL]].concat().concat(),
            RevocationEvent::TokensRevoked => [TOKENS, &self.added].concat(),
            RevocationEvent::DeviceEnrolled => [&logins[..], &[DEVICE]].concat().concat(),
            RevocationEvent::DeviceRemoved => DEVICE.to_vec(),
            RevocationEvent::DeviceReset => [&logins[..], &[DEVICE, PERSONAL]].concat().concat(),
        }
    }
}

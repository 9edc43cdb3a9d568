//! Which kinds of credentials each event ends.

use auth_core::{Act, CredentialKind};

use crate::rules::RuleSet;

/// The kinds that belong to a TOTP device.
const DEVICE: &[CredentialKind] = &[
    CredentialKind::PENDING_TOTP,
    CredentialKind::TOTP,
    CredentialKind::DEVICE_REMOVAL,
    CredentialKind::BACKUP_CODE,
    CredentialKind::REMEMBERED_FACTOR,
];

/// The kinds of tokens that a login makes, but for those that protocols add.
const LOGIN_TOKENS: &[CredentialKind] = &[
    CredentialKind::ROCKETCHAT_TOKEN,
    CredentialKind::WEB_SESSION,
    CredentialKind::FORWARD_SESSION,
    CredentialKind::FORWARD_LOGIN,
    CredentialKind::ZETTELSTORE_TOKEN,
    CredentialKind::HANDOVER,
];

/// The kinds of codes and links that are mailed to an owner.
const MAILED: &[CredentialKind] = &[
    CredentialKind::MAILED_CODE,
    CredentialKind::PASSWORD_RESET,
    CredentialKind::ADDRESS_PROOF,
    CredentialKind::ADDRESS_CHANGE,
];

/// The key that every login at Zulip gives again.
const API_KEY: &[CredentialKind] = &[CredentialKind::ZULIP_KEY];

/// The kind that owners make for programs, until they remove it.
const PERSONAL: &[CredentialKind] = &[CredentialKind::PERSONAL_TOKEN];

/// The kind that operators make, until they revoke it.
const APP_PASSWORD: &[CredentialKind] = &[CredentialKind::APP_PASSWORD];

/// The kind of removals that a help desk asks for.
const REMOVAL: &[CredentialKind] = &[CredentialKind::DEVICE_REMOVAL];

/// An event of an account that ends credentials.
///
/// An app password that ends, and a key that is replaced, are no events of this table: what came from an app password ends
/// with it in the store, and a new key takes the place of the one before.
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
    /// A directory changed the account's address, or took the account over.
    AddressChanged,
    /// The account was given to another entry of its directory, which may be another person's.
    Relinked,
    /// An operator revoked all tokens.
    TokensRevoked,
    /// A TOTP device was enrolled.
    DeviceEnrolled,
    /// The owner wants to be asked for mailed codes.
    MailedCodesRequired,
    /// The TOTP device was removed, by its owner with a code or by an operator.
    DeviceRemoved,
    /// An administrator reset the TOTP device.
    DeviceReset,
}

impl RevocationEvent {
    /// The act and the event of giving an account to an entry of a directory. `former` is the id of the entry that the
    /// account belonged to before.
    #[must_use]
    pub fn of_link(former: Option<&str>) -> (Act, Self) {
        match former {
            Some(_) => (Act::AccountRelinked, Self::Relinked),
            None => (Act::AccountLinked, Self::AddressChanged),
        }
    }
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
        let keys = if self.new_password_ends_keys { [API_KEY, PERSONAL, APP_PASSWORD] } else { [&[][..]; 3] };
        let tokens = [LOGIN_TOKENS, &self.added].concat();
        // What logins give: what they gave without a second factor must not outlive the demand for one.
        let logins = [&tokens, API_KEY].concat();
        match event {
            RevocationEvent::NewPassword => [&tokens, MAILED, &keys.concat()].concat(),
            // The owner of a deactivated account can't show the device.
            RevocationEvent::Deactivated => [&tokens, MAILED, REMOVAL].concat(),
            RevocationEvent::AddressChanged => MAILED.to_vec(),
            RevocationEvent::Relinked => [&logins, PERSONAL, APP_PASSWORD, MAILED, REMOVAL].concat(),
            RevocationEvent::OtherSessionsEnded | RevocationEvent::MailedCodesRequired => logins,
            RevocationEvent::SessionsEnded | RevocationEvent::TokensRevoked => [&logins, PERSONAL].concat(),
            RevocationEvent::DeviceEnrolled => [&logins, DEVICE].concat(),
            RevocationEvent::DeviceRemoved => DEVICE.to_vec(),
            RevocationEvent::DeviceReset => [&logins, PERSONAL, DEVICE].concat(),
        }
    }
}

//! What a user can present beside the password.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::{CredentialId, ProtocolName, Timestamp, UserId};

/// Something a user can present, or prove to hold, beside the password.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Credential {
    /// Its identifier.
    pub id: CredentialId,
    /// Whose it is.
    pub user: UserId,
    /// What it is.
    pub kind: CredentialKind,
    /// What it is looked up by; unique within the kind.
    pub digest: Option<Digest>,
    /// The secret itself, sealed under the key ring, bound to user and kind.
    pub sealed: Option<Vec<u8>>,
    /// Where it is good.
    pub scope: Scope,
    /// What its owner calls it; unique per user and kind where it is set.
    pub label: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// From this moment on it is refused.
    pub expires: Option<Timestamp>,
    /// When it was last accepted, to the minute.
    pub last_used: Option<Timestamp>,
    /// A number that only grows: the last TOTP step accepted, the wrong tries at a mailed code.
    pub counter: i64,
}

/// What a credential is. A new way to sign in is a new kind here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CredentialKind {
    /// The Zulip API key of an account: one, sealed, the same at each log-in.
    ZulipKey,
    /// A Rocket.Chat log-in token: stored as SHA-256, with an end date.
    RocketChatToken,
    /// A Rocket.Chat personal access token: like the former, named, without an end.
    PersonalToken,
    /// A named random password for a client that knows no second step.
    AppPassword,
    /// A TOTP device; the sealed secret is the shared one.
    Totp,
    /// A TOTP device that its owner has not confirmed with a first code.
    PendingTotp,
    /// A single-use backup code.
    BackupCode,
    /// A code sent by mail.
    MailedCode,
    /// A token sent by mail, for a new password.
    PasswordReset,
    /// The second factor of a log-in token, remembered for one program in one network.
    RememberedFactor,
    /// A session of the web pages.
    WebSession,
}

impl CredentialKind {
    /// Every kind with the name stores and commands use.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::ZulipKey, "zulip-key"),
        (Self::RocketChatToken, "rocketchat-token"),
        (Self::PersonalToken, "personal-token"),
        (Self::AppPassword, "app-password"),
        (Self::Totp, "totp"),
        (Self::PendingTotp, "pending-totp"),
        (Self::BackupCode, "backup-code"),
        (Self::MailedCode, "mailed-code"),
        (Self::PasswordReset, "password-reset"),
        (Self::RememberedFactor, "remembered-factor"),
        (Self::WebSession, "web-session"),
    ];

    /// The kind's name in stores, logs and commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// Where a credential is good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record: stores and importers build it field by field")]
pub struct Scope {
    /// The protocols it opens; empty means every protocol that takes its kind.
    pub protocols: Vec<ProtocolName>,
    /// Whether it satisfies routes that ask for a second factor.
    pub bypass_second_factor: bool,
}

/// A SHA-256 or keyed MAC under which a credential is looked up. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// From its bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as a store keeps them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

//! What the engine answers.

use std::sync::Arc;
use std::time::Duration;

use crate::{ApiKey, CredentialId, CredentialKind, Realm, Timestamp, Token, User};

/// The answer to a log-in attempt.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct LoginReply {
    /// Let in, or why not.
    pub outcome: LoginOutcome,
    /// How the protocol's own log-in limit stands after this try, where it has one and it was evaluated.
    pub rate_limit: Option<RateLimitStatus>,
    /// The answer must not be sent before this moment.
    pub not_before: Option<Timestamp>,
}

/// Let in, or why not.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum LoginOutcome {
    /// Let in.
    Granted(Box<Granted>),
    /// Not let in.
    Refused(LoginError),
}

/// A log-in that succeeded.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Granted {
    /// Who logged in.
    pub profile: Profile,
    /// What was asked for.
    pub grant: Grant,
}

/// A user with the facts that protocols show about it. Checks of credentials share what is kept in memory.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Profile {
    /// The user.
    pub user: Arc<User>,
    /// Its realm.
    pub realm: Arc<Realm>,
    /// Whether a password is stored.
    pub has_password: bool,
    /// Whether a TOTP device is enrolled and confirmed.
    pub totp: bool,
}

/// What a successful log-in gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Grant {
    /// The account's Zulip API key.
    ZulipKey(ApiKey),
    /// A Rocket.Chat log-in token.
    RocketChatToken {
        /// The token: 43 characters of `[A-Za-z0-9_-]` when it is new.
        token: Token,
        /// When it ends; a personal token does not.
        expires: Option<Timestamp>,
    },
    /// A signed Zettelstore token.
    ZettelstoreToken {
        /// The token.
        token: Token,
        /// How long it lives from now.
        lifetime: Duration,
    },
}

/// Why a log-in was refused: all that the three contracts tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginError {
    /// The ordinary refusal. The cause is for the log; every cause must look the same outside.
    Credentials(FailureReason),
    /// The realm takes no passwords.
    PasswordLoginDisabled,
    /// The realm is deactivated.
    RealmInactive,
    /// The account is deactivated.
    UserInactive,
    /// The password is right, but its stored hash is out of date and it is too weak to be hashed anew.
    PasswordResetRequired,
    /// The account belongs to an app and never logs in.
    AppAccount,
    /// The account has no roles.
    NoRoles,
    /// The account's e-mail address must be verified first.
    EmailUnverified,
    /// The password is right and a second factor is asked for.
    SecondFactorRequired(Challenge),
    /// The code of the second factor is wrong.
    SecondFactorInvalid(Challenge),
    /// Too many wrong codes.
    SecondFactorExhausted(Challenge),
    /// The account exists, but in another realm (told to development servers alone).
    OtherRealm,
    /// The account may not use this way in.
    Forbidden,
    /// No assertions are accepted for this realm.
    AssertionDisabled,
    /// The assertion's signature, algorithm or times are wrong.
    AssertionInvalid,
    /// The assertion is good but names nobody.
    AssertionWithoutSubject,
    /// The assertion is good but its subject is of the wrong type.
    AssertionMalformed,
    /// Too many tries for this account.
    AccountLimited {
        /// When the next try is let through.
        retry_after: Duration,
    },
    /// Too many tries from this network.
    NetworkLimited {
        /// When the next try is let through.
        retry_after: Duration,
    },
}

impl LoginError {
    /// The refusal in a word, for logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Credentials(cause) => cause.as_str(),
            Self::PasswordLoginDisabled => "password-login-disabled",
            Self::RealmInactive => "realm-inactive",
            Self::UserInactive => "user-inactive",
            Self::PasswordResetRequired => "password-reset-required",
            Self::AppAccount => "app-account",
            Self::NoRoles => "no-roles",
            Self::EmailUnverified => "email-unverified",
            Self::SecondFactorRequired(_) => "second-factor-required",
            Self::SecondFactorInvalid(_) => "second-factor-invalid",
            Self::SecondFactorExhausted(_) => "second-factor-exhausted",
            Self::OtherRealm => "other-realm",
            Self::Forbidden => "forbidden",
            Self::AssertionDisabled => "assertion-disabled",
            Self::AssertionInvalid => "assertion-invalid",
            Self::AssertionWithoutSubject => "assertion-without-subject",
            Self::AssertionMalformed => "assertion-malformed",
            Self::AccountLimited { .. } => "account-limited",
            Self::NetworkLimited { .. } => "network-limited",
        }
    }
}

/// What was wrong behind the ordinary refusal: for the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// Nobody has that name.
    UnknownUser,
    /// The account has no password.
    NoPassword,
    /// The password doesn't match.
    WrongPassword,
    /// The stored password can't be read.
    BrokenPassword,
    /// The stored password can't verify what was sent in its place.
    DigestNotAccepted,
    /// Too many passwords of the account were tried from this network, under several of its names.
    TooManyTries,
    /// The account has a second factor and this protocol has no second step.
    NoSecondStep,
    /// Nobody holds that token.
    UnknownToken,
    /// The token has ended.
    ExpiredToken,
    /// This way in is switched off.
    NotOffered,
    /// The directory has more than one entry of that name.
    AmbiguousEntry,
    /// The directory's entry is disabled.
    EntryDisabled,
    /// The directory's entry may not use this realm.
    EntryNotAllowed,
    /// The directory's entry lacks what an account needs.
    EntryIncomplete,
    /// There is no account for the directory's entry, and none may be made.
    NoAccount,
    /// The directory's entry goes by the name of an account that isn't its own.
    AccountOfAnother,
}

impl FailureReason {
    /// The cause in a word, for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown-user",
            Self::NoPassword => "no-password",
            Self::WrongPassword => "wrong-password",
            Self::TooManyTries => "too-many-tries",
            Self::BrokenPassword => "broken-password",
            Self::DigestNotAccepted => "digest-not-accepted",
            Self::NoSecondStep => "no-second-step",
            Self::UnknownToken => "unknown-token",
            Self::ExpiredToken => "expired-token",
            Self::NotOffered => "not-offered",
            Self::AmbiguousEntry => "ambiguous-entry",
            Self::EntryDisabled => "entry-disabled",
            Self::EntryNotAllowed => "entry-not-allowed",
            Self::EntryIncomplete => "entry-incomplete",
            Self::NoAccount => "no-account",
            Self::AccountOfAnother => "account-of-another",
        }
    }
}

/// What a client must know to answer a question for a second factor (rocketchat.md 2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Challenge {
    /// The factor that is asked for.
    pub method: FactorMethod,
    /// The factors that the account has.
    pub available: Vec<FactorMethod>,
    /// For a mailed code: where it went and whether just now.
    pub mailed: Option<MailedChallenge>,
}

/// The state of a mailed code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct MailedChallenge {
    /// Whether a new code was written for this attempt.
    pub generated: bool,
    /// When the outstanding code ends.
    pub expires: Timestamp,
    /// The user name, or else the address, as the client may show it.
    pub recipient: String,
}

/// A kind of second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FactorMethod {
    /// A code of a TOTP device, or a backup code.
    Totp,
    /// A code sent by mail.
    Email,
    /// The account's password once more.
    Password,
}

/// The answer to the check of a presented credential.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct CheckReply {
    /// Who it is, or why the credential is refused.
    pub outcome: Result<Box<Principal>, TokenError>,
    /// How the protocol's limit for calls stands, where it has one and it was evaluated.
    pub rate_limit: Option<RateLimitStatus>,
}

/// Somebody who presented a good credential.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Principal {
    /// Who it is.
    pub profile: Profile,
    /// What was presented: a stored credential, or none for a signed token.
    pub credential: Option<CredentialId>,
    /// The kind of stored credential.
    pub kind: Option<CredentialKind>,
    /// When the credential was issued.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// Whether it satisfies routes that ask for a second factor.
    pub bypass_second_factor: bool,
}

/// Why a presented credential was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Nobody holds it, it has ended or was revoked, or it belongs to another than was said.
    Invalid,
    /// Its owner's realm is deactivated.
    RealmInactive,
    /// Its owner is deactivated.
    UserInactive,
    /// Its owner belongs to another realm.
    OtherRealm,
    /// Its owner is a bot that may only call webhooks.
    WebhookBot,
    /// Too many calls; the rate_limit says until when.
    Limited,
}

impl TokenError {
    /// The refusal in a word, for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::RealmInactive => "realm-inactive",
            Self::UserInactive => "user-inactive",
            Self::OtherRealm => "other-realm",
            Self::WebhookBot => "webhook-bot",
            Self::Limited => "limited",
        }
    }
}

/// How a limit stands after a try was counted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the limiter and the protocols' tests build it")]
pub struct RateLimitStatus {
    /// Tries allowed in a window.
    pub limit: u32,
    /// Tries left.
    pub remaining: u32,
    /// When the window is over.
    pub reset: Timestamp,
    /// `Some` when the try was refused: the time until one is let through.
    pub retry_after: Option<Duration>,
}

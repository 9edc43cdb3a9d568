//! A login: what a protocol asks, and what it is answered.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{
    Account, ApiKey, CredentialKind, ExternalId, InternalError, NameKind, OneTimeCode, Password,
    PasswordDigest, Peer, ProtocolName, RateLimitStatus, Realm, StoreError, Timestamp, Token, User,
};

/// An attempt to log in.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct LoginAttempt {
    /// The protocol by which the attempt came.
    pub protocol: ProtocolName,
    /// The realm to log in to.
    pub realm: Arc<Realm>,
    /// How the client authenticates.
    pub method: LoginMethod,
    /// Whether the protocol has a second step, and the code that came along.
    pub second_step: SecondStep,
    /// What the client wants on success.
    pub grant: GrantKind,
    /// Where the attempt comes from.
    pub peer: Peer,
}

/// A way to authenticate.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoginMethod {
    /// A name, and a password or its digest.
    Password {
        /// The name as typed.
        who: Identifier,
        /// The password or its digest.
        secret: SecretInput,
    },
    /// A login token that was issued earlier (Rocket.Chat's `resume`).
    Resume(Token),
    /// A ticket of a [`Challenge`]: the password was right in an earlier attempt, and the second factor is to come.
    Ticket(Token),
    /// A JSON Web Token by which another system names the user.
    Assertion(Token),
    /// A name for which a front vouches that the operator trusts: it has authenticated the user itself.
    Vouched {
        /// The name as the front tells it.
        who: Identifier,
    },
    /// A token of [`CredentialKind::HANDOVER`], by which a login goes on in another browser or at another host. It is used
    /// up, whatever becomes of the attempt.
    Handover(Token),
    /// Nothing but a name: for development servers on loopback.
    NameAlone {
        /// The name as typed.
        who: Identifier,
    },
}

impl LoginMethod {
    /// The name as typed, where the method has one.
    #[must_use]
    pub fn who(&self) -> Option<&Identifier> {
        match self {
            Self::Password { who, .. } | Self::Vouched { who } | Self::NameAlone { who } => Some(who),
            Self::Resume(_) | Self::Ticket(_) | Self::Assertion(_) | Self::Handover(_) => None,
        }
    }
}

/// A password, or the digest that a client sends in its place. Clones share the text.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a new form of password is a breaking change for every backend")]
pub enum SecretInput {
    /// The password itself.
    Password(Password),
    /// SHA-256 of the password, in hexadecimal (Rocket.Chat).
    Digest(PasswordDigest),
}

impl SecretInput {
    /// Whether this is the empty password, or its digest.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        /// SHA-256 of nothing (FIPS 180-4).
        const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        match self {
            Self::Password(password) => password.expose().is_empty(),
            Self::Digest(digest) => digest.expose().eq_ignore_ascii_case(DIGEST),
        }
    }
}

/// The name by which a client means a user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identifier {
    /// A login name of one kind, as typed.
    Name {
        /// The name space to look in.
        kind: NameKind,
        /// The name as typed.
        typed: String,
    },
    /// The id under which a protocol shows the user.
    External {
        /// The protocol that shows it.
        protocol: ProtocolName,
        /// The id.
        id: ExternalId,
    },
}

impl Identifier {
    /// An e-mail address.
    #[must_use]
    pub fn email(typed: impl Into<String>) -> Self {
        Self::Name { kind: NameKind::Email, typed: typed.into() }
    }

    /// A user name.
    #[must_use]
    pub fn user_name(typed: impl Into<String>) -> Self {
        Self::Name { kind: NameKind::UserName, typed: typed.into() }
    }

    /// The id under which a protocol shows a user.
    #[must_use]
    pub fn external(protocol: ProtocolName, id: impl Into<ExternalId>) -> Self {
        Self::External { protocol, id: id.into() }
    }

    /// The text as typed.
    #[must_use]
    pub fn typed(&self) -> Cow<'_, str> {
        match self {
            Self::Name { typed, .. } => Cow::Borrowed(typed),
            Self::External { id: ExternalId::Text(id), .. } => Cow::Borrowed(id),
            Self::External { id: ExternalId::Number(id), .. } => Cow::Owned(id.to_string()),
        }
    }
}

/// Whether a protocol can ask for a second factor.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a protocol either has a second step or not")]
pub enum SecondStep {
    /// The protocol can't ask: accounts with a second factor are refused, unless the operator allows them.
    NotOffered,
    /// The protocol can ask; the code, where one came along.
    Offered(Option<OneTimeCode>),
}

/// What a login is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantKind {
    /// The account's API key: one, kept sealed, the same at every login.
    ApiKey,
    /// A new opaque token of this kind, stored as a digest. How long it lives and how many an account keeps is the
    /// protocol's [`TokenPolicy`](crate::TokenPolicy).
    Token(CredentialKind),
    /// A signed token, which says itself whose it is and until when. Its digest is stored, so that it can be revoked.
    SignedToken(TokenForm),
}

/// The two forms of a signed token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an engine that issues tokens must handle every form")]
pub enum TokenForm {
    /// A JSON Web Token with HS512, as Zettelstore issues up to 0.12.
    Jwt,
    /// A signed list with HMAC-SHA384, as Zettelstore issues from 0.13 on.
    List,
}

/// The answer to a login attempt.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct LoginReply {
    /// The login, or why it was refused.
    pub result: Result<Box<Login>, LoginError>,
    /// The protocol's own login limit after this attempt, where it has one and it was evaluated.
    pub rate_limit: Option<RateLimitStatus>,
    /// The answer must not be sent before this moment.
    pub not_before: Option<Timestamp>,
}

impl LoginReply {
    /// Refuses a login at once; the reply carries no state of a rate limit.
    #[must_use]
    pub fn refused(error: LoginError) -> Self {
        Self { result: Err(error), rate_limit: None, not_before: None }
    }
}

/// A login that succeeded.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Login {
    /// The user who logged in.
    pub profile: Profile,
    /// What the client asked for.
    pub grant: Grant,
}

/// A user with the attributes that protocols show. Clones share the records.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Profile {
    /// The user.
    pub user: Arc<User>,
    /// The user's realm.
    pub realm: Arc<Realm>,
    /// Whether a password is stored.
    pub has_password: bool,
    /// Whether a TOTP device is enrolled and confirmed.
    pub totp: bool,
}

impl Profile {
    /// Returns the profile of an account, whose realm is `realm`.
    #[must_use]
    pub fn new(account: Account, realm: Arc<Realm>) -> Self {
        Self { has_password: account.has_password(), totp: account.totp, user: account.user, realm }
    }

    /// Whether the realm [demands](Realm::demands_second_factor_of) a second factor of the user, who has none.
    #[must_use]
    pub fn lacks_second_factor(&self) -> bool {
        let has_one = self.totp || self.user.mails_codes();
        self.realm.demands_second_factor_of(&self.user) && !has_one
    }
}

/// What a successful login gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Grant {
    /// The account's API key.
    ApiKey(ApiKey),
    /// An opaque token: 43 characters of `[A-Za-z0-9_-]` when it is new; that of a web session, 32 of `[a-z0-9]`.
    Token {
        /// The token.
        token: Token,
        /// When the token ends; a personal token does not.
        expires: Option<Timestamp>,
    },
    /// A signed token.
    SignedToken {
        /// The token.
        token: Token,
        /// How long the token lives from now.
        lifetime: Duration,
    },
}

/// Why a login was refused: all that the protocols tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginError {
    /// The ordinary refusal. The reason is for the log; every reason must look the same outside.
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
    /// The account exists, but in another realm (told by development servers, and of a token that is handed over).
    OtherRealm,
    /// The account may not log in by this method or at this protocol.
    Forbidden,
    /// No assertions are accepted for this realm.
    AssertionDisabled,
    /// The assertion's signature, algorithm or times are wrong.
    AssertionInvalid,
    /// The assertion is good but names nobody.
    AssertionWithoutSubject,
    /// The assertion is good but its subject is of the wrong type.
    AssertionMalformed,
    /// Too many attempts for this account.
    AccountLimited {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// Too many attempts from this client key.
    ClientLimited {
        /// The time until the next attempt is allowed.
        retry_after: Duration,
    },
    /// The attempt could not be judged.
    Internal(InternalError),
}

impl LoginError {
    /// The error in a word, for logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Credentials(reason) => reason.as_str(),
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
            Self::ClientLimited { .. } => "network-limited",
            Self::Internal(_) => "internal-error",
        }
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "login refused: {}", self.as_str())
    }
}

impl std::error::Error for LoginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Internal(error) => Some(error),
            _ => None,
        }
    }
}

impl From<InternalError> for LoginError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<StoreError> for LoginError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

/// The reason for [`LoginError::Credentials`], which only the log shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailureReason {
    /// No account has that name.
    UnknownUser,
    /// The account has no password.
    NoPassword,
    /// The password doesn't match.
    WrongPassword,
    /// The stored password can't be read.
    BrokenPassword,
    /// The stored password can't verify the digest that was sent in its place.
    DigestNotAccepted,
    /// Too many passwords of the account were tried from this client key, under several of its names.
    TooManyAttempts,
    /// The account has a second factor and this protocol has no second step.
    NoSecondStep,
    /// The realm demands a second factor, the account has none, and this protocol can't set one up.
    NoSecondFactor,
    /// No account holds that token.
    UnknownToken,
    /// The token has ended.
    ExpiredToken,
    /// This login method is disabled or not offered.
    NotOffered,
    /// The directory has more than one entry of that name.
    AmbiguousEntry,
    /// The directory's entry is disabled.
    EntryDisabled,
    /// The directory's entry may not use this realm.
    EntryNotAllowed,
    /// The directory's entry lacks what an account needs.
    EntryIncomplete,
    /// The directory's entry is locked.
    EntryLocked,
    /// The directory's entry has expired.
    EntryExpired,
    /// The directory lets the entry log in neither now nor from here.
    EntryRestricted,
    /// The password is right for the directory, and has expired.
    PasswordExpired,
    /// The password is right for the directory, which wants it to be changed first.
    PasswordMustChange,
    /// There is no account for the directory's entry, and none may be made.
    NoAccount,
    /// The directory's entry goes by the name of an account that isn't its own.
    AccountOfAnother,
}

impl FailureReason {
    /// The reason in a word, for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown-user",
            Self::NoPassword => "no-password",
            Self::WrongPassword => "wrong-password",
            Self::TooManyAttempts => "too-many-tries",
            Self::BrokenPassword => "broken-password",
            Self::DigestNotAccepted => "digest-not-accepted",
            Self::NoSecondStep => "no-second-step",
            Self::NoSecondFactor => "no-second-factor",
            Self::UnknownToken => "unknown-token",
            Self::ExpiredToken => "expired-token",
            Self::NotOffered => "not-offered",
            Self::AmbiguousEntry => "ambiguous-entry",
            Self::EntryDisabled => "entry-disabled",
            Self::EntryNotAllowed => "entry-not-allowed",
            Self::EntryIncomplete => "entry-incomplete",
            Self::EntryLocked => "entry-locked",
            Self::EntryExpired => "entry-expired",
            Self::EntryRestricted => "entry-restricted",
            Self::PasswordExpired => "password-expired",
            Self::PasswordMustChange => "password-must-change",
            Self::NoAccount => "no-account",
            Self::AccountOfAnother => "account-of-another",
        }
    }
}

/// What a client needs to know when it is asked for a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Challenge {
    /// The factor that is asked for.
    pub method: FactorMethod,
    /// The factors that the account has.
    pub available: Vec<FactorMethod>,
    /// For a mailed code: where it went and whether just now.
    pub mailed: Option<MailedChallenge>,
    /// With what the client goes on, in place of the password, at protocols that
    /// [give tickets](crate::ProtocolRules::gives_tickets).
    pub ticket: Option<Token>,
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

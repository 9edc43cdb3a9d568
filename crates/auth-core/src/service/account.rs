//! What signed-in users do to accounts: sessions, personal tokens, second factors; and lost passwords.
//!
//! A protocol hands over the caller and the second factor that came along. Whether a factor is needed, and whether the
//! caller may act, is the engine's decision.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Challenge, CredentialId, FactorMethod, Grant, Identifier, InternalError, Language, OneTimeCode, Password,
    Peer, PolicyRule, Principal, Profile, ProtocolName, RateLimitStatus, RealmId, StoreError, Timestamp,
    Token,
};

/// A signed-in user that calls.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct Caller<'a> {
    /// The user.
    pub principal: &'a Principal,
    /// Where the call comes from.
    pub peer: &'a Peer,
    /// The protocol by which the call comes.
    pub protocol: ProtocolName,
    /// The second factor that came along.
    pub factor: &'a PresentedFactor,
}

/// A second factor that came along with a call.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct PresentedFactor {
    /// The code.
    pub code: Option<OneTimeCode>,
    /// The factor that the caller wants to use.
    pub method: Option<FactorMethod>,
    /// The password itself, for [`FactorMethod::Password`]: a protocol whose clients send its SHA-256 hands that over as the
    /// code.
    pub password: Option<Password>,
}

/// Why an action on an account was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionError {
    /// A second factor is asked for.
    SecondFactorRequired(Challenge),
    /// The code of the second factor is wrong.
    SecondFactorInvalid(Challenge),
    /// Too many wrong codes.
    SecondFactorExhausted(Challenge),
    /// The caller lacks the permission, or the secret that stands in its place.
    NotPermitted,
    /// There is no such account.
    NoSuchUser,
    /// The account has no token of that name.
    NoSuchToken,
    /// The account has a token of that name.
    TokenExists,
    /// The account has as many tokens as it may have.
    TooManyTokens,
    /// The name of a token is empty, longer than a store keeps, or has control characters.
    BadTokenName,
    /// The account has a TOTP device already.
    DeviceExists,
    /// The account has no TOTP device, or none that waits to be confirmed.
    NoDevice,
    /// The code is not that of the device.
    WrongCode,
    /// An e-mail address must be verified first, or there is none.
    AddressUnverified,
    /// The account lacks the user name that the action takes.
    NoUserName,
    /// Another account has the user name, or one that folds alike.
    UserNameTaken,
    /// The text can't be a user name.
    BadUserName,
    /// The text can't be a display name.
    BadFullName,
    /// The text can't be an e-mail address.
    BadAddress,
    /// The new password is the present one.
    SamePassword,
    /// The token was never issued, was used, or has ended.
    WrongToken,
    /// The new password is too weak or too long; the rules of the password policy that it breaks, if any.
    WeakPassword(Vec<PolicyRule>),
    /// There were too many wrong passwords; how long until the next is judged.
    TooManyAttempts(Duration),
    /// The account has changed itself too often of late; how long until it may again.
    TooManyActs(Duration),
    /// This server doesn't offer the action.
    NotOffered,
    /// The action may not have been done.
    Internal(InternalError),
}

impl ActionError {
    /// The error in a word, for logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SecondFactorRequired(_) => "second-factor-required",
            Self::SecondFactorInvalid(_) => "second-factor-invalid",
            Self::SecondFactorExhausted(_) => "second-factor-exhausted",
            Self::NotPermitted => "not-permitted",
            Self::NoSuchUser => "no-such-user",
            Self::NoSuchToken => "no-such-token",
            Self::TokenExists => "token-exists",
            Self::TooManyTokens => "too-many-tokens",
            Self::BadTokenName => "bad-token-name",
            Self::DeviceExists => "device-exists",
            Self::NoDevice => "no-device",
            Self::WrongCode => "wrong-code",
            Self::AddressUnverified => "address-unverified",
            Self::NoUserName => "no-user-name",
            Self::UserNameTaken => "user-name-taken",
            Self::BadUserName => "bad-user-name",
            Self::BadFullName => "bad-full-name",
            Self::BadAddress => "bad-address",
            Self::SamePassword => "same-password",
            Self::WrongToken => "wrong-token",
            Self::WeakPassword(_) => "weak-password",
            Self::TooManyAttempts(_) => "too-many-attempts",
            Self::TooManyActs(_) => "too-many-acts",
            Self::NotOffered => "not-offered",
            Self::Internal(_) => "internal-error",
        }
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "action refused: {}", self.as_str())
    }
}

impl std::error::Error for ActionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Internal(error) => Some(error),
            _ => None,
        }
    }
}

impl From<InternalError> for ActionError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<StoreError> for ActionError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Revoked => Self::NotPermitted,
            error => Self::Internal(error.into()),
        }
    }
}

/// Ends and makes login sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Ends what logins gave to the caller's account, keys too, but for the token presented; personal tokens stay.
    ///
    /// # Errors
    /// An [`ActionError`] when they may not have been ended.
    async fn end_other_sessions(&self, caller: &Caller<'_>) -> Result<(), ActionError>;

    /// Ends all tokens and keys, also personal tokens, of the caller's account or of another; gives the account's profile.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller lacks the permission, or when they may not have been ended.
    async fn end_sessions(
        &self,
        caller: &Caller<'_>,
        of: Option<&Identifier>,
    ) -> Result<Profile, ActionError>;

    /// Makes a login token of an account for a caller that knows the operator's secret; asks for a second factor.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller lacks the permission, or when the token may not have been stored.
    async fn create_session(
        &self,
        caller: &Caller<'_>,
        of: &Identifier,
        secret: &Token,
    ) -> Result<(Profile, Grant), ActionError>;

    /// Makes another login token for the caller, which ends when the one presented does; that one stays good.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller presented none that a login gave, or when the new one may not have been stored.
    async fn another_session(&self, caller: &Caller<'_>) -> Result<Grant, ActionError>;
}

/// Makes and removes personal access tokens: named, without an end. All but the list ask for a second factor.
#[async_trait]
pub trait PersonalTokens: Send + Sync {
    /// Makes a token. `bypass` says whether the token stands for a second factor.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller lacks the permission, the name can't be used, or the token may not have been
    /// stored.
    async fn create_personal_token(
        &self,
        caller: &Caller<'_>,
        name: &str,
        bypass: bool,
    ) -> Result<Token, ActionError>;

    /// Puts a new token in the place of the one of that name.
    ///
    /// # Errors
    /// An [`ActionError`] when there is no such token, or the new one may not have been stored.
    async fn replace_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<Token, ActionError>;

    /// The tokens of the caller's account, oldest first.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller may not have tokens, or when they could not be read.
    async fn personal_tokens(&self, caller: &Caller<'_>) -> Result<Vec<PersonalToken>, ActionError>;

    /// Ends the token of that name.
    ///
    /// # Errors
    /// An [`ActionError`] when there is no such token, or the token may not have been ended.
    async fn remove_personal_token(&self, caller: &Caller<'_>, name: &str) -> Result<(), ActionError>;
}

/// A personal access token as its owner is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct PersonalToken {
    /// The stored credential.
    pub id: CredentialId,
    /// The name that its owner gave it.
    pub name: String,
    /// When the token was made.
    pub created: Timestamp,
    /// The token's last six characters.
    pub last_part: String,
    /// Whether the token stands for a second factor.
    pub bypass_second_factor: bool,
}

/// Enrols and removes second factors.
#[async_trait]
pub trait SecondFactors: Send + Sync {
    /// Begins to enrol a TOTP device in place of any that waits to be confirmed; asks for a second factor.
    ///
    /// # Errors
    /// An [`ActionError`] when the account has a device, or the new one may not have been stored.
    async fn enrol_device(&self, caller: &Caller<'_>) -> Result<Enrolment, ActionError>;

    /// Confirms the device with its first code and ends what other logins gave to the account; gives the backup codes. Asks
    /// for a second factor.
    ///
    /// # Errors
    /// An [`ActionError`] when the code is wrong, or the device may not have been stored.
    async fn confirm_device(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError>;

    /// Removes the device for one of its codes; `false` when the code is wrong.
    ///
    /// # Errors
    /// An [`ActionError`] when the device may not have been removed.
    async fn remove_device(&self, caller: &Caller<'_>, code: &OneTimeCode) -> Result<bool, ActionError>;

    /// Gives new backup codes for one of the device's codes.
    ///
    /// # Errors
    /// An [`ActionError`] when the code is wrong, or the new codes may not have been stored.
    async fn renew_backup_codes(
        &self,
        caller: &Caller<'_>,
        code: &OneTimeCode,
    ) -> Result<Vec<OneTimeCode>, ActionError>;

    /// When the device is to be removed because a help desk asked for it; `None` where it is not.
    ///
    /// # Errors
    /// An [`ActionError`] when the store can't be read.
    async fn device_removal(&self, caller: &Caller<'_>) -> Result<Option<Timestamp>, ActionError>;

    /// Keeps the device that a help desk asked to have removed; `false` where none was to be.
    ///
    /// # Errors
    /// An [`ActionError`] when the device may still be removed.
    async fn keep_device(&self, caller: &Caller<'_>) -> Result<bool, ActionError>;

    /// The number of backup codes that the account has left.
    ///
    /// # Errors
    /// An [`ActionError`] when the account has no device, or the codes could not be counted.
    async fn backup_codes_left(&self, caller: &Caller<'_>) -> Result<usize, ActionError>;

    /// Removes the device of the caller's account or of another, and ends all tokens of the account; asks for a second
    /// factor anew.
    ///
    /// # Errors
    /// An [`ActionError`] when the caller lacks the permission, or the device may not have been removed.
    async fn reset_device(&self, caller: &Caller<'_>, of: Option<&Identifier>) -> Result<(), ActionError>;

    /// Asks the account for mailed codes from now on and ends what other logins gave to it.
    ///
    /// # Errors
    /// An [`ActionError`] when no address is verified, or the change may not have been stored.
    async fn require_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError>;

    /// Asks the account for mailed codes no more; asks for a second factor anew.
    ///
    /// # Errors
    /// An [`ActionError`] when the factor is missing, or the change may not have been stored.
    async fn waive_mailed_codes(&self, caller: &Caller<'_>) -> Result<(), ActionError>;

    /// Mails a code to the account of that name that is asked for mailed codes. The answer is the same for accounts
    /// that exist and for those that don't, and must not be sent before the moment given.
    ///
    /// # Errors
    /// An [`ActionError`] when a code may not have been queued.
    async fn mail_code(&self, realm: RealmId, who: &Identifier) -> Result<Timestamp, ActionError>;

    /// Asks for a second factor, whatever came before, and does nothing else.
    ///
    /// # Errors
    /// An [`ActionError`] when the factor is missing or wrong, or could not be judged.
    async fn confirm(&self, caller: &Caller<'_>) -> Result<(), ActionError>;
}

/// A TOTP device that waits for its first code.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct Enrolment {
    /// The shared secret in base32.
    pub secret: Token,
    /// The address that authenticator apps take from a picture; it holds the secret.
    pub url: Token,
}

/// Changes the caller's own account.
#[async_trait]
pub trait OwnAccount: Send + Sync {
    /// A user name that the caller's account could have: made of its full name or its address, and free.
    ///
    /// # Errors
    /// An [`ActionError`] when the store can't be read.
    async fn suggest_user_name(&self, caller: &Caller<'_>) -> Result<String, ActionError>;

    /// Changes the caller's account; gives the account's profile. Where a part of the change is refused, nothing is changed.
    ///
    /// A new password ends what was signed in before, but for the token presented. It asks for a second factor, or the
    /// present password, unless the account must change its password. So does another address.
    ///
    /// # Errors
    /// [`ActionError::NotOffered`] when the account has another user name already or its password is kept elsewhere, or an
    /// [`ActionError`] that says what is wrong with a name or a password, or that the change may not have been stored.
    async fn change_own_account(
        &self,
        caller: &Caller<'_>,
        change: &OwnChange<'_>,
    ) -> Result<Profile, ActionError>;

    /// Judges the present password of the caller's account, as an attempt to log in: with the same limits and the same log.
    async fn show_password(&self, caller: &Caller<'_>, password: &Password) -> PasswordReply;
}

/// The answer to a present password.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct PasswordReply {
    /// Whether the password is right: [`ActionError::SecondFactorInvalid`] where it is not.
    pub result: Result<(), ActionError>,
    /// The protocol's own login limit after this attempt, where it has one and it was evaluated.
    pub rate_limit: Option<RateLimitStatus>,
}

/// What callers change about their own accounts; `None` leaves things as they are.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it, the engine takes it apart")]
pub struct OwnChange<'a> {
    /// The user name of an account that has none. An account keeps the name that it has.
    pub user_name: Option<&'a str>,
    /// The display name.
    pub full_name: Option<&'a str>,
    /// The address that is to take the place of the first one, once its owner has opened a link that is mailed to it. Whether
    /// another account has it is not told.
    pub address: Option<&'a str>,
    /// The new password.
    pub password: Option<&'a Password>,
    /// The language of mails; `Some(None)` is that of whatever causes a mail.
    pub language: Option<Option<Language>>,
}

impl OwnChange<'_> {
    /// Whether everything stays as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { user_name, full_name, address, password, language } = self;
        let has_name = user_name.is_some() || full_name.is_some();
        !has_name && address.is_none() && password.is_none() && language.is_none()
    }
}

/// Verifies addresses by mail.
#[async_trait]
pub trait AddressVerification: Send + Sync {
    /// Mails a link to an address that an account has and that is not verified. The answer is the same for any other
    /// address, and must not be sent before the moment given.
    ///
    /// # Errors
    /// An [`ActionError`] when the mail may not have been queued.
    async fn mail_address_proof(&self, realm: RealmId, address: &str) -> Result<Timestamp, ActionError>;

    /// Verifies the address to which a token was mailed. Once it is verified, the token does nothing more.
    ///
    /// # Errors
    /// An [`ActionError`] when the token is wrong, or the change may not have been stored.
    async fn verify_address(
        &self,
        realm: RealmId,
        token: &Token,
        peer: &Peer,
        protocol: ProtocolName,
    ) -> Result<(), ActionError>;
}

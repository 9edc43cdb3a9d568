//! What somebody who is signed in does to accounts: sessions, personal tokens, second factors, passwords.
//!
//! A protocol hands over who asks and the second factor that came along; whether one is needed, and whether the
//! caller may, the engine decides. Methods that a server doesn't offer answer [`ActionError::NotOffered`].

use async_trait::async_trait;

use crate::{
    Challenge, CredentialId, FactorMethod, Grant, Identifier, InternalError, OneTimeCode, Password, Peer,
    PolicyRule, Principal, Profile, RealmId, Timestamp, Token,
};

/// What a call on an account comes to: done, denied, or not known for a fault.
pub type Done<T> = Result<Result<T, ActionError>, InternalError>;

/// A call by somebody who is signed in.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct Caller<'a> {
    /// Who calls.
    pub principal: &'a Principal,
    /// Where the call comes from.
    pub peer: &'a Peer,
    /// The program that calls, as it names itself; empty where it doesn't.
    pub agent: &'a str,
    /// The second factor that came along.
    pub proof: &'a SecondFactorProof,
}

/// A second factor as it comes along with a call (rocketchat.md 2.3).
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "protocols build it")]
pub struct SecondFactorProof {
    /// The code.
    pub code: Option<OneTimeCode>,
    /// The factor that the caller wants to use.
    pub method: Option<FactorMethod>,
}

/// Why a call on an account was not done.
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
    /// The name of a token is empty or longer than a store keeps.
    BadTokenName,
    /// The account has a TOTP device already.
    DeviceExists,
    /// The account has no TOTP device, or none that waits to be confirmed.
    NoDevice,
    /// The code is not that of the device.
    WrongCode,
    /// An e-mail address must be verified first, or there is none.
    AddressUnverified,
    /// The account lacks the user name that this takes.
    NoUserName,
    /// The token was never issued, was used, or has ended.
    WrongToken,
    /// The new password is too weak or too long; the rules of the password policy that it breaks, if any.
    WeakPassword(Vec<PolicyRule>),
    /// This server doesn't offer it.
    NotOffered,
}

/// Log-in tokens.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Ends the log-in tokens of the caller's account but the one presented; personal tokens stay.
    ///
    /// # Errors
    /// A [`InternalError`] when they are not known to be ended.
    async fn end_other_sessions(&self, _caller: &Caller<'_>) -> Done<()> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Ends all tokens, also personal ones, of the caller's account or of another; tells whose.
    ///
    /// # Errors
    /// A [`InternalError`] when they are not known to be ended.
    async fn end_sessions(&self, _caller: &Caller<'_>, _of: Option<&Identifier>) -> Done<Profile> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Gives a new log-in token of an account to whoever knows the operator's secret; asks for a second factor.
    ///
    /// # Errors
    /// A [`InternalError`] when the token is not known to be stored.
    async fn create_session(
        &self,
        _caller: &Caller<'_>,
        _of: &Identifier,
        _secret: &Token,
    ) -> Done<(Profile, Grant)> {
        Ok(Err(ActionError::NotOffered))
    }
}

/// Personal access tokens: named, without an end (rocketchat.md 3). All but the list ask for a second factor.
#[async_trait]
pub trait PersonalTokens: Send + Sync {
    /// Makes a token. `bypass` says whether it stands for a second factor.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be stored.
    async fn create_personal_token(&self, _caller: &Caller<'_>, _name: &str, _bypass: bool) -> Done<Token> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Puts a new token in the place of the one of that name.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be stored.
    async fn replace_personal_token(&self, _caller: &Caller<'_>, _name: &str) -> Done<Token> {
        Ok(Err(ActionError::NotOffered))
    }

    /// The tokens of the caller's account, oldest first.
    ///
    /// # Errors
    /// A [`InternalError`] when they could not be read.
    async fn personal_tokens(&self, _caller: &Caller<'_>) -> Done<Vec<PersonalToken>> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Ends the token of that name.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be ended.
    async fn remove_personal_token(&self, _caller: &Caller<'_>, _name: &str) -> Done<()> {
        Ok(Err(ActionError::NotOffered))
    }
}

/// What is shown of a personal token.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine and the protocols' tests build it")]
pub struct PersonalToken {
    /// The stored credential.
    pub id: CredentialId,
    /// What its owner calls it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its last six characters.
    pub last_part: String,
    /// Whether it stands for a second factor.
    pub bypass_second_factor: bool,
}

/// Second factors (rocketchat.md 2).
#[async_trait]
pub trait SecondFactors: Send + Sync {
    /// Begins to enrol a TOTP device in place of any that waits to be confirmed; asks for a second factor.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be stored.
    async fn enrol_device(&self, _caller: &Caller<'_>) -> Done<Enrolment> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Confirms the device with its first code and ends the account's other log-in tokens; gives the backup
    /// codes. Asks for a second factor.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be stored.
    async fn confirm_device(&self, _caller: &Caller<'_>, _code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Takes the device away for one of its codes; tells whether.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be gone.
    async fn remove_device(&self, _caller: &Caller<'_>, _code: &OneTimeCode) -> Done<bool> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Gives new backup codes for one of the device's codes.
    ///
    /// # Errors
    /// A [`InternalError`] when they are not known to be stored.
    async fn renew_backup_codes(&self, _caller: &Caller<'_>, _code: &OneTimeCode) -> Done<Vec<OneTimeCode>> {
        Ok(Err(ActionError::NotOffered))
    }

    /// How many backup codes the account has left.
    ///
    /// # Errors
    /// A [`InternalError`] when they could not be counted.
    async fn backup_codes_left(&self, _caller: &Caller<'_>) -> Done<usize> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Takes the device away from the caller's account or from another, and ends all its tokens; asks for a
    /// second factor anew.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be gone.
    async fn reset_device(&self, _caller: &Caller<'_>, _of: Option<&Identifier>) -> Done<()> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Asks the account for mailed codes from now on and ends its other log-in tokens.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be stored.
    async fn require_mailed_codes(&self, _caller: &Caller<'_>) -> Done<()> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Asks the account for mailed codes no more; asks for a second factor anew.
    ///
    /// # Errors
    /// A [`InternalError`] when it is not known to be stored.
    async fn waive_mailed_codes(&self, _caller: &Caller<'_>) -> Done<()> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Mails a code to whoever is asked for them under that name. Who that is, or that it is nobody, does not
    /// show: the answer is the same, and must not be sent before the moment given.
    ///
    /// # Errors
    /// A [`InternalError`] when a code is not known to be on its way.
    async fn mail_code(&self, _realm: RealmId, _who: &Identifier) -> Done<Timestamp> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Asks for a second factor, whatever came before, and does nothing else.
    ///
    /// # Errors
    /// A [`InternalError`] when it could not be judged.
    async fn confirm(&self, _caller: &Caller<'_>) -> Done<()> {
        Ok(Err(ActionError::NotOffered))
    }
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

/// Lost passwords.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// Mails a token for a new password to whoever has that address. Whether anybody has does not show: the
    /// answer is the same, and must not be sent before the moment given.
    ///
    /// # Errors
    /// A [`InternalError`] when the mail is not known to be on its way.
    async fn forgot_password(&self, _realm: RealmId, _address: &str) -> Done<Timestamp> {
        Ok(Err(ActionError::NotOffered))
    }

    /// Sets a new password for a token that was mailed, once, and ends what was signed in before.
    ///
    /// # Errors
    /// A [`InternalError`] when the password is not known to be stored.
    async fn reset_password(
        &self,
        _realm: RealmId,
        _token: &Token,
        _new: &Password,
        _peer: &Peer,
    ) -> Done<()> {
        Ok(Err(ActionError::NotOffered))
    }
}

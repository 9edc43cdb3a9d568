//! The second factor: asked for last, after everything else is right.

use std::fmt;
use std::sync::Arc;

use auth_core::{
    Account, ActionError, Challenge, Clock, Credential, CredentialKind, FactorMethod, FailureReason,
    GrantKind, Identifier, InternalError, Language, LoginAttempt, LoginError, MailedChallenge, OneTimeCode,
    PasswordDigest, Peer, ProtocolName, Realm, Rng, SecondStep, SecretInput, Store, Timestamp, UserId,
    VerifyRequest,
};
use auth_crypto::{opaque, totp};

use crate::account::device_removals::DeviceRemovals;
use crate::config::SecondFactorConfig;
use crate::credentials::{CredentialFactory, code_has_ended};
use crate::directories::Directories;
use crate::login::backends::BackendChain;
use crate::mail_text::Message;
use crate::maintenance::outbox::MailQueue;
use crate::rate_limit::priority::Priorities;
use crate::rate_limit::reservation::Reservation;
use crate::rate_limit::shared::AttemptLimits;

/// Backup codes have eight characters and are never tried as digits of a device.
const BACKUP_CODE_LENGTH: usize = 8;

/// Judges second factors, and mails codes.
pub(crate) struct SecondFactorCheck {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) credentials: Arc<CredentialFactory>,
    pub(crate) limits: Arc<AttemptLimits>,
    pub(crate) priorities: Arc<Priorities>,
    pub(crate) backends: Arc<BackendChain>,
    pub(crate) directories: Arc<Directories>,
    pub(crate) mail: Arc<MailQueue>,
    pub(crate) removals: Arc<DeviceRemovals>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) config: SecondFactorConfig,
}

/// The account whose second factor is asked for, and where the request comes from.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) account: &'a Account,
    pub(crate) peer: &'a Peer,
    pub(crate) protocol: ProtocolName,
    /// Whether the protocol takes a TOTP code again within its window.
    pub(crate) takes_codes_again: bool,
}

/// Why a second factor was not accepted.
#[derive(Debug)]
pub(crate) enum FactorError {
    /// No code came along.
    Required(Challenge),
    /// The code is wrong.
    Invalid(Challenge),
    /// Too many codes were wrong: this one is not judged, or was the last that is.
    Exhausted(Challenge),
    /// The code could not be judged.
    Internal(InternalError),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Right,
    Wrong,
    Exhausted,
}

impl Verdict {
    fn is_wrong(&self) -> bool {
        *self != Self::Right
    }
}

/// The step of a device to which a code belongs.
struct Step {
    number: i64,
    /// Whether neither it nor a later one was used before.
    is_fresh: bool,
}

impl SecondFactorCheck {
    /// Judges a code for a factor; without one, gives the challenge for the client, and mails what must be mailed.
    pub(crate) async fn verify(
        &self,
        subject: Subject<'_>,
        method: FactorMethod,
        code: Option<&OneTimeCode>,
    ) -> Result<(), FactorError> {
        let account = subject.account;
        let user = account.user.id;
        let now = self.clock.now();
        let outstanding = match method {
            FactorMethod::Email if account.mails_codes() => self.newest_code(user).await?,
            _ => None,
        };
        let Some(code) = code else {
            return Err(FactorError::Required(
                self.mailing_challenge(subject, method, outstanding.as_ref()).await?,
            ));
        };
        let Some(reservation) = self.reserve(account, subject.peer, now).await? else {
            let mailed = outstanding.as_ref().map(|code| outstanding_challenge(account, code));
            return Err(FactorError::Exhausted(challenge(account, method, mailed)));
        };
        let judged = match method {
            FactorMethod::Totp => {
                let from = (subject.protocol, subject.peer);
                self.use_device_code(account, from, code, now, subject.takes_codes_again).await
            }
            FactorMethod::Email => self.use_mailed_code(outstanding.clone(), code, now).await,
            _ => self.use_password(subject, code).await,
        };
        let verdict = self.settle(reservation, judged, Verdict::is_wrong).await?;
        if verdict == Verdict::Right {
            return Ok(());
        }
        // The challenge names the code that was outstanding before: one that has ended makes room for another.
        let challenge = self.mailing_challenge(subject, method, outstanding.as_ref()).await?;
        Err(match verdict {
            Verdict::Exhausted => FactorError::Exhausted(challenge),
            _ => FactorError::Invalid(challenge),
        })
    }

    /// The challenge for a factor. Where that is a mailed code, and none is outstanding, a new one is mailed.
    async fn mailing_challenge(
        &self,
        Subject { account, peer, .. }: Subject<'_>,
        method: FactorMethod,
        outstanding: Option<&Credential>,
    ) -> Result<Challenge, InternalError> {
        if method != FactorMethod::Email || !account.mails_codes() {
            return Ok(challenge(account, method, None));
        }
        let mailed = match outstanding.filter(|code| self.is_outstanding(code)) {
            Some(code) => outstanding_challenge(account, code),
            None => {
                let expires = self.mail_code(account, peer.language).await?;
                MailedChallenge { generated: true, expires, recipient: recipient(account) }
            }
        };
        Ok(challenge(account, method, Some(mailed)))
    }

    /// Whether a code is one of the account's device, or one of its backup codes; the code is used up if so.
    pub(crate) async fn is_device_code(
        &self,
        account: &Account,
        (protocol, peer): (ProtocolName, &Peer),
        code: &OneTimeCode,
    ) -> Result<bool, FactorError> {
        let reservation = self.reserve_device_code(account, peer).await?;
        let takes_again = self.config.takes_codes_again;
        let from = (protocol, peer);
        let judged = self.use_device_code(account, from, code, self.clock.now(), takes_again).await;
        Ok(self.settle(reservation, judged, Verdict::is_wrong).await? == Verdict::Right)
    }

    /// Judges the first code of a device that is being enrolled; gives its step if it is right and was not used before.
    pub(crate) async fn use_first_code(
        &self,
        account: &Account,
        peer: &Peer,
        device: &Credential,
        code: &OneTimeCode,
    ) -> Result<Option<i64>, FactorError> {
        let reservation = self.reserve_device_code(account, peer).await?;
        let used = self.use_step(device, code, self.clock.now()).await;
        let step = used.map(|used| used.filter(|step| step.is_fresh).map(|step| step.number));
        Ok(self.settle(reservation, step, Option::is_none).await?)
    }

    /// Counts a code of a device as wrong, before it is judged.
    async fn reserve_device_code(&self, account: &Account, peer: &Peer) -> Result<Reservation, FactorError> {
        let reservation = self.reserve(account, peer, self.clock.now()).await?;
        reservation.ok_or_else(|| FactorError::Exhausted(challenge(account, FactorMethod::Totp, None)))
    }

    /// Uncounts a code that was right, or that could not be judged.
    async fn settle<T>(
        &self,
        mut reservation: Reservation,
        judged: Result<T, InternalError>,
        is_wrong: impl FnOnce(&T) -> bool,
    ) -> Result<T, InternalError> {
        if !judged.as_ref().is_ok_and(is_wrong) {
            self.limits.give_back(&mut reservation).await;
        }
        judged
    }

    /// Counts a code as wrong; `None` when there were too many.
    async fn reserve(
        &self,
        account: &Account,
        peer: &Peer,
        now: Timestamp,
    ) -> Result<Option<Reservation>, InternalError> {
        let (user, client) = (account.user.id, peer.client_key());
        let is_known = self.priorities.is_familiar(user, client);
        self.limits.reserve_second_factor(user, client, is_known, now).await
    }

    /// Judges a code of the device, or a backup code. A right one stops the removal of the device that may be held.
    async fn use_device_code(
        &self,
        account: &Account,
        (protocol, peer): (ProtocolName, &Peer),
        code: &OneTimeCode,
        now: Timestamp,
        takes_again: bool,
    ) -> Result<Verdict, InternalError> {
        if !account.totp {
            return Ok(Verdict::Wrong);
        }
        let user = account.user.id;
        let right = if code.expose().len() == BACKUP_CODE_LENGTH {
            self.use_backup_code(user, code).await?
        } else {
            self.use_totp(user, code, now, takes_again).await?
        };
        if right {
            self.removals.device_was_shown(&account.user, protocol, peer).await?;
        }
        Ok(if right { Verdict::Right } else { Verdict::Wrong })
    }

    async fn use_backup_code(&self, user: UserId, code: &OneTimeCode) -> Result<bool, InternalError> {
        for digest in self.credentials.backup_code_digests(user, code) {
            let found = self.store.by_digest(CredentialKind::BACKUP_CODE, &digest).await?;
            if let Some((credential, _)) = found.filter(|(credential, _)| credential.user == user) {
                return Ok(self.store.remove(credential.id, None).await?);
            }
        }
        Ok(false)
    }

    /// Uses a step of the device: once, also by two requests at a time.
    async fn use_totp(
        &self,
        user: UserId,
        code: &OneTimeCode,
        now: Timestamp,
        takes_again: bool,
    ) -> Result<bool, InternalError> {
        let Some(device) = self.store.of_user(user, CredentialKind::TOTP).await?.pop() else {
            return Ok(false);
        };
        let step = self.use_step(&device, code, now).await?;
        Ok(step.is_some_and(|step| step.is_fresh || takes_again))
    }

    /// The step of a device whose code this is, used up; `None` for a wrong code.
    async fn use_step(
        &self,
        device: &Credential,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Result<Option<Step>, InternalError> {
        let secret = self.credentials.totp_secret(device)?;
        let Some(number) = totp::verify(&secret, code, now, self.config.totp_delta) else { return Ok(None) };
        Ok(Some(Step { number, is_fresh: self.store.raise_counter(device.id, number).await? }))
    }

    /// Counts every attempt before the code is looked at, so that parallel attempts are as many as they are.
    async fn use_mailed_code(
        &self,
        outstanding: Option<Credential>,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Result<Verdict, InternalError> {
        let Some(mut outstanding) = outstanding.filter(|code| !code_has_ended(code, now)) else {
            return Ok(Verdict::Wrong);
        };
        let most = i64::from(self.config.mailed_code_attempts);
        let user = outstanding.user;
        let number = loop {
            if outstanding.counter >= most {
                return Ok(Verdict::Exhausted);
            }
            let number = outstanding.counter + 1;
            if self.store.raise_counter(outstanding.id, number).await? {
                break number;
            }
            // Another attempt was faster.
            match self.newest_code(user).await? {
                Some(newest) if newest.id == outstanding.id => outstanding = newest,
                // A code makes room for another once there were too many attempts at it.
                Some(_) => return Ok(Verdict::Exhausted),
                None => return Ok(Verdict::Wrong),
            }
        };
        let digits: String = code.expose().chars().filter(char::is_ascii_digit).collect();
        let mut digests = self.credentials.short_code_digests(user, &digits).into_iter();
        if digests.any(|digest| outstanding.digest == Some(digest)) {
            let used = self.store.remove(outstanding.id, None).await?;
            return Ok(if used { Verdict::Right } else { Verdict::Wrong });
        }
        Ok(if number >= most { Verdict::Exhausted } else { Verdict::Wrong })
    }

    /// Judges the password once more, by its digest. A realm without digest logins can't tell.
    async fn use_password(&self, subject: Subject<'_>, code: &OneTimeCode) -> Result<Verdict, InternalError> {
        let Subject { realm, account, peer, .. } = subject;
        if !self.directories.accept_stored_password(realm, account) {
            return Ok(Verdict::Wrong);
        }
        let secret = SecretInput::Digest(PasswordDigest::new(code.expose().to_ascii_lowercase()));
        let id = account.user.external_text(ProtocolName::ROCKETCHAT);
        let who = Identifier::external(ProtocolName::ROCKETCHAT, id);
        let request =
            VerifyRequest { realm, who: &who, account: Some(account), secret: &secret, demand: None, peer };
        let right = self.backends.matches_stored(&request).await?;
        Ok(if right { Verdict::Right } else { Verdict::Wrong })
    }

    async fn newest_code(&self, user: UserId) -> Result<Option<Credential>, InternalError> {
        Ok(self.store.of_user(user, CredentialKind::MAILED_CODE).await?.pop())
    }

    /// Mails the outstanding code again while it is good, so that a stranger who asks for it does not take it from its
    /// owner; else a new one. Gives the moment at which the code ends. `language` is that of the request.
    pub(crate) async fn mail_code(
        &self,
        account: &Account,
        language: Option<Language>,
    ) -> Result<Timestamp, InternalError> {
        let user = account.user.id;
        if let Some(outstanding) = self.newest_code(user).await?.filter(|code| self.is_outstanding(code))
            && let Some(code) = self.credentials.open_mailed_code(&outstanding)
        {
            self.mail.post(&account.user, &Message::Code(&code), language).await?;
            return Ok(outstanding.expires.unwrap_or_default());
        }
        let code = opaque::mail_code(&*self.rng);
        let expires = self.clock.now() + self.config.mailed_code_lifetime;
        let stored = self.credentials.mailed_code(user, &code, expires);
        self.mail.post_with(&stored, &account.user, &Message::Code(&code), language).await?;
        Ok(expires)
    }

    /// Whether a mailed code can still be used.
    fn is_outstanding(&self, code: &Credential) -> bool {
        !code_has_ended(code, self.clock.now()) && code.counter < i64::from(self.config.mailed_code_attempts)
    }
}

impl fmt::Debug for SecondFactorCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactorCheck").field("config", &self.config).finish_non_exhaustive()
    }
}

fn challenge(account: &Account, method: FactorMethod, mailed: Option<MailedChallenge>) -> Challenge {
    Challenge { method, available: active_factors(account), mailed, ticket: None }
}

/// The challenge for a code that was mailed before.
fn outstanding_challenge(account: &Account, code: &Credential) -> MailedChallenge {
    let expires = code.expires.unwrap_or_default();
    MailedChallenge { generated: false, expires, recipient: recipient(account) }
}

/// The name of the account that a client shows.
fn recipient(account: &Account) -> String {
    let user = &account.user;
    let address = user.email().map(|email| email.address).unwrap_or_default();
    user.user_name().unwrap_or(address).to_owned()
}

/// The factors that an account has, in the order in which they are asked for.
pub(crate) fn active_factors(account: &Account) -> Vec<FactorMethod> {
    let totp = account.totp.then_some(FactorMethod::Totp);
    let email = account.mails_codes().then_some(FactorMethod::Email);
    totp.into_iter().chain(email).collect()
}

/// Why a right password is not enough for an account at a protocol: the account has a second factor that can't be asked for,
/// unless `password_only` lets it in, or it lacks the one that its realm demands. Whoever lacks it gets a web session all the
/// same: pages lead to its set-up before anything else.
pub(crate) fn why_not_enough(
    attempt: &LoginAttempt,
    account: &Account,
    password_only: bool,
) -> Option<FailureReason> {
    if account.has_second_factor() {
        let is_asked = password_only || !matches!(attempt.second_step, SecondStep::NotOffered);
        return (!is_asked).then_some(FailureReason::NoSecondStep);
    }
    let is_demanded = attempt.realm.demands_second_factor_of(&account.user);
    let is_for_pages = attempt.grant == GrantKind::Token(CredentialKind::WEB_SESSION);
    (is_demanded && !is_for_pages).then_some(FailureReason::NoSecondFactor)
}

impl From<InternalError> for FactorError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<FactorError> for LoginError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::Required(challenge) => Self::SecondFactorRequired(challenge),
            FactorError::Invalid(challenge) => Self::SecondFactorInvalid(challenge),
            FactorError::Exhausted(challenge) => Self::SecondFactorExhausted(challenge),
            FactorError::Internal(error) => Self::Internal(error),
        }
    }
}

impl From<FactorError> for ActionError {
    fn from(error: FactorError) -> Self {
        match error {
            FactorError::Required(challenge) => Self::SecondFactorRequired(challenge),
            FactorError::Invalid(challenge) => Self::SecondFactorInvalid(challenge),
            FactorError::Exhausted(challenge) => Self::SecondFactorExhausted(challenge),
            FactorError::Internal(error) => Self::Internal(error),
        }
    }
}

#[cfg(test)]
mod tests;

//! The second factor: asked for last, after everything else is right (rocketchat.md 2).

use auth_core::{
    Account, ActionError, BackendAnswer, Challenge, Credential, CredentialKind, Digest, ExactPoint,
    FactorMethod, Identifier, InternalError, LoginError, MailedChallenge, OneTimeCode, OutgoingMail,
    PasswordDigest, Peer, Realm, SecretInput, Timestamp, TotpSecret, UserId, VerifyRequest,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::{opaque, totp};

use crate::Engine;
use crate::engine::broken;
use crate::grant::has_ended;

/// Backup codes have eight characters and are never tried as digits of a device (rocketchat.md 2.4).
const BACKUP_CODE_LENGTH: usize = 8;

/// Whose second factor is asked for, and where the request comes from.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) realm: &'a Realm,
    pub(crate) account: &'a Account,
    pub(crate) peer: &'a Peer,
}

/// A second factor that was not shown.
#[derive(Debug)]
pub(crate) enum Unproven {
    /// No code came along.
    Required(Challenge),
    /// The code is wrong.
    Invalid(Challenge),
    /// The code is wrong, and so were too many before.
    Exhausted(Challenge),
}

enum Verdict {
    Right,
    Wrong,
    Exhausted,
}

impl Engine {
    /// Judges a code for a factor; without one, says what to ask for, and mails what must be mailed.
    pub(crate) async fn prove(
        &self,
        asked: Asked<'_>,
        method: FactorMethod,
        code: Option<&OneTimeCode>,
    ) -> Result<Result<(), Unproven>, InternalError> {
        let account = asked.account;
        let user = account.user.id;
        let now = self.now();
        let bare = Challenge { method, available: active_factors(account), mailed: None };
        let outstanding = match method {
            FactorMethod::Email if account.mails_codes() => self.newest_code(user).await?,
            _ => None,
        };
        if code.is_some() && !self.reserve_second_factor(user, now).await? {
            let told = |code: &Credential| MailedChallenge {
                generated: false,
                expires: code.expires.unwrap_or_default(),
                recipient: recipient(account),
            };
            return Ok(Err(Unproven::Invalid(Challenge { mailed: outstanding.as_ref().map(told), ..bare })));
        }
        // What is told of a wrong code is what was outstanding before: one that has ended makes room for another.
        let mailed = match method {
            FactorMethod::Email if account.mails_codes() => {
                Some(self.mailed_challenge(account, outstanding.as_ref()).await?)
            }
            _ => None,
        };
        let challenge = Challenge { mailed, ..bare };
        let Some(code) = code else { return Ok(Err(Unproven::Required(challenge))) };
        let verdict = match method {
            FactorMethod::Totp => self.use_device_code(account, code, now).await?,
            FactorMethod::Email => self.use_mailed_code(outstanding, code, now).await?,
            _ => self.use_password(asked, code).await?,
        };
        Ok(match verdict {
            Verdict::Right => {
                self.second_factor_passed(user, now).await;
                Ok(())
            }
            Verdict::Wrong => Err(Unproven::Invalid(challenge)),
            Verdict::Exhausted => Err(Unproven::Exhausted(challenge)),
        })
    }

    /// Whether a code is the account's device's, or one of its backup codes; used up if so. Wrong ones are
    /// capped per account.
    pub(crate) async fn is_device_code(
        &self,
        account: &Account,
        code: &OneTimeCode,
    ) -> Result<bool, InternalError> {
        let (user, now) = (account.user.id, self.now());
        if !self.reserve_second_factor(user, now).await? {
            return Ok(false);
        }
        let right = matches!(self.use_device_code(account, code, now).await?, Verdict::Right);
        if right {
            self.second_factor_passed(user, now).await;
        }
        Ok(right)
    }

    async fn use_device_code(
        &self,
        account: &Account,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Result<Verdict, InternalError> {
        if !account.totp {
            return Ok(Verdict::Wrong);
        }
        let user = account.user.id;
        let right = if code.expose().len() == BACKUP_CODE_LENGTH {
            self.use_backup_code(user, code).await?
        } else {
            self.use_totp(user, code, now).await?
        };
        Ok(if right { Verdict::Right } else { Verdict::Wrong })
    }

    /// A step is used once, also by two requests at a time.
    async fn use_totp(
        &self,
        user: UserId,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Result<bool, InternalError> {
        let Some(device) = self.store.of_user(user, CredentialKind::Totp).await?.pop() else {
            return Ok(false);
        };
        let secret = self.totp_secret(&device)?;
        let rules = &self.config.rocketchat;
        let Some(step) = totp::verify(&secret, code, now, rules.totp_delta) else { return Ok(false) };
        let fresh = self.store.raise_counter(device.id, step).await?;
        Ok(fresh || rules.exact.has(ExactPoint::CodeReplay))
    }

    pub(crate) fn totp_secret(&self, device: &Credential) -> Result<TotpSecret, InternalError> {
        let sealed = device.sealed.as_deref().ok_or_else(|| broken("a device without its secret"))?;
        let opened = self
            .ring()
            .open(Purpose::Totp, device.user.as_bytes(), sealed)
            .map_err(|_| broken("a sealed second factor"))?;
        Ok(TotpSecret::new(opened.to_vec()))
    }

    /// Every try is counted before the code is looked at, so that parallel ones are as many as they are.
    async fn use_mailed_code(
        &self,
        outstanding: Option<Credential>,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Result<Verdict, InternalError> {
        let Some(mut outstanding) = outstanding.filter(|code| !has_ended(code, now)) else {
            return Ok(Verdict::Wrong);
        };
        let tries = i64::from(self.config.rocketchat.mailed_code_tries);
        let user = outstanding.user;
        let number = loop {
            if outstanding.counter >= tries {
                return Ok(Verdict::Exhausted);
            }
            let number = outstanding.counter + 1;
            if self.store.raise_counter(outstanding.id, number).await? {
                break number;
            }
            // Another try was faster.
            match self.newest_code(user).await? {
                Some(newest) if newest.id == outstanding.id => outstanding = newest,
                // A code makes room for another once there were too many tries at it.
                Some(_) => return Ok(Verdict::Exhausted),
                None => return Ok(Verdict::Wrong),
            }
        };
        let digits: String = code.expose().chars().filter(char::is_ascii_digit).collect();
        let ring = self.ring();
        let mut digests = ring.macs(Purpose::ShortCode, user.as_bytes(), digits.as_bytes());
        if digests.any(|digest| outstanding.digest == Some(digest)) {
            let used = self.store.remove(outstanding.id).await?;
            return Ok(if used { Verdict::Right } else { Verdict::Wrong });
        }
        Ok(if number >= tries { Verdict::Exhausted } else { Verdict::Wrong })
    }

    /// The password once more, as its digest (rocketchat.md 2.1). A realm without digest log-ins can't tell.
    async fn use_password(&self, asked: Asked<'_>, code: &OneTimeCode) -> Result<Verdict, InternalError> {
        if !self.counts_stored_password(asked.realm, asked.account) {
            return Ok(Verdict::Wrong);
        }
        let digest = PasswordDigest::new(code.expose().to_ascii_lowercase());
        let who = Identifier::ExternalId(asked.account.user.protocols.rocketchat.clone());
        let question = VerifyRequest {
            realm: asked.realm,
            who: &who,
            account: Some(asked.account),
            secret: SecretInput::Digest(&digest),
            demand: None,
            peer: asked.peer,
        };
        match self.backend(Realm::LOCAL)?.verify(&question).await {
            BackendAnswer::Accept(_) => Ok(Verdict::Right),
            BackendAnswer::Unavailable(fault) => Err(fault),
            _ => Ok(Verdict::Wrong),
        }
    }

    async fn newest_code(&self, user: UserId) -> Result<Option<Credential>, InternalError> {
        Ok(self.store.of_user(user, CredentialKind::MailedCode).await?.pop())
    }

    /// The outstanding code while it is good, else a new one.
    async fn mailed_challenge(
        &self,
        account: &Account,
        outstanding: Option<&Credential>,
    ) -> Result<MailedChallenge, InternalError> {
        let recipient = recipient(account);
        if let Some(outstanding) = outstanding.filter(|code| self.is_outstanding(code)) {
            let expires = outstanding.expires.unwrap_or_default();
            return Ok(MailedChallenge { generated: false, expires, recipient });
        }
        let expires = self.send_code(account).await?;
        Ok(MailedChallenge { generated: true, expires, recipient })
    }

    /// Mails the outstanding code again while it is good, so that nobody who asks for it takes it from its owner;
    /// else a new one. Tells when it ends.
    pub(crate) async fn send_code(&self, account: &Account) -> Result<Timestamp, InternalError> {
        let user = account.user.id;
        if let Some(outstanding) = self.newest_code(user).await?.filter(|code| self.is_outstanding(code))
            && let Some(code) = self.open_code(&outstanding)
        {
            self.post(&self.code_mail(account, &code)).await?;
            return Ok(outstanding.expires.unwrap_or_default());
        }
        let code = opaque::mail_code(&*self.rng);
        let expires = self.now() + self.config.rocketchat.mailed_code_lifetime;
        let digest = self.code_digest(user, code.expose());
        let sealed = self.ring().seal(Purpose::Mail, user.as_bytes(), code.expose().as_bytes(), &*self.rng);
        let credential = Credential {
            expires: Some(expires),
            sealed: Some(sealed),
            ..self.new_credential(user, CredentialKind::MailedCode, Some(digest))
        };
        self.store.post_with(&credential, &self.code_mail(account, &code)).await?;
        Ok(expires)
    }

    /// Whether a mailed code can still be used.
    fn is_outstanding(&self, code: &Credential) -> bool {
        !has_ended(code, self.now()) && code.counter < i64::from(self.config.rocketchat.mailed_code_tries)
    }

    fn open_code(&self, code: &Credential) -> Option<OneTimeCode> {
        let opened = self.ring().open(Purpose::Mail, code.user.as_bytes(), code.sealed.as_deref()?).ok()?;
        std::str::from_utf8(&opened).ok().map(OneTimeCode::new)
    }

    fn code_mail(&self, account: &Account, code: &OneTimeCode) -> OutgoingMail {
        let (first, last) = code.expose().split_at_checked(3).unwrap_or((code.expose(), ""));
        let text = format!("Your authentication code is {first}-{last}.\n\nIt is good for one log-in.\n");
        self.mail_to(&account.user, "Authentication code", &text)
    }

    /// Short codes are stored under a keyed MAC bound to their user, never a bare digest.
    pub(crate) fn code_digest(&self, user: UserId, code: &str) -> Digest {
        self.ring().mac(Purpose::ShortCode, user.as_bytes(), code.as_bytes())
    }
}

/// What a client is told to have its user look at.
fn recipient(account: &Account) -> String {
    let user = &account.user;
    let address = user.email().map(|email| email.address).unwrap_or_default();
    user.user_name().unwrap_or(address).to_owned()
}

/// The factors that an account has, in the order in which they are asked for (rocketchat.md 2.1).
pub(crate) fn active_factors(account: &Account) -> Vec<FactorMethod> {
    let totp = account.totp.then_some(FactorMethod::Totp);
    let email = account.mails_codes().then_some(FactorMethod::Email);
    totp.into_iter().chain(email).collect()
}

impl From<Unproven> for LoginError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Required(challenge) => Self::SecondFactorRequired(challenge),
            Unproven::Invalid(challenge) => Self::SecondFactorInvalid(challenge),
            Unproven::Exhausted(challenge) => Self::SecondFactorExhausted(challenge),
        }
    }
}

impl From<Unproven> for ActionError {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Required(challenge) => Self::SecondFactorRequired(challenge),
            Unproven::Invalid(challenge) => Self::SecondFactorInvalid(challenge),
            Unproven::Exhausted(challenge) => Self::SecondFactorExhausted(challenge),
        }
    }
}

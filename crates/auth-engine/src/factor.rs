//! The second factor: asked for last, after everything else is right (rocketchat.md 2).

use auth_core::{
    Account, Challenge, Credential, CredentialKind, Digest, ExactPoint, FactorMethod, Fault, MailId,
    MailedChallenge, OneTimeCode, OutgoingMail, Refusal, Timestamp, TotpSecret, UserId,
};
use auth_crypto::keyring::Purpose;
use auth_crypto::{opaque, totp};

use crate::Engine;
use crate::engine::broken;

/// Backup codes have eight characters and are never tried as digits of a device (rocketchat.md 2.4).
const BACKUP_CODE_LENGTH: usize = 8;

impl Engine {
    /// `None` when the code is right, else what to tell.
    pub(crate) async fn second_factor(
        &self,
        account: &Account,
        code: Option<&OneTimeCode>,
    ) -> Result<Option<Refusal>, Fault> {
        // A device comes before a mailed code, and the client can't choose (rocketchat.md 2.1).
        let method = if account.totp { FactorMethod::Totp } else { FactorMethod::Email };
        let Some(code) = code else {
            return Ok(Some(Refusal::SecondFactorRequired(self.challenge(account, method).await?)));
        };
        let user = account.user.id;
        let now = self.now();
        let wrong = Challenge { method, available: methods(account), mailed: None };
        if !self.limits.reserve_second_factor(user, now) {
            return Ok(Some(Refusal::SecondFactorInvalid(wrong)));
        }
        let verdict = match method {
            FactorMethod::Totp if code.expose().len() == BACKUP_CODE_LENGTH => {
                self.use_backup_code(user, code).await?
            }
            FactorMethod::Totp => self.use_totp(user, code, now).await?,
            _ => self.use_mailed_code(user, code, now).await?,
        };
        Ok(match verdict {
            CodeVerdict::Right => {
                self.limits.second_factor_passed(user, now);
                None
            }
            CodeVerdict::Wrong => Some(Refusal::SecondFactorInvalid(wrong)),
            CodeVerdict::Exhausted => Some(Refusal::SecondFactorExhausted(wrong)),
        })
    }

    /// What a client must know to ask its user; writes a mail where a code must be sent.
    async fn challenge(&self, account: &Account, method: FactorMethod) -> Result<Challenge, Fault> {
        let mailed =
            if method == FactorMethod::Email { Some(self.mailed_code(account).await?) } else { None };
        Ok(Challenge { method, available: methods(account), mailed })
    }

    /// A step is used once, also by two requests at a time.
    async fn use_totp(&self, user: UserId, code: &OneTimeCode, now: Timestamp) -> Result<CodeVerdict, Fault> {
        let Some(device) = self.store.of_user(user, CredentialKind::Totp).await?.pop() else {
            return Err(broken("an account's second factor"));
        };
        let secret = self.totp_secret(&device)?;
        let rules = &self.config.rocketchat;
        let Some(step) = totp::verify(&secret, code, now, rules.totp_delta) else {
            return Ok(CodeVerdict::Wrong);
        };
        let fresh = self.store.raise_counter(device.id, step).await?;
        let accepted = fresh || rules.exact.has(ExactPoint::CodeReplay);
        Ok(if accepted { CodeVerdict::Right } else { CodeVerdict::Wrong })
    }

    pub(crate) fn totp_secret(&self, device: &Credential) -> Result<TotpSecret, Fault> {
        let sealed = device.sealed.as_deref().ok_or_else(|| broken("a device without its secret"))?;
        let opened = self
            .ring
            .open(Purpose::Totp, device.user.as_bytes(), sealed)
            .map_err(|_| broken("a sealed second factor"))?;
        Ok(TotpSecret::new(opened.to_vec()))
    }

    async fn use_backup_code(&self, user: UserId, code: &OneTimeCode) -> Result<CodeVerdict, Fault> {
        let digest = self.code_digest(user, code.expose());
        let found = self.store.by_digest(CredentialKind::BackupCode, &digest).await?;
        let used = match found {
            Some((credential, _)) if credential.user == user => self.store.remove(credential.id).await?,
            _ => false,
        };
        Ok(if used { CodeVerdict::Right } else { CodeVerdict::Wrong })
    }

    async fn use_mailed_code(
        &self,
        user: UserId,
        code: &OneTimeCode,
        now: Timestamp,
    ) -> Result<CodeVerdict, Fault> {
        let outstanding = self.store.of_user(user, CredentialKind::MailedCode).await?.pop();
        let Some(outstanding) = outstanding.filter(|code| code.expires.is_some_and(|end| end > now)) else {
            return Ok(CodeVerdict::Wrong);
        };
        if outstanding.counter >= i64::from(self.config.rocketchat.mailed_code_tries) {
            return Ok(CodeVerdict::Exhausted);
        }
        let digits: String = code.expose().chars().filter(char::is_ascii_digit).collect();
        if outstanding.digest == Some(self.code_digest(user, &digits)) {
            let used = self.store.remove(outstanding.id).await?;
            return Ok(if used { CodeVerdict::Right } else { CodeVerdict::Wrong });
        }
        // Of parallel wrong tries one may go uncounted here; the limit per account counts each.
        self.store.raise_counter(outstanding.id, outstanding.counter + 1).await?;
        Ok(CodeVerdict::Wrong)
    }

    /// The outstanding code while it is good, else a new one with the mail that carries it.
    async fn mailed_code(&self, account: &Account) -> Result<MailedChallenge, Fault> {
        let user = &account.user;
        let now = self.now();
        let rules = &self.config.rocketchat;
        let address = user.email().map(|email| email.address.to_owned()).unwrap_or_default();
        let recipient = user.user_name().map_or_else(|| address.clone(), str::to_owned);
        let outstanding = self.store.of_user(user.id, CredentialKind::MailedCode).await?.pop();
        if let Some(Credential { expires: Some(expires), counter, .. }) = outstanding
            && expires > now
            && counter < i64::from(rules.mailed_code_tries)
        {
            return Ok(MailedChallenge { generated: false, expires, recipient });
        }
        let code = opaque::mail_code(&*self.rng);
        let expires = now + rules.mailed_code_lifetime;
        let digest = self.code_digest(user.id, code.expose());
        let credential = Credential {
            expires: Some(expires),
            ..self.new_credential(user.id, CredentialKind::MailedCode, Some(digest))
        };
        self.store.add(&credential, 1).await?;
        let (first, last) = code.expose().split_at_checked(3).unwrap_or((code.expose(), ""));
        let text = format!("Your authentication code is {first}-{last}.\n\nIt is good for one log-in.\n");
        let id = MailId::random(&*self.rng);
        let mail = OutgoingMail {
            id,
            to: address,
            subject: "Authentication code".to_owned(),
            body: self.ring.seal(Purpose::Mail, id.as_bytes(), text.as_bytes(), &*self.rng),
            due: now,
            failures: 0,
        };
        self.store.post(&mail).await?;
        Ok(MailedChallenge { generated: true, expires, recipient })
    }

    /// Short codes are stored under a keyed MAC bound to their user, never a bare digest.
    pub(crate) fn code_digest(&self, user: UserId, code: &str) -> Digest {
        self.ring.mac(Purpose::ShortCode, user.as_bytes(), code.as_bytes())
    }
}

enum CodeVerdict {
    Right,
    Wrong,
    Exhausted,
}

fn methods(account: &Account) -> Vec<FactorMethod> {
    let totp = account.totp.then_some(FactorMethod::Totp);
    let email = account.mails_codes().then_some(FactorMethod::Email);
    totp.into_iter().chain(email).collect()
}

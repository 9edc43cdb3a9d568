//! Outgoing mail: what whoever sends it is handed, and what becomes of it afterwards.

use std::fmt;
use std::time::Duration;

use auth_core::{InternalError, MailId, OutgoingMail, Timestamp, User};
use auth_crypto::keyring::Purpose;
use zeroize::Zeroizing;

use crate::Engine;
use crate::accounts::PAGE;

/// The pauses after each try that failed, counted in the first. With a first pause of a minute a mail is given
/// up after 24 hours.
const PAUSES: [u32; 8] = [1, 5, 30, 60, 120, 240, 480, 504];

/// A mail that is due.
#[expect(clippy::exhaustive_structs, reason = "whoever sends it takes it apart")]
pub struct Mail {
    /// Its identifier.
    pub id: MailId,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text; `None` when it can't be read.
    pub text: Option<Zeroizing<String>>,
    /// How many tries have failed.
    pub failures: u32,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).field("failures", &self.failures).finish_non_exhaustive()
    }
}

impl Engine {
    /// Up to `limit` mails that are due, oldest first. Each is to be followed by [`Engine::mail_sent`],
    /// [`Engine::mail_failed`] or [`Engine::give_mail_up`].
    ///
    /// # Errors
    /// A [`InternalError`] when the store can't be read.
    pub async fn due_mail(&self, limit: u32) -> Result<Vec<Mail>, InternalError> {
        let due = self.store.due(self.now(), limit).await?;
        Ok(due.into_iter().map(|mail| self.opened(mail)).collect())
    }

    /// A mail to a user, its text sealed.
    pub(crate) fn mail_to(&self, user: &User, subject: &str, text: &str) -> OutgoingMail {
        let id = MailId::random(&*self.rng);
        OutgoingMail {
            id,
            to: user.email().map(|email| email.address).unwrap_or_default().to_owned(),
            subject: subject.to_owned(),
            body: self.ring().seal(Purpose::Mail, id.as_bytes(), text.as_bytes(), &*self.rng),
            due: self.now(),
            failures: 0,
        }
    }

    /// Puts a mail into the outbox.
    pub(crate) async fn post(&self, mail: &OutgoingMail) -> Result<(), InternalError> {
        Ok(self.store.post(mail).await?)
    }

    fn opened(&self, mail: OutgoingMail) -> Mail {
        let OutgoingMail { id, to, subject, body, failures, .. } = mail;
        let text = self.ring().open(Purpose::Mail, id.as_bytes(), &body).ok();
        let text = text.and_then(|text| std::str::from_utf8(&text).map(str::to_owned).ok());
        Mail { id, to, subject, text: text.map(Zeroizing::new), failures }
    }

    /// A mail was handed over: it is forgotten.
    ///
    /// # Errors
    /// A [`InternalError`] when that is not known to be stored; the mail may then be handed over twice.
    pub async fn mail_sent(&self, mail: &Mail) -> Result<(), InternalError> {
        self.store.settle(mail.id).await?;
        tracing::info!(target: "auth::mail", mail = %mail.id, failures = mail.failures, "mail sent");
        Ok(())
    }

    /// A try has failed: the mail is put off, longer each time, and after the last given up. Gives the moment of
    /// the next try.
    ///
    /// # Errors
    /// A [`InternalError`] when that is not known to be stored.
    pub async fn mail_failed(
        &self,
        mail: &Mail,
        first_pause: Duration,
        why: &str,
    ) -> Result<Option<Timestamp>, InternalError> {
        let pause = usize::try_from(mail.failures).ok().and_then(|failures| PAUSES.get(failures));
        let Some(pause) = pause else {
            self.give_mail_up(mail, why).await?;
            return Ok(None);
        };
        let until = self.now() + first_pause.saturating_mul(*pause);
        self.store.put_off(mail.id, until).await?;
        let failures = mail.failures + 1;
        tracing::warn!(target: "auth::mail", mail = %mail.id, failures, why, "a mail was not sent, and is put off");
        Ok(Some(until))
    }

    /// A mail can never be sent: it is forgotten.
    ///
    /// # Errors
    /// A [`InternalError`] when that is not known to be stored.
    pub async fn give_mail_up(&self, mail: &Mail, why: &str) -> Result<(), InternalError> {
        self.store.settle(mail.id).await?;
        tracing::error!(target: "auth::mail", mail = %mail.id, failures = mail.failures, why, "a mail is given up");
        Ok(())
    }

    /// Whether a mail waits to be sent.
    ///
    /// # Errors
    /// A [`InternalError`] when the store can't be read.
    pub async fn mail_waits(&self) -> Result<bool, InternalError> {
        Ok(!self.store.due(self.now(), 1).await?.is_empty())
    }

    /// Whether anybody is asked for mailed codes: reads users until it finds one.
    ///
    /// # Errors
    /// A [`InternalError`] when the store can't be read.
    pub async fn asks_for_mailed_codes(&self) -> Result<bool, InternalError> {
        for realm in self.all_realms().await?.iter() {
            let mut after = None;
            loop {
                let page = self.store.users(realm.id, after, PAGE).await?;
                if page.iter().any(|account| account.user.active && account.mails_codes()) {
                    return Ok(true);
                }
                let Some(last) = page.last() else { break };
                after = Some(last.user.id);
            }
        }
        Ok(false)
    }
}

//! Outgoing mail: written with its text sealed, and handed to the server, which sends it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_core::{
    Clock, Credential, InternalError, Language, MailId, OutgoingMail, Rng, Store, Timestamp, User,
};
use auth_crypto::keyring::Purpose;
use zeroize::Zeroizing;

use crate::keys::Keys;
use crate::mail_text::{Letter, Message, Site, letter};

/// The pauses after each failed attempt to send, counted in the first. With a first pause of a minute a mail is given up
/// after 24 hours.
const PAUSES: [u32; 8] = [1, 5, 30, 60, 120, 240, 480, 504];

/// A mail that is due.
#[expect(clippy::exhaustive_structs, reason = "the server takes it apart")]
pub struct Mail {
    /// The mail's identifier.
    pub id: MailId,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The language of subject and text.
    pub language: Language,
    /// The text; `None` when it can't be read.
    pub text: Option<Zeroizing<String>>,
    /// What else its head names, where it names more.
    pub letterhead: Option<Letterhead>,
    /// The number of failed attempts to send it.
    pub failures: u32,
}

/// What the head of a mail names beside addresses, as real systems write their mails. Each is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the server takes it apart")]
pub struct Letterhead {
    /// The name of the sender.
    pub sender: String,
    /// The name of the recipient; empty for none.
    pub recipient: String,
    /// The value of `List-Id`.
    pub list: String,
}

impl Letterhead {
    /// Stands before a letterhead in a mail's body. No text begins with it.
    const MARK: char = '\u{1}';

    /// A body of the letterhead and a text.
    fn before(&self, text: &str) -> String {
        let line = |text: &str| text.replace(char::is_control, " ");
        let [sender, recipient, list] = [&self.sender, &self.recipient, &self.list].map(|text| line(text));
        format!("{}{sender}\n{recipient}\n{list}\n{text}", Self::MARK)
    }

    /// The letterhead of a body, if it has one, and its text.
    fn split(body: &str) -> (Option<Self>, &str) {
        let Some(rest) = body.strip_prefix(Self::MARK) else { return (None, body) };
        let mut lines = rest.splitn(4, '\n').map(str::to_owned);
        let mut line = || lines.next().unwrap_or_default();
        let letterhead = Self { sender: line(), recipient: line(), list: line() };
        (Some(letterhead), rest.splitn(4, '\n').nth(3).unwrap_or_default())
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).field("failures", &self.failures).finish_non_exhaustive()
    }
}

/// What became of mails since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain counts")]
pub struct MailCounts {
    /// Mails that were sent.
    pub sent: u64,
    /// Attempts to send that failed, and are made again.
    pub put_off: u64,
    /// Mails that were given up.
    pub given_up: u64,
}

/// The queue of outgoing mail.
pub struct MailQueue {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) site: Site,
    /// The language of a mail where neither the account nor the request has one.
    pub(crate) language: Language,
    pub(crate) counts: Mutex<MailCounts>,
}

impl MailQueue {
    /// What became of mails since the start.
    #[must_use]
    pub fn counts(&self) -> MailCounts {
        *self.lock_counts()
    }

    fn lock_counts(&self) -> MutexGuard<'_, MailCounts> {
        // A count is sound after a panic.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a mail to a user. `asked` is the language of the request that causes it.
    pub(crate) async fn post(
        &self,
        user: &User,
        message: &Message<'_>,
        asked: Option<Language>,
    ) -> Result<(), InternalError> {
        Ok(self.store.post(&self.mail(to_own(user), message, asked)).await?)
    }

    /// Queues a mail with a letterhead to an address that may be nobody's, in one of these languages: the first that there is.
    pub(crate) async fn post_letter(
        &self,
        address: &str,
        letterhead: &Letterhead,
        message: &Message<'_>,
        languages: [Option<Language>; 2],
    ) -> Result<(), InternalError> {
        let language = languages.into_iter().flatten().next().unwrap_or(self.language);
        Ok(self.store.post(&self.mail_to(address, message, language, Some(letterhead))).await?)
    }

    /// Queues a mail to a user together with the credential that it tells of, in one step.
    pub(crate) async fn post_with(
        &self,
        credential: &Credential,
        user: &User,
        message: &Message<'_>,
        asked: Option<Language>,
    ) -> Result<(), InternalError> {
        self.post_to(credential, to_own(user), message, asked).await
    }

    /// Queues a mail to a user at an address that is not the user's, together with the credential that it tells of.
    pub(crate) async fn post_to(
        &self,
        credential: &Credential,
        to: (&User, &str),
        message: &Message<'_>,
        asked: Option<Language>,
    ) -> Result<(), InternalError> {
        self.store.post_with(credential, &self.mail(to, message, asked)).await?;
        Ok(())
    }

    /// A mail in the language of the user, else in that of the request, else in the server's.
    fn mail(
        &self,
        (user, address): (&User, &str),
        message: &Message<'_>,
        asked: Option<Language>,
    ) -> OutgoingMail {
        let language = user.language.or(asked).unwrap_or(self.language);
        self.mail_to(address, message, language, None)
    }

    /// A mail in a language. The sealed text begins with a line that names the language; then comes the letterhead, if there is
    /// one.
    fn mail_to(
        &self,
        address: &str,
        message: &Message<'_>,
        language: Language,
        letterhead: Option<&Letterhead>,
    ) -> OutgoingMail {
        let Letter { subject, text } = letter(message, language, &self.site);
        let text = Zeroizing::new(text);
        let head = letterhead.map(|letterhead| letterhead.before("")).unwrap_or_default();
        let body = Zeroizing::new(format!("{}\n{head}{}", language.tag(), *text));
        let id = MailId::random(&*self.rng);
        OutgoingMail {
            id,
            to: address.to_owned(),
            subject,
            body: self.keys.ring().seal(Purpose::Mail, id.as_bytes(), body.as_bytes(), &*self.rng),
            due: self.clock.now(),
            failures: 0,
        }
    }

    /// Up to `limit` mails that are due, oldest first. Each is to be followed by [`MailQueue::sent`],
    /// [`MailQueue::failed`] or [`MailQueue::give_up`].
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn due(&self, limit: u32) -> Result<Vec<Mail>, InternalError> {
        let due = self.store.due(self.clock.now(), limit).await?;
        Ok(due.into_iter().map(|mail| self.open(mail)).collect())
    }

    fn open(&self, mail: OutgoingMail) -> Mail {
        let OutgoingMail { id, to, subject, body, failures, .. } = mail;
        let text = self.keys.ring().open(Purpose::Mail, id.as_bytes(), &body).ok();
        let body = text.as_deref().and_then(|text| std::str::from_utf8(text).ok());
        let (language, body) = body.map(split_language).unzip();
        let (letterhead, text) = body.map(Letterhead::split).unzip();
        let (language, letterhead) = (language.unwrap_or_default(), letterhead.flatten());
        let text = text.map(|text| Zeroizing::new(text.to_owned()));
        Mail { id, to, subject, language, text, letterhead, failures }
    }

    /// Forgets a mail that was sent.
    ///
    /// # Errors
    /// An [`InternalError`] when that may not have been stored; the mail may then be sent twice.
    pub async fn sent(&self, mail: &Mail) -> Result<(), InternalError> {
        self.store.settle(mail.id).await?;
        self.lock_counts().sent += 1;
        tracing::info!(target: "auth::mail", mail = %mail.id, failures = mail.failures, "mail sent");
        Ok(())
    }

    /// Puts a mail off that could not be sent, longer each time, and gives it up after the last attempt. Gives the moment
    /// of the next attempt.
    ///
    /// # Errors
    /// An [`InternalError`] when that may not have been stored.
    pub async fn failed(
        &self,
        mail: &Mail,
        first_pause: Duration,
        why: &str,
    ) -> Result<Option<Timestamp>, InternalError> {
        let pause = usize::try_from(mail.failures).ok().and_then(|failures| PAUSES.get(failures));
        let Some(pause) = pause else {
            self.give_up(mail, why).await?;
            return Ok(None);
        };
        let until = self.clock.now() + first_pause.saturating_mul(*pause);
        self.store.put_off(mail.id, until).await?;
        self.lock_counts().put_off += 1;
        let failures = mail.failures + 1;
        tracing::warn!(target: "auth::mail", mail = %mail.id, failures, why, "mail not sent: put off");
        Ok(Some(until))
    }

    /// Forgets a mail that can never be sent.
    ///
    /// # Errors
    /// An [`InternalError`] when that may not have been stored.
    pub async fn give_up(&self, mail: &Mail, why: &str) -> Result<(), InternalError> {
        self.store.settle(mail.id).await?;
        self.lock_counts().given_up += 1;
        tracing::error!(target: "auth::mail", mail = %mail.id, failures = mail.failures, why, "mail given up");
        Ok(())
    }

    /// How long the oldest mail that is due has waited since it was to be sent; zero when none is due.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn oldest_wait(&self) -> Result<Duration, InternalError> {
        let now = self.clock.now();
        Ok(self.store.due(now, 1).await?.first().map_or(Duration::ZERO, |mail| now.since(mail.due)))
    }

    /// Whether a mail is due.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn has_due(&self) -> Result<bool, InternalError> {
        Ok(!self.store.due(self.clock.now(), 1).await?.is_empty())
    }

    /// Whether an account is asked for mailed codes: reads users until it finds one.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn is_needed(&self) -> Result<bool, InternalError> {
        for realm in self.store.realms().await? {
            let mut after = None;
            loop {
                let page = self.store.users(realm.id, after, crate::USERS_PER_PAGE).await?;
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

/// A user with the user's own address.
fn to_own(user: &User) -> (&User, &str) {
    (user, user.email().map(|email| email.address).unwrap_or_default())
}

/// Takes the line that names the language from a text. Mails that a server of an earlier version queued have none, and are
/// in English.
fn split_language(text: &str) -> (Language, &str) {
    let named = text.split_once('\n').and_then(|(tag, rest)| {
        let language = Language::ALL.into_iter().find(|language| language.tag() == tag)?;
        Some((language, rest))
    });
    named.unwrap_or((Language::English, text))
}

impl fmt::Debug for MailQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailQueue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn letterheads_and_texts_are_read_as_they_were_written(
            names in any::<[String; 3]>(),
            text in "[^\u{1}](?s:.{0,40})",
        ) {
            let [sender, recipient, list] = names;
            let letterhead = Letterhead { sender, recipient, list };
            let body = letterhead.before(&text);
            let (read, rest) = Letterhead::split(&body);
            let line = |text: &str| text.replace(char::is_control, " ");
            let read = read.unwrap();
            prop_assert_eq!(read.sender, line(&letterhead.sender));
            prop_assert_eq!(read.recipient, line(&letterhead.recipient));
            prop_assert_eq!(read.list, line(&letterhead.list));
            prop_assert_eq!(rest, &text);
            prop_assert_eq!(Letterhead::split(&text), (None, text.as_str()));
        }
    }
}

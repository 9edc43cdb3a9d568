//! The mail worker: sends the mails that are due through an SMTP server, one after the other. A demonstration keeps them.

mod html;
mod kept;
mod smtp;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::bail;
use async_trait::async_trait;
use auth_engine::{Letterhead, Mail, MailCarrier, MailQueue, SendError};
use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use metrics::Gauge;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::config::Relay;
use crate::system::monotonic;
use crate::traces::Traces;

pub use self::kept::KeptMails;
pub(crate) use self::kept::{KeptMail, MailPage, PATH as PAGE_PATH};

/// How long new mail waits at most when nothing else is due.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The same where nothing is sent: tests wait for mails.
const KEPT_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long a mail would wait that nothing sends.
const KEPT_PAUSE: Duration = Duration::from_secs(5);

/// Where mails go.
pub(crate) enum Carrier {
    /// An SMTP server.
    Smtp(Relay),
    /// The memory of a demonstration.
    Kept(Arc<KeptMails>),
}

#[async_trait]
impl MailCarrier for Carrier {
    async fn send(&self, mail: &Mail, text: &str) -> Result<(), SendError> {
        match self {
            Self::Smtp(relay) => smtp::send(relay, &message(relay, mail, text)?).await,
            Self::Kept(kept) => {
                let Mail { to, subject, language, .. } = mail;
                let (to, subject, text) = (to.clone(), subject.clone(), Zeroizing::new(text.to_owned()));
                kept.keep(KeptMail { number: 0, to, subject, language: *language, text });
                Ok(())
            }
        }
    }

    fn poll_interval(&self) -> Duration {
        match self {
            Self::Smtp(_) => POLL_INTERVAL,
            Self::Kept(_) => KEPT_POLL_INTERVAL,
        }
    }

    fn first_pause(&self) -> Duration {
        match self {
            Self::Smtp(relay) => relay.retry,
            Self::Kept(_) => KEPT_PAUSE,
        }
    }
}

/// The length of the token in a sender's address.
const TOKEN_LENGTH: usize = 24;

/// Sends mail.
pub(crate) struct Mailer {
    queue: Arc<MailQueue>,
    carrier: Carrier,
    traces: Traces,
    pulse: Arc<Pulse>,
    /// How long the oldest mail that is due has waited, in seconds.
    oldest_due: Gauge,
}

/// When the worker last began a round.
#[derive(Debug)]
pub(crate) struct Pulse(Mutex<Instant>);

impl Pulse {
    fn now() -> Self {
        Self(Mutex::new(monotonic()))
    }

    fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = monotonic();
    }

    /// How long ago that was.
    pub(crate) fn age(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

#[async_trait]
impl MailCarrier for Mailer {
    async fn send(&self, mail: &Mail, text: &str) -> Result<(), SendError> {
        self.traces.alone("mail", self.carrier.send(mail, text)).await
    }

    fn poll_interval(&self) -> Duration {
        self.carrier.poll_interval()
    }

    fn first_pause(&self) -> Duration {
        self.carrier.first_pause()
    }
}

impl Mailer {
    /// A worker that hands mails to a carrier, and tells how long the oldest has waited.
    pub(crate) fn new(queue: Arc<MailQueue>, carrier: Carrier, traces: Traces, oldest_due: Gauge) -> Self {
        Self { queue, carrier, traces, pulse: Arc::new(Pulse::now()), oldest_due }
    }

    /// Tells when the worker last began a round.
    pub(crate) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// Works until told to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            self.pulse.beat();
            // Where the store can't be read, the round says so.
            if let Ok(waits) = self.queue.oldest_wait().await {
                self.oldest_due.set(waits.as_secs_f64());
            }
            let pause = self.queue.send_due(&*self, || stop.is_cancelled()).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

fn message(relay: &Relay, mail: &Mail, text: &str) -> Result<Message, SendError> {
    let html = html::html(&mail.subject, mail.language, text)
        .map_err(|_| SendError::Unsendable("it makes no HTML"))?;
    let to = mail.to.parse().map_err(|_| SendError::Unsendable("its recipient is no address"))?;
    let (mut from, mut to) = (sender(&relay.from, mail)?, Mailbox::new(None, to));
    let header = |name, value| HeaderValue::new(HeaderName::new_from_ascii_str(name), value);
    let mut list = None;
    if let Some(Letterhead { sender, recipient, list: id }) = &mail.letterhead {
        from.name = Some(sender.clone());
        to.name = Some(recipient.clone()).filter(|name| !name.is_empty());
        list = Some(header("List-Id", id.clone()));
    }
    let mut message = Message::builder().from(from);
    message = match plain(&to) {
        Some(plain) => message.raw_header(header("To", plain)),
        None => message.to(to),
    };
    if let Some(list) = list {
        message = message.raw_header(list);
    }
    message
        .subject(mail.subject.as_str())
        .message_id(Some(format!("<{}@{}>", mail.id, relay.from.email.domain())))
        .raw_header(header("Auto-Submitted", "auto-generated".to_owned()))
        // Exchange heeds this one, and answers no mail that carries it.
        .raw_header(header("X-Auto-Response-Suppress", "All".to_owned()))
        .raw_header(header("Content-Language", mail.language.tag().to_owned()))
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), html))
        .map_err(|_| SendError::Unsendable("it makes no message"))
}

/// The sender of a mail: in place of `{token}` in the address stand letters and digits of its own.
fn sender(from: &Mailbox, mail: &Mail) -> Result<Mailbox, SendError> {
    const PLACE: &str = "{token}";
    let user = from.email.user();
    if !user.contains(PLACE) {
        return Ok(from.clone());
    }
    let id = mail.id.to_string();
    let user = user.replace(PLACE, id.get(..TOKEN_LENGTH).unwrap_or(&id));
    let email = Address::new(user, from.email.domain());
    let email = email.map_err(|_| SendError::Unsendable("its sender is no address"))?;
    Ok(Mailbox::new(from.name.clone(), email))
}

/// A recipient whose name is words that need no quotes (RFC 5322, 3.2.3), as real systems write it: lettre puts quotes around
/// every name of several words.
fn plain(to: &Mailbox) -> Option<String> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let name = to.name.as_deref().filter(|name| name.len() <= 60 && name.split(' ').all(is_word))?;
    let email = to.email.to_string();
    email.is_ascii().then(|| format!("{name} <{email}>"))
}

/// Connects to a relay, greets it and logs in, as before mail is sent, and sends none.
///
/// # Errors
/// What the SMTP server or the way to it refuses.
pub(crate) async fn check(relay: &Relay) -> anyhow::Result<()> {
    match smtp::check(relay).await {
        Ok(()) => Ok(()),
        Err(SendError::Refused(why) | SendError::Unreachable(why)) => bail!(why),
        Err(SendError::Unsendable(why)) => bail!(why),
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{Language, MailId, SeededRng};

    use super::*;

    fn mail(recipient: &str) -> Mail {
        let letterhead = Letterhead {
            sender: "zulip.example.org account security".into(),
            recipient: recipient.into(),
            list: "Zulip Dev <zulip.example.org>".into(),
        };
        Mail {
            id: MailId::random(&SeededRng::new(1)),
            to: "hamlet@zulip.com".into(),
            subject: "Password reset".into(),
            text: None,
            language: Language::English,
            letterhead: Some(letterhead),
            failures: 0,
        }
    }

    #[test]
    fn recipients_of_plain_words_have_no_quotes_and_others_are_left_to_the_library() {
        for (name, expected) in [
            ("King Hamlet", Some("King Hamlet <hamlet@zulip.com>")),
            ("Hamlet, King", None),
            ("King \"Hamlet\"", None),
            ("K\u{f6}nig Hamlet", None),
            ("King  Hamlet", None),
            ("x> <evil@example.com", None),
        ] {
            let to = Mailbox::new(Some(name.to_owned()), "hamlet@zulip.com".parse().unwrap());
            assert_eq!(plain(&to).as_deref(), expected, "{name}");
        }
        assert_eq!(plain(&"hamlet@zulip.com".parse().unwrap()), None);
    }

    #[test]
    fn a_token_in_the_senders_address_is_the_mails_own() {
        let from: Mailbox = "noreply-{token}@zulip.example.org".parse().unwrap();
        let sent = sender(&from, &mail("King Hamlet")).ok().unwrap().email.to_string();
        let token = sent.strip_prefix("noreply-").and_then(|rest| rest.strip_suffix("@zulip.example.org"));
        let is_token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        assert!(token.is_some_and(|token| token.len() == 24 && token.bytes().all(is_token)), "{sent}");
        let plain: Mailbox = "auth@example.org".parse().unwrap();
        assert_eq!(sender(&plain, &mail("")).ok().unwrap(), plain);
    }
}

//! The mail worker: sends the mails that are due through an SMTP server, one after the other.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use auth_engine::{Mail, MailQueue};
use lettre::message::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio_util::sync::CancellationToken;

use crate::config::{Relay, Security};

/// Mails taken from the outbox at a time.
const BATCH: u32 = 20;

/// How long new mail waits at most when nothing else is due.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The pause when the store or the SMTP server can't be reached.
const OUTAGE_PAUSE: Duration = Duration::from_secs(5);

/// How long the SMTP server may take for each of its answers.
const SMTP_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends mail.
pub(crate) struct Mailer {
    queue: Arc<MailQueue>,
    relay: Relay,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// Why a mail was not sent.
enum SendError {
    /// The mail can't be made a message.
    Unsendable(&'static str),
    /// The SMTP server refuses this mail now.
    Refused(String),
    /// The SMTP server can't be reached, or refuses the login.
    Unreachable(String),
}

impl Mailer {
    /// A worker for a relay.
    ///
    /// # Errors
    /// When the relay's name is none that a certificate could bear.
    pub(crate) fn new(queue: Arc<MailQueue>, relay: Relay) -> anyhow::Result<Self> {
        let transport = transport(&relay)?;
        Ok(Self { queue, relay, transport })
    }

    /// Works until told to stop.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let pause = self.round(&stop).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Sends the mails that are due; gives the pause until the next round.
    async fn round(&self, stop: &CancellationToken) -> Duration {
        let due = match self.queue.due(BATCH).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(cause = error.source(), "the outbox can't be read");
                return OUTAGE_PAUSE;
            }
        };
        let more = due.len() == BATCH as usize;
        for mail in due {
            if stop.is_cancelled() {
                break;
            }
            let (settled, pause) = match self.send(&mail).await {
                Ok(()) => (self.queue.sent(&mail).await, None),
                Err(SendError::Unsendable(why)) => (self.queue.give_up(&mail, why).await, None),
                Err(SendError::Refused(why)) => (self.put_off(&mail, &why).await, None),
                Err(SendError::Unreachable(why)) => (self.put_off(&mail, &why).await, Some(OUTAGE_PAUSE)),
            };
            if let Err(error) = settled {
                let cause = error.source();
                tracing::error!(cause, mail = %mail.id, "the result of sending a mail can't be stored");
                return OUTAGE_PAUSE;
            }
            // The others wait for a server that can be reached, without a failure of their own.
            if let Some(pause) = pause {
                return pause;
            }
        }
        if more { Duration::ZERO } else { POLL_INTERVAL }
    }

    async fn put_off(&self, mail: &Mail, why: &str) -> Result<(), auth_core::InternalError> {
        self.queue.failed(mail, self.relay.retry, why).await.map(drop)
    }

    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let message = self.message(mail)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => Err(send_error(&error)),
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, SendError> {
        let text = mail.text.as_deref().ok_or(SendError::Unsendable("its text can't be read"))?;
        let to = mail.to.parse().map_err(|_| SendError::Unsendable("its recipient is no address"))?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.relay.from.clone())
            .to(to)
            .subject(mail.subject.as_str())
            .message_id(Some(format!("<{}@{}>", mail.id, self.relay.from.email.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN)
            .body(text.clone())
            .map_err(|_| SendError::Unsendable("it makes no message"))
    }
}

/// The connections to a relay.
fn transport(relay: &Relay) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let tls = match relay.security {
        Security::None => Tls::None,
        Security::StartTls => Tls::Required(TlsParameters::new(relay.host.clone())?),
        Security::Tls => Tls::Wrapper(TlsParameters::new(relay.host.clone())?),
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(relay.host.as_str())
        .port(relay.port)
        .tls(tls)
        .hello_name(ClientId::Domain(relay.ehlo.clone()))
        .timeout(Some(SMTP_TIMEOUT));
    if let Some((user, password)) = &relay.login {
        transport = transport.credentials(Credentials::new(user.clone(), password.to_string()));
    }
    Ok(transport.build())
}

/// Connects to a relay, greets it and logs in, as before mail is sent, and sends none.
///
/// # Errors
/// What the SMTP server or the way to it refuses.
pub(crate) async fn check(relay: &Relay) -> anyhow::Result<()> {
    match transport(relay)?.test_connection().await {
        Ok(true) => Ok(()),
        Ok(false) => bail!("the SMTP server ends the connection"),
        Err(error) => match send_error(&error) {
            SendError::Refused(why) | SendError::Unreachable(why) => bail!(why),
            SendError::Unsendable(why) => bail!(why),
        },
    }
}

/// The error for the log: the server's code, but not its words, which may name the recipient.
fn send_error(error: &smtp::Error) -> SendError {
    match error.status() {
        // These are about us, not about the mail.
        Some(code) if matches!(code.to_string().as_str(), "421" | "454" | "530" | "534" | "535" | "538") => {
            SendError::Unreachable(format!("the SMTP server says {code}"))
        }
        Some(code) => SendError::Refused(format!("the SMTP server says {code}")),
        None => {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            SendError::Unreachable(cause)
        }
    }
}

//! Who carries mails away, and how a round through the queue goes.

use std::error::Error as _;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::InternalError;

use super::outbox::{Mail, MailQueue};

/// The mails that are taken from the queue at a time.
const BATCH: u32 = 20;

/// The pause after the store or the mail carrier was out of reach.
const OUTAGE_PAUSE: Duration = Duration::from_secs(5);

/// Carries mails to their recipients: by SMTP, or by the interface of a mail service.
#[async_trait]
pub trait MailCarrier: Send + Sync {
    /// Carries a mail away. Its text is there.
    ///
    /// # Errors
    /// [`SendError`], which says whether to try again.
    async fn send(&self, mail: &Mail, text: &str) -> Result<(), SendError>;

    /// How long new mail waits at most when nothing else is due.
    fn poll_interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// How long a mail waits that was refused for the first time.
    fn first_pause(&self) -> Duration {
        Duration::from_secs(60)
    }
}

/// Why a mail was not carried away. The text goes into the log.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "carriers choose one, the queue does what each asks for")]
pub enum SendError {
    /// The mail can never be sent: it is given up.
    Unsendable(&'static str),
    /// The mail was refused: it is tried again later.
    Refused(String),
    /// Nothing can be sent now: all mails wait.
    Unreachable(String),
}

impl MailQueue {
    /// Hands the mails that are due to a carrier, until `is_stopping` says so; gives the pause until the next round. What goes
    /// wrong is in the log.
    pub async fn send_due(
        &self,
        carrier: &dyn MailCarrier,
        is_stopping: impl Fn() -> bool + Send,
    ) -> Duration {
        let due = match self.due(BATCH).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(cause = error.source(), "the outbox can't be read");
                return OUTAGE_PAUSE;
            }
        };
        let more = due.len() == BATCH as usize;
        for mail in due {
            if is_stopping() {
                break;
            }
            let sent = match &mail.text {
                Some(text) => carrier.send(&mail, text).await,
                None => Err(SendError::Unsendable("its text can't be read")),
            };
            let (settled, pause) = match sent {
                Ok(()) => (self.sent(&mail).await, None),
                Err(SendError::Unsendable(why)) => (self.give_up(&mail, why).await, None),
                Err(SendError::Refused(why)) => (self.put_off(&mail, carrier, &why).await, None),
                Err(SendError::Unreachable(why)) => {
                    (self.put_off(&mail, carrier, &why).await, Some(OUTAGE_PAUSE))
                }
            };
            if let Err(error) = settled {
                let cause = error.source();
                tracing::error!(cause, mail = %mail.id, "the result of sending a mail can't be stored");
                return OUTAGE_PAUSE;
            }
            // The others wait for a carrier that can be reached, without a failure of their own.
            if let Some(pause) = pause {
                return pause;
            }
        }
        if more { Duration::ZERO } else { carrier.poll_interval() }
    }

    async fn put_off(&self, mail: &Mail, carrier: &dyn MailCarrier, why: &str) -> Result<(), InternalError> {
        self.failed(mail, carrier.first_pause(), why).await.map(drop)
    }
}

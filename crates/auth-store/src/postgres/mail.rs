//! Outgoing mail.

use async_trait::async_trait;
use auth_core::{Credential, MailId, Outbox, OutgoingMail, StoreError, Timestamp};

use super::Postgres;
use super::credentials::exchange;
use super::error::Result;
use super::row::{Columns, escaped};
use super::session::{read, transact, write_once};
use super::statement::{changed, execute, rows};

// A caller that repeats the command, because its outcome was unknown, finds its own row.
pub(super) const POST: &str = "INSERT INTO mail (id, recipient, subject, body, due, failures) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING";
pub(super) const DUE: &str = "SELECT id, recipient, subject, body, due, failures FROM mail \
    WHERE due <= $1 ORDER BY due, id LIMIT $2";
pub(super) const SETTLE: &str = "DELETE FROM mail WHERE id = $1";
pub(super) const PUT_OFF: &str = "UPDATE mail SET due = $2, failures = failures + 1 WHERE id = $1";

type StoreResult<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl Outbox for Postgres {
    async fn post(&self, mail: &OutgoingMail) -> StoreResult<()> {
        let (id, due, failures) = (&mail.id.as_bytes()[..], mail.due.as_millis(), i64::from(mail.failures));
        let (to, subject) = (escaped(&mail.to), escaped(&mail.subject));
        write_once!(self, |client| {
            execute(client, POST, &[&id, &&*to, &&*subject, &mail.body, &due, &failures]).await
        })?;
        Ok(())
    }

    async fn post_with(&self, credential: &Credential, mail: &OutgoingMail) -> StoreResult<bool> {
        let (user, new) = (credential.user, std::slice::from_ref(credential));
        let (id, due, failures) = (&mail.id.as_bytes()[..], mail.due.as_millis(), i64::from(mail.failures));
        let (to, subject) = (escaped(&mail.to), escaped(&mail.subject));
        let done = transact!(self, |transaction| {
            if !exchange(transaction, user, &[credential.kind], None, new).await? {
                return Ok(false);
            }
            execute(transaction, POST, &[&id, &&*to, &&*subject, &mail.body, &due, &failures]).await?;
            Ok(true)
        });
        self.notify(user, done)
    }

    async fn due(&self, now: Timestamp, limit: u32) -> StoreResult<Vec<OutgoingMail>> {
        let (now, limit) = (now.as_millis(), i64::from(limit));
        let found = read!(self, |client| rows(client, DUE, &[&now, &limit]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).mail()).collect::<Result<_>>()?)
    }

    async fn settle(&self, id: MailId) -> StoreResult<bool> {
        let id = &id.as_bytes()[..];
        Ok(write_once!(self, |client| changed(client, SETTLE, &[&id]).await)?)
    }

    async fn put_off(&self, id: MailId, until: Timestamp) -> StoreResult<bool> {
        let (id, until) = (&id.as_bytes()[..], until.as_millis());
        Ok(write_once!(self, |client| changed(client, PUT_OFF, &[&id, &until]).await)?)
    }
}

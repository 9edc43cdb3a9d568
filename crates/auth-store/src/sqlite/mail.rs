//! Outgoing mail.

use async_trait::async_trait;
use auth_core::{Credential, MailId, Outbox, OutgoingMail, StoreError, Timestamp};
use rusqlite::{Connection, params};

use super::credentials::exchange;
use super::row::Columns;
use super::statement::changed;
use super::{Sqlite, error};

// A caller that repeats the command, because its outcome was unknown, finds its own row.
pub(super) const POST: &str = "INSERT INTO mail (id, recipient, subject, body, due, failures) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO NOTHING";
pub(super) const DUE: &str = "SELECT id, recipient, subject, body, due, failures FROM mail \
    WHERE due <= ?1 ORDER BY due, rowid LIMIT ?2";
pub(super) const SETTLE: &str = "DELETE FROM mail WHERE id = ?1";
pub(super) const PUT_OFF: &str = "UPDATE mail SET due = ?2, failures = failures + 1 WHERE id = ?1";

#[async_trait]
impl Outbox for Sqlite {
    async fn post(&self, mail: &OutgoingMail) -> Result<(), StoreError> {
        let mail = mail.clone();
        self.write(move |connection| post(connection, &mail)).await
    }

    async fn post_with(&self, credential: &Credential, mail: &OutgoingMail) -> Result<bool, StoreError> {
        let (credential, mail) = (credential.clone(), mail.clone());
        let user = credential.user;
        self.change(user, move |connection| {
            let there =
                exchange(connection, user, &[credential.kind], None, std::slice::from_ref(&credential))?;
            if there {
                post(connection, &mail)?;
            }
            Ok(there)
        })
        .await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutgoingMail>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(DUE)?;
            let mails =
                statement.query_and_then(params![now.as_millis(), limit], |row| Columns::of(row).mail());
            mails?.collect()
        })
        .await
    }

    async fn settle(&self, id: MailId) -> Result<bool, StoreError> {
        self.write(move |connection| changed(connection, SETTLE, [id.as_bytes()])).await
    }

    async fn put_off(&self, id: MailId, until: Timestamp) -> Result<bool, StoreError> {
        self.write(move |connection| changed(connection, PUT_OFF, params![id.as_bytes(), until.as_millis()]))
            .await
    }
}

fn post(connection: &Connection, mail: &OutgoingMail) -> error::Result<()> {
    let due = mail.due.as_millis();
    let row = params![mail.id.as_bytes(), mail.to, mail.subject, mail.body, due, mail.failures];
    changed(connection, POST, row).map(drop)
}

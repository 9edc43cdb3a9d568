//! Records encrypted under the key ring.

use async_trait::async_trait;
use auth_core::{Credential, CredentialId, Digest, MailId, OutgoingMail, SealedStore, StoreError};
use rusqlite::params;

use super::Sqlite;
use super::row::{Columns, credential_columns};
use super::statement::changed;

pub(super) const CREDENTIALS: &str = concat!(
    "SELECT ",
    credential_columns!(),
    " FROM credential AS c CROSS JOIN user AS u ON u.number = c.user
     WHERE c.id > ?1 AND (c.sealed IS NOT NULL OR c.kind = 'backup-code') ORDER BY c.id LIMIT ?2"
);
pub(super) const RESEAL_CREDENTIAL: &str =
    "UPDATE credential SET sealed = ?3, digest = ?4 WHERE id = ?1 AND sealed = ?2";
pub(super) const MAILS: &str = "SELECT id, recipient, subject, body, due, failures FROM mail \
    WHERE id > ?1 ORDER BY id LIMIT ?2";
pub(super) const RESEAL_MAIL: &str = "UPDATE mail SET body = ?3 WHERE id = ?1 AND body = ?2";

#[async_trait]
impl SealedStore for Sqlite {
    async fn sealed_credentials(
        &self,
        after: Option<CredentialId>,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError> {
        self.read(move |connection| {
            // The empty id sorts before every other.
            let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
            let mut statement = connection.prepare_cached(CREDENTIALS)?;
            let rows =
                statement.query_and_then(params![after, limit], |row| Columns::of(row).credential())?;
            rows.collect()
        })
        .await
    }

    async fn reseal_credential(
        &self,
        id: CredentialId,
        old: &[u8],
        new: &[u8],
        digest: Option<&Digest>,
    ) -> Result<bool, StoreError> {
        let (old, new, digest) = (old.to_vec(), new.to_vec(), digest.map(|digest| *digest.as_bytes()));
        self.write(move |connection| {
            changed(connection, RESEAL_CREDENTIAL, params![id.as_bytes(), old, new, digest])
        })
        .await
    }

    async fn sealed_mails(&self, after: Option<MailId>, limit: u32) -> Result<Vec<OutgoingMail>, StoreError> {
        self.read(move |connection| {
            let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
            let mut statement = connection.prepare_cached(MAILS)?;
            statement.query_and_then(params![after, limit], |row| Columns::of(row).mail())?.collect()
        })
        .await
    }

    async fn reseal_mail(&self, id: MailId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        let (old, new) = (old.to_vec(), new.to_vec());
        self.write(move |connection| changed(connection, RESEAL_MAIL, params![id.as_bytes(), old, new])).await
    }
}

//! Records encrypted under the key ring.

use async_trait::async_trait;
use auth_core::{Credential, CredentialId, Digest, MailId, OutgoingMail, SealedStore, StoreError};

use super::Postgres;
use super::error::Result;
use super::row::{Columns, credential_columns};
use super::session::{read, write_once};
use super::statement::{changed, rows};

pub(super) const CREDENTIALS: &str = concat!(
    "SELECT ",
    credential_columns!(),
    " FROM credential AS c WHERE c.id > $1 AND (c.sealed IS NOT NULL OR c.kind = 'backup-code') \
    ORDER BY c.id LIMIT $2"
);
pub(super) const RESEAL_CREDENTIAL: &str =
    "UPDATE credential SET sealed = $3, digest = $4 WHERE id = $1 AND sealed = $2";
pub(super) const MAILS: &str = "SELECT id, recipient, subject, body, due, failures FROM mail \
    WHERE id > $1 ORDER BY id LIMIT $2";
pub(super) const RESEAL_MAIL: &str = "UPDATE mail SET body = $3 WHERE id = $1 AND body = $2";

type StoreResult<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl SealedStore for Postgres {
    async fn sealed_credentials(
        &self,
        after: Option<CredentialId>,
        limit: u32,
    ) -> StoreResult<Vec<Credential>> {
        // The empty id sorts before every other.
        let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let limit = i64::from(limit);
        let found = read!(self, |client| rows(client, CREDENTIALS, &[&after, &limit]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).credential()).collect::<Result<_>>()?)
    }

    async fn reseal_credential(
        &self,
        id: CredentialId,
        old: &[u8],
        new: &[u8],
        digest: Option<&Digest>,
    ) -> StoreResult<bool> {
        let (id, digest) = (&id.as_bytes()[..], digest.map(|digest| &digest.as_bytes()[..]));
        Ok(write_once!(self, |client| {
            changed(client, RESEAL_CREDENTIAL, &[&id, &old, &new, &digest]).await
        })?)
    }

    async fn sealed_mails(&self, after: Option<MailId>, limit: u32) -> StoreResult<Vec<OutgoingMail>> {
        let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
        let limit = i64::from(limit);
        let found = read!(self, |client| rows(client, MAILS, &[&after, &limit]).await)?;
        Ok(found.iter().map(|row| Columns::of(row).mail()).collect::<Result<_>>()?)
    }

    async fn reseal_mail(&self, id: MailId, old: &[u8], new: &[u8]) -> StoreResult<bool> {
        let id = &id.as_bytes()[..];
        Ok(write_once!(self, |client| changed(client, RESEAL_MAIL, &[&id, &old, &new]).await)?)
    }
}

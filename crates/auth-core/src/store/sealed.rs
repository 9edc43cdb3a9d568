//! Records encrypted under the key ring: found and replaced when keys are rotated.

use async_trait::async_trait;

use crate::{Credential, CredentialId, Digest, MailId, OutgoingMail, StoreError};

/// Finds secrets sealed under the key ring, and replaces them by the same secrets sealed anew. No user's record counts
/// as changed by a replacement.
#[async_trait]
pub trait SealedStore: Send + Sync {
    /// Up to `limit` credentials that have a sealed secret, and backup codes without one, by id, from the first after
    /// `after` on.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn sealed_credentials(
        &self,
        after: Option<CredentialId>,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError>;

    /// Replaces a credential's sealed secret and digest if the secret is still `old`; else `false`.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn reseal_credential(
        &self,
        id: CredentialId,
        old: &[u8],
        new: &[u8],
        digest: Option<&Digest>,
    ) -> Result<bool, StoreError>;

    /// Up to `limit` mails by id, from the first after `after` on, whenever they are due.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn sealed_mails(&self, after: Option<MailId>, limit: u32) -> Result<Vec<OutgoingMail>, StoreError>;

    /// Replaces a mail's body if it is still `old`; else `false`.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn reseal_mail(&self, id: MailId, old: &[u8], new: &[u8]) -> Result<bool, StoreError>;
}

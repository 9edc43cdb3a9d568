//! Sealing anew under the active key, and taking a key out once nothing needs it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use auth_core::{Credential, CredentialKind, InternalError};
use auth_crypto::keyring::{KeyRing, Purpose};
use auth_crypto::seal::sealed_by;

use super::CHECK_VALUE;
use crate::Engine;
use crate::backup_codes::digest_of;
use crate::engine::broken;

/// Credentials and mails are read in pages of this many.
const PAGE: u32 = 1000;

/// What is sealed in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sealed {
    /// How many secrets, by the id of their key.
    pub by_key: BTreeMap<u32, u64>,
    /// Backup codes that were stored before they could be sealed anew: nobody can tell under which key.
    pub old_backup_codes: u64,
    /// Secrets that no key of the ring opens.
    pub unreadable: u64,
    /// How many were sealed anew.
    pub resealed: u64,
}

/// Why a key can't be taken out yet.
#[derive(Debug)]
#[non_exhaustive]
pub enum TooSoon {
    /// It is the active one, or the ring has no such key.
    NotRetirable,
    /// So many secrets are sealed under it.
    Sealed(u64),
    /// So many backup codes may have been made under it, and can't be made anew.
    BackupCodes(u64),
    /// This server still has it as the active one.
    Active(String),
    /// This server doesn't know the key that takes its place.
    Unaware(String),
    /// Another process has changed the ring at the same time.
    Raced,
}

impl Engine {
    /// Counts what is sealed under which key. `progress` is told how many were looked at, every so often.
    ///
    /// # Errors
    /// A [`InternalError`] when the store can't be read.
    pub async fn sealed(&self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Sealed, InternalError> {
        self.walk(false, progress).await
    }

    /// Seals everything anew that is sealed under another key than the active one, while servers go on. What they
    /// change meanwhile is left to them.
    ///
    /// # Errors
    /// A [`InternalError`] when the store fails; what was done until then stays done.
    pub async fn reseal(&self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Sealed, InternalError> {
        self.walk(true, progress).await
    }

    /// Binds the store to the ring without a key, when nothing needs that key any more: nothing is sealed under it,
    /// and every running server has another active one. Gives the ring to go on with.
    ///
    /// # Errors
    /// A [`InternalError`] when the store fails.
    pub async fn retire_key(
        &self,
        id: u32,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Result<KeyRing, TooSoon>, InternalError> {
        let ring = self.ring();
        let Some(smaller) = ring.without(id).filter(|_| ring.ids().contains(&id)) else {
            return Ok(Err(TooSoon::NotRetirable));
        };
        for node in self.nodes().await? {
            if node.ids.first() == Some(&id) {
                return Ok(Err(TooSoon::Active(node.node)));
            }
            if smaller.ids().first().is_some_and(|active| !node.ids.contains(active)) {
                return Ok(Err(TooSoon::Unaware(node.node)));
            }
        }
        let sealed = self.sealed(progress).await?;
        let count = sealed.by_key.get(&id).copied().unwrap_or_default();
        if count > 0 {
            return Ok(Err(TooSoon::Sealed(count)));
        }
        if sealed.old_backup_codes > 0 {
            return Ok(Err(TooSoon::BackupCodes(sealed.old_backup_codes)));
        }
        let kept = self.store.meta(CHECK_VALUE).await?.ok_or_else(|| broken("the key ring's check value"))?;
        // First the store, which then takes both rings.
        if !smaller.has_check_value(&kept)
            && !self.store.replace_meta(CHECK_VALUE, Some(&kept), Some(&smaller.check_value())).await?
        {
            return Ok(Err(TooSoon::Raced));
        }
        Ok(Ok(smaller))
    }

    async fn walk(
        &self,
        anew: bool,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Sealed, InternalError> {
        let mut found = Sealed::default();
        let mut seen = 0;
        let mut after = None;
        loop {
            let page = self.store.sealed_credentials(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for credential in &page {
                self.look_at(credential, anew, &mut found).await?;
            }
            seen += page.len() as u64;
            progress(seen);
        }
        let mut after = None;
        loop {
            let page = self.store.sealed_mails(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for mail in &page {
                let context = mail.id.as_bytes();
                let fresh = anew.then(|| self.sealed_anew(Purpose::Mail, context, &mail.body)).flatten();
                let replaced = match &fresh {
                    Some(body) => self.store.reseal_mail(mail.id, &mail.body, body).await?,
                    None => false,
                };
                found.count(&mail.body, fresh.as_deref().filter(|_| replaced), self.ring().ids());
            }
            seen += page.len() as u64;
            progress(seen);
        }
        Ok(found)
    }

    async fn look_at(
        &self,
        credential: &Credential,
        anew: bool,
        found: &mut Sealed,
    ) -> Result<(), InternalError> {
        let Some(sealed) = &credential.sealed else {
            found.old_backup_codes += 1;
            return Ok(());
        };
        let user = credential.user;
        let purpose = purpose_of(credential.kind).ok_or_else(|| broken("a sealed credential of its kind"))?;
        let fresh = anew.then(|| self.sealed_anew(purpose, user.as_bytes(), sealed)).flatten();
        let replaced = match &fresh {
            Some(new) => {
                // The digest of a backup code is of the ring too.
                let digest = match credential.kind {
                    CredentialKind::BackupCode => digest_of(&self.ring(), user, new),
                    _ => credential.digest,
                };
                self.store.reseal_credential(credential.id, sealed, new, digest.as_ref()).await?
            }
            None => false,
        };
        found.count(sealed, fresh.as_deref().filter(|_| replaced), self.ring().ids());
        Ok(())
    }

    /// The same under the active key; `None` when it is that already, or can't be opened.
    fn sealed_anew(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let ring = self.ring();
        if ring.is_sealed_by_active(sealed) {
            return None;
        }
        let opened = ring.open(purpose, context, sealed).ok()?;
        Some(ring.seal(purpose, context, &opened, &*self.rng))
    }

    /// How long after a key was promoted what it replaced is still needed: until the last token and mailed code that
    /// were made under the older one have ended.
    #[must_use]
    pub fn retirement_age(&self) -> Duration {
        let (rocketchat, zettelstore) = (&self.config.rocketchat, &self.config.zettelstore);
        let lives =
            [zettelstore.token_lifetime, rocketchat.mailed_code_lifetime, rocketchat.remember_second_factor];
        lives.into_iter().max().unwrap_or_default()
    }
}

impl Sealed {
    /// Counts a secret where it is now.
    fn count(&mut self, before: &[u8], replaced_by: Option<&[u8]>, known: Vec<u32>) {
        self.resealed += u64::from(replaced_by.is_some());
        match sealed_by(replaced_by.unwrap_or(before)).filter(|id| known.contains(id)) {
            Some(id) => *self.by_key.entry(id).or_default() += 1,
            None => self.unreadable += 1,
        }
    }
}

fn purpose_of(kind: CredentialKind) -> Option<Purpose> {
    Some(match kind {
        CredentialKind::ZulipKey => Purpose::ZulipKey,
        CredentialKind::Totp | CredentialKind::PendingTotp => Purpose::Totp,
        CredentialKind::MailedCode => Purpose::Mail,
        CredentialKind::PersonalToken => Purpose::PersonalToken,
        CredentialKind::BackupCode => Purpose::BackupCode,
        _ => return None,
    })
}

impl fmt::Display for TooSoon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRetirable => {
                f.write_str("the active key stays, and so does one that is not in the ring")
            }
            Self::Sealed(count) => write!(f, "{count} secrets are sealed under it: run `keys reseal` first"),
            Self::BackupCodes(count) => write!(
                f,
                "{count} backup codes of an earlier version may have been made under it: their owners must renew \
                 them first"
            ),
            Self::Active(node) => write!(f, "the server {node} still seals under it: its key file is older"),
            Self::Unaware(node) => {
                write!(
                    f,
                    "the server {node} doesn't know the key that takes its place: its key file is older"
                )
            }
            Self::Raced => f.write_str("another process has changed the ring: try again"),
        }
    }
}

impl std::error::Error for TooSoon {}

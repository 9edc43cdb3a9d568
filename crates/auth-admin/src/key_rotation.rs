//! Rotation of keys: a new one, sealing anew under the active one, and retiring a key once nothing needs it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use auth_core::{Act, AuditRecord, Credential, CredentialKind, InternalError, Rng, Store, StoreError};
use auth_crypto::keyring::{KeyRing, Purpose, RingKey};
use auth_crypto::seal::sealed_by;
use auth_engine::keys::{CHECK_VALUE, Keys};
use auth_engine::{Auditor, Engine, backup_code_digest};

use crate::nodes::Nodes;

/// Credentials and mails are read in pages of this many.
const PAGE: u32 = 1000;

/// The secrets sealed in a store.
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

/// Why a key can't be retired yet.
#[derive(Debug)]
#[non_exhaustive]
pub enum RetireError {
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
    /// The store failed.
    Internal(InternalError),
}

/// What is done with every secret of a store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    /// It is counted.
    Count,
    /// It is counted, and sealed anew where that is due.
    Reseal,
}

/// Seals secrets anew, and retires keys.
pub struct KeyRotation {
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    rng: Arc<dyn Rng>,
    auditor: Arc<Auditor>,
    nodes: Nodes,
}

impl KeyRotation {
    /// Rotates the keys of an engine's store.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        Self {
            store: Arc::clone(engine.store()),
            keys: Arc::clone(engine.keys()),
            rng: Arc::clone(engine.rng()),
            auditor: Arc::clone(engine.auditor()),
            nodes: Nodes::new(engine),
        }
    }

    /// Counts what is sealed under which key. `progress` is told how many were looked at, every so often.
    ///
    /// # Errors
    /// An [`InternalError`] when the store can't be read.
    pub async fn sealed(&self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Sealed, InternalError> {
        self.walk(Task::Count, progress).await
    }

    /// Seals everything anew that is sealed under another key than the active one, while servers go on. What they
    /// change meanwhile is left to them.
    ///
    /// # Errors
    /// An [`InternalError`] when the store fails; what was done until then stays done.
    pub async fn reseal(&self, progress: &mut (dyn FnMut(u64) + Send)) -> Result<Sealed, InternalError> {
        self.walk(Task::Reseal, progress).await
    }

    /// The id of the next active key of a ring, and the ring with that key behind the active one. A key that is newer
    /// than the active one was added by a rotation that did not finish, and is the next one. `None` when there are no
    /// ids left.
    #[must_use]
    pub fn next_key(&self, ring: &KeyRing) -> Option<(u32, KeyRing)> {
        let ids = ring.ids();
        let active = *ids.first()?;
        let newest = ids.iter().copied().max()?;
        if newest > active {
            return Some((newest, ring.promoted(active)?));
        }
        let id = newest.checked_add(1)?;
        Some((id, ring.with(RingKey::generate(id, &*self.rng)).ok()?))
    }

    /// Writes to the audit log that a key is being added to the ring or promoted. The ring is a file, which no transaction
    /// of the store covers: so the row comes first, and what can't be noted is not done.
    ///
    /// # Errors
    /// An [`InternalError`] when the row may not have been written.
    pub async fn note(&self, act: Act, id: u32) -> Result<(), InternalError> {
        Ok(self.store.write_audit(&self.audit(act, id)).await?)
    }

    fn audit(&self, act: Act, id: u32) -> AuditRecord {
        self.auditor.by_command(act, None, None, format!("key {id}"))
    }

    /// Binds the store to the ring without a key and notes that it is retired, when nothing needs that key any more:
    /// nothing is sealed under it, and every running server has another active one. Gives the ring to go on with.
    ///
    /// # Errors
    /// An [`InternalError`] when the store fails.
    pub async fn retire_key(
        &self,
        id: u32,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<KeyRing, RetireError> {
        let ring = self.keys.ring();
        let Some(smaller) = ring.without(id).filter(|_| ring.ids().contains(&id)) else {
            return Err(RetireError::NotRetirable);
        };
        for node in self.nodes.running().await? {
            if node.ids.first() == Some(&id) {
                return Err(RetireError::Active(node.node));
            }
            if smaller.ids().first().is_some_and(|active| !node.ids.contains(active)) {
                return Err(RetireError::Unaware(node.node));
            }
        }
        let sealed = self.sealed(progress).await?;
        let count = sealed.by_key.get(&id).copied().unwrap_or_default();
        if count > 0 {
            return Err(RetireError::Sealed(count));
        }
        if sealed.old_backup_codes > 0 {
            return Err(RetireError::BackupCodes(sealed.old_backup_codes));
        }
        let kept = self
            .store
            .meta(CHECK_VALUE)
            .await?
            .ok_or_else(|| InternalError::corrupt("the key ring's check value"))?;
        if smaller.has_check_value(&kept) {
            self.note(Act::KeyRetired, id).await?;
            return Ok(smaller);
        }
        // First the store, which then takes both rings.
        let (new, audit) = (smaller.check_value(), self.audit(Act::KeyRetired, id));
        if self.store.replace_meta(CHECK_VALUE, Some(&kept), Some(&new), Some(&audit)).await? {
            Ok(smaller)
        } else {
            Err(RetireError::Raced)
        }
    }

    async fn walk(
        &self,
        task: Task,
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
                self.look_at(credential, task, &mut found).await?;
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
                let fresh = self.sealed_anew(task, Purpose::Mail, context, &mail.body);
                let replaced = match &fresh {
                    Some(body) => self.store.reseal_mail(mail.id, &mail.body, body).await?,
                    None => false,
                };
                found.count(&mail.body, fresh.as_deref().filter(|_| replaced), self.keys.ring().ids());
            }
            seen += page.len() as u64;
            progress(seen);
        }
        Ok(found)
    }

    async fn look_at(
        &self,
        credential: &Credential,
        task: Task,
        found: &mut Sealed,
    ) -> Result<(), InternalError> {
        let Some(sealed) = &credential.sealed else {
            found.old_backup_codes += 1;
            return Ok(());
        };
        let user = credential.user;
        let purpose = purpose_of(credential.kind)
            .ok_or_else(|| InternalError::corrupt("a sealed credential of its kind"))?;
        let fresh = self.sealed_anew(task, purpose, user.as_bytes(), sealed);
        let replaced = match &fresh {
            Some(new) => {
                // The digest of a backup code is of the ring too.
                let digest = match credential.kind {
                    CredentialKind::BACKUP_CODE => backup_code_digest(&self.keys.ring(), user, new),
                    _ => credential.digest,
                };
                self.store.reseal_credential(credential.id, sealed, new, digest.as_ref()).await?
            }
            None => false,
        };
        found.count(sealed, fresh.as_deref().filter(|_| replaced), self.keys.ring().ids());
        Ok(())
    }

    /// The same under the active key; `None` when it is only counted, is that already, or can't be opened.
    fn sealed_anew(&self, task: Task, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let ring = self.keys.ring();
        if task == Task::Count || ring.is_sealed_by_active(sealed) {
            return None;
        }
        let opened = ring.open(purpose, context, sealed).ok()?;
        Some(ring.seal(purpose, context, &opened, &*self.rng))
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
        CredentialKind::ZULIP_KEY => Purpose::ZulipKey,
        CredentialKind::TOTP | CredentialKind::PENDING_TOTP => Purpose::Totp,
        CredentialKind::MAILED_CODE => Purpose::Mail,
        CredentialKind::PERSONAL_TOKEN => Purpose::PersonalToken,
        CredentialKind::BACKUP_CODE => Purpose::BackupCode,
        _ => return None,
    })
}

impl fmt::Display for RetireError {
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
            Self::Internal(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RetireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Internal(error) => error.source(),
            _ => None,
        }
    }
}

impl From<InternalError> for RetireError {
    fn from(error: InternalError) -> Self {
        Self::Internal(error)
    }
}

impl From<StoreError> for RetireError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.into())
    }
}

impl fmt::Debug for KeyRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRotation").finish_non_exhaustive()
    }
}

//! A store that does everything as the store in memory does, but for one fault.

mod forward;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::testing::MemoryStore;
use auth_core::{
    Account, AuditRecord, ChangeFeed, ChangeListener, Digest, ExternalId, FullCounter, ImportError,
    ImportMode, ImportNotes, Imported, ImportedChange, Lookup, NameKind, NewId, NewUser, OnConflict,
    PasswordString, ProfileUpdate, ProtocolName, RealmId, Records, Revocation, SharedAttempts, SharedCounter,
    StoreError, Timestamp, UserId, UserStore,
};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// What a store does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// Its change counter stands still.
    LyingFeed,
    /// It forgets attempts that it was to count.
    LostCounts,
    /// Its imports run on a thread of the runtime.
    BlockingImport,
    /// It takes a protocol that it doesn't know for damage.
    KnowsAllProtocols,
}

pub(crate) struct Broken {
    inner: Arc<MemoryStore>,
    fault: Fault,
    asked: AtomicUsize,
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { inner: Arc::default(), fault, asked: AtomicUsize::new(0) }
    }

    /// An account as it is read.
    fn judge(&self, account: Option<Account>) -> Result<Option<Account>, StoreError> {
        const KNOWN: [ProtocolName; 3] =
            [ProtocolName::ZULIP, ProtocolName::ROCKETCHAT, ProtocolName::ZETTELSTORE];
        let is_known =
            |account: &Account| account.user.external_ids.iter().all(|(name, _)| KNOWN.contains(&name));
        if self.fault == Fault::KnowsAllProtocols && !account.as_ref().is_none_or(is_known) {
            return Err(StoreError::Corrupt("an unknown protocol".into()));
        }
        Ok(account)
    }
}

#[async_trait]
impl UserStore for Broken {
    async fn find(&self, realm: RealmId, who: &Lookup<'_>) -> Result<Option<Account>, StoreError> {
        self.judge(self.inner.find(realm, who).await?)
    }

    async fn realms_of(&self, kind: NameKind, name: &str) -> Result<Vec<RealmId>, StoreError> {
        self.inner.realms_of(kind, name).await
    }

    async fn user(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.judge(self.inner.user(id).await?)
    }

    async fn users(
        &self,
        realm: RealmId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        self.inner.users(realm, after, limit).await
    }

    async fn rehash(
        &self,
        user: UserId,
        old: &PasswordString,
        new: &PasswordString,
    ) -> Result<bool, StoreError> {
        self.inner.rehash(user, old, new).await
    }

    async fn set_password(
        &self,
        user: UserId,
        new: Option<&PasswordString>,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.set_password(user, new, revocation, audit).await
    }

    async fn set_active(
        &self,
        user: UserId,
        active: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.set_active(user, active, revocation, audit).await
    }

    async fn revoke(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.revoke(user, revocation, audit).await
    }

    async fn update_profile(
        &self,
        user: UserId,
        update: &ProfileUpdate,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.update_profile(user, update, revocation, audit).await
    }

    async fn ensure_external_id(
        &self,
        user: UserId,
        protocol: ProtocolName,
        new: &NewId,
    ) -> Result<Option<ExternalId>, StoreError> {
        self.inner.ensure_external_id(user, protocol, new).await
    }

    async fn set_email_second_factor(
        &self,
        user: UserId,
        on: bool,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.set_email_second_factor(user, on, revocation, audit).await
    }

    async fn create_user(&self, new: &NewUser, audit: Option<&AuditRecord>) -> Result<(), StoreError> {
        self.inner.create_user(new, audit).await
    }

    async fn delete(
        &self,
        user: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.delete(user, revocation, audit).await
    }

    async fn merge(&self, gone: (UserId, u64), change: &ImportedChange) -> Result<bool, StoreError> {
        self.inner.merge(gone, change).await
    }

    async fn import(
        &self,
        records: Records,
        mode: ImportMode,
        on_conflict: OnConflict,
        notes: ImportNotes,
        audit: Option<&AuditRecord>,
    ) -> Result<Imported, ImportError> {
        if self.fault == Fault::BlockingImport {
            return self.inner.import(records, mode, on_conflict, notes, audit).await;
        }
        let (inner, audit) = (Arc::clone(&self.inner), audit.cloned());
        let import = async move { inner.import(records, mode, on_conflict, notes, audit.as_ref()).await };
        let runtime = Handle::current();
        spawn_blocking(move || runtime.block_on(import)).await.unwrap()
    }
}

#[async_trait]
impl ChangeFeed for Broken {
    async fn change_counter(&self) -> Result<Option<u64>, StoreError> {
        let counter = self.inner.change_counter().await?;
        Ok(if self.fault == Fault::LyingFeed { Some(7) } else { counter })
    }

    async fn versions(&self, users: &[UserId]) -> Result<Vec<(UserId, u64)>, StoreError> {
        self.inner.versions(users).await
    }

    fn listen(&self, listener: Weak<dyn ChangeListener>) {
        self.inner.listen(listener);
    }
}

#[async_trait]
impl SharedAttempts for Broken {
    async fn reserve_attempt(
        &self,
        counter: &SharedCounter,
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        // Every third attempt is let through uncounted.
        if self.fault == Fault::LostCounts && self.asked.fetch_add(1, Ordering::Relaxed) % 3 == 2 {
            return Ok(None);
        }
        self.inner.reserve_attempt(counter, now).await
    }

    async fn give_back_attempt(&self, key: &Digest, at: Timestamp) -> Result<(), StoreError> {
        self.inner.give_back_attempt(key, at).await
    }

    async fn forget_shared_attempts(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_shared_attempts(before).await
    }

    async fn full_counters(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, Digest)>,
        limit: u32,
    ) -> Result<Vec<FullCounter>, StoreError> {
        self.inner.full_counters(now, after, limit).await
    }

    async fn forget_counters_of(&self, user: UserId) -> Result<u64, StoreError> {
        self.inner.forget_counters_of(user).await
    }

    async fn forget_counter(&self, key: &Digest) -> Result<bool, StoreError> {
        self.inner.forget_counter(key).await
    }
}

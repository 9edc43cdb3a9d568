//! A store that does everything as the store in memory does, but for one fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth_core::testing::MemoryStore;
use auth_core::{
    Account, AuditRecord, ImportError, ImportMode, ImportNotes, Imported, OnConflict, ProtocolName, Records,
    StoreError, UserStore, forward_store,
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

    /// The change counter as it is told.
    fn counter_of(&self, counter: Option<u64>) -> Result<Option<u64>, StoreError> {
        Ok(if self.fault == Fault::LyingFeed { Some(7) } else { counter })
    }

    /// Whether an attempt is let through uncounted: every third.
    fn is_lost(&self) -> bool {
        self.fault == Fault::LostCounts && self.asked.fetch_add(1, Ordering::Relaxed) % 3 == 2
    }

    /// Imports on a thread for what blocks, or on one of the runtime.
    async fn import_somewhere(
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

/// What each command does: as the store in memory does it, but for the fault.
macro_rules! answer {
    (reads find($self:ident $(, $arg:ident)*)) => {
        $self.judge($self.inner.find($($arg),*).await?)
    };
    (reads user($self:ident, $id:ident)) => {
        $self.judge($self.inner.user($id).await?)
    };
    (writes import($self:ident $(, $arg:ident)*)) => {
        $self.import_somewhere($($arg),*).await
    };
    (reads change_counter($self:ident)) => {
        $self.counter_of($self.inner.change_counter().await?)
    };
    (writes reserve_attempt($self:ident $(, $arg:ident)*)) => {
        if $self.is_lost() { Ok(None) } else { $self.inner.reserve_attempt($($arg),*).await }
    };
    (at_once $name:ident($self:ident, $arg:ident)) => {
        $self.inner.$name($arg)
    };
    ($kind:ident $name:ident($self:ident $(, $arg:ident)*)) => {
        $self.inner.$name($($arg),*).await
    };
}

forward_store!(Broken, answer);

//! A store of one's own: it stands around another store, and can be paused.
//!
//! While a [`PausableStore`] is paused, records are read and none is changed. So the database behind it can be copied or
//! moved in the meantime: sessions, keys and tokens that were given before go on, and whatever would write is refused as
//! unavailable, which clients are told as 503. The log of attempts is held back in memory, and written afterwards.
//!
//! ```
//! use std::sync::Arc;
//! use pausable_store::PausableStore;
//! use auth_store::Sqlite;
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = Sqlite::open(std::path::Path::new("accounts.db"))?;
//! let store = Arc::new(PausableStore::new(Arc::new(store)));
//! // let engine = Engine::builder(store.clone()).open().await?;
//! store.pause();
//! // … `cp accounts.db accounts.db-wal elsewhere/` …
//! store.resume();
//! # Ok(())
//! # }
//! ```
//!
//! # A store of your own
//!
//! A [`Store`] is whatever implements the traits below. Each method is a whole command: what it has acknowledged is durable,
//! and "not there" is no error. A store of rows of your own answers each in place of handing it on; `tests/store.rs` runs
//! the battery of this project against this store, and will against yours: the battery is the contract.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Account, Activity, ActivityStore, AdminKey, AdminKeyId, AdminKeyStore, AttemptFilter, AttemptRecord,
    AttemptRow, AttemptStore, AuditFilter, AuditRecord, AuditRow, AuditStore, ChangeFeed, ChangeListener,
    ClientKey, Credential, CredentialId, CredentialKind, CredentialStore, Digest, ExternalId, FullCounter,
    Group, GroupId, GroupStore, ImportError, ImportMark, ImportMarkStore, ImportMode, ImportNotes, Imported,
    ImportedChange, LogPage, Lookup, MailId, MarkKey, MetaStore, NameKind, NetworkRule, NetworkRuleStore,
    NewId, NewUser, OnConflict, Outbox, OutgoingMail, PasswordString, Place, ProfileUpdate, ProtocolName,
    Realm, RealmId, RealmRemoval, RealmStore, Records, Revocation, SealedStore, SharedAttempts,
    SharedCounter, SpentStore, Store, StoreError, Timestamp, Unseen, UserId, UserStore,
};

/// The most attempts that are held back while the store is paused. Further ones are lost.
const MOST_HELD: usize = 100_000;

/// A store around another, whose changes can be paused.
pub struct PausableStore {
    inner: Arc<dyn Store>,
    is_paused: AtomicBool,
    held: Mutex<Vec<AttemptRecord>>,
}

impl PausableStore {
    /// Puts a store around another.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, is_paused: AtomicBool::new(false), held: Mutex::default() }
    }

    /// Refuses changes from now on. Those that have begun go on to their end.
    pub fn pause(&self) {
        self.is_paused.store(true, Ordering::Release);
    }

    /// Takes changes again, and writes the attempts that were held back.
    pub fn resume(&self) {
        let mut held = self.held();
        self.is_paused.store(false, Ordering::Release);
        for attempt in held.drain(..) {
            self.inner.record(attempt);
        }
    }

    fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    fn held(&self) -> MutexGuard<'_, Vec<AttemptRecord>> {
        // A list is sound after a panic.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a change pass.
    fn check(&self) -> Result<(), StoreError> {
        if self.is_paused() { Err(StoreError::Unavailable("changes are paused".into())) } else { Ok(()) }
    }
}

impl Drop for PausableStore {
    /// Writes the attempts that were held back.
    fn drop(&mut self) {
        self.resume();
    }
}

impl fmt::Debug for PausableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PausableStore").field("is_paused", &self.is_paused()).finish_non_exhaustive()
    }
}

/// Implements traits: each command that reads is handed on, and each that writes is while the store isn't paused. What no
/// line of the table can say stands behind `and`.
macro_rules! commands {
    ($(impl $store:ident {
        $($kind:ident $name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*
    } $(and { $($other:tt)* })?)*) => {
        $(
            #[async_trait]
            impl $store for PausableStore {
                $(
                    async fn $name(&self, $($arg: $type),*) -> Result<$out, StoreError> {
                        commands!(@$kind self);
                        self.inner.$name($($arg),*).await
                    }
                )*
                $($($other)*)?
            }
        )*
    };
    (@reads $self:ident) => {};
    (@writes $self:ident) => { $self.check()?; };
}

commands! {
    impl RealmStore {
        reads realms() -> Vec<Realm>;
        writes remove_realm(id: RealmId, audit: Option<&AuditRecord>) -> RealmRemoval;
    }

    impl UserStore {
        reads find(realm: RealmId, who: &Lookup<'_>) -> Option<Account>;
        reads realms_of(kind: NameKind, name: &str) -> Vec<RealmId>;
        reads user(id: UserId) -> Option<Account>;
        reads users(realm: RealmId, after: Option<UserId>, limit: u32) -> Vec<Account>;
        writes rehash(user: UserId, old: &PasswordString, new: &PasswordString) -> bool;
        writes set_password(user: UserId, new: Option<&PasswordString>, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        writes set_active(user: UserId, active: bool, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        writes revoke(user: UserId, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        writes update_profile(user: UserId, update: &ProfileUpdate, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        writes ensure_external_id(user: UserId, protocol: ProtocolName, new: &NewId) -> Option<ExternalId>;
        writes set_email_second_factor(user: UserId, on: bool, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        writes create_user(new: &NewUser, audit: Option<&AuditRecord>) -> ();
        writes delete(user: UserId, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        writes merge(gone: (UserId, u64), change: &ImportedChange) -> bool;
    } and {
        async fn import(
            &self,
            records: Records,
            mode: ImportMode,
            on_conflict: OnConflict,
            notes: ImportNotes,
            audit: Option<&AuditRecord>,
        ) -> Result<Imported, ImportError> {
            self.check().map_err(|error| ImportError { record: None, error: Some(error) })?;
            self.inner.import(records, mode, on_conflict, notes, audit).await
        }
    }

    impl CredentialStore {
        reads by_digest(kind: CredentialKind, digest: &Digest) -> Option<(Credential, Account)>;
        reads of_user(user: UserId, kind: CredentialKind) -> Vec<Credential>;
        reads of_kinds(user: UserId, kinds: &[CredentialKind]) -> Vec<Credential>;
        writes add(credential: &Credential, keep: u32, audit: Option<&AuditRecord>) -> bool;
        writes ensure(credential: &Credential) -> Option<Credential>;
        writes succeed(other: CredentialId, new: &Credential) -> bool;
        writes replace(old: CredentialId, new: &Credential, audit: Option<&AuditRecord>) -> bool;
        writes remove(id: CredentialId, audit: Option<&AuditRecord>) -> bool;
        writes remove_of_user(user: UserId, kinds: &[CredentialKind], except: Option<CredentialId>, audit: Option<&AuditRecord>) -> u64;
        writes exchange(user: UserId, kinds: &[CredentialKind], except: Option<CredentialId>, new: &[Credential], audit: Option<&AuditRecord>) -> bool;
        writes raise_counter(id: CredentialId, to: i64) -> bool;
        writes set_last_used(uses: &[(CredentialId, Timestamp)]) -> ();
        reads ended(kind: CredentialKind, now: Timestamp, limit: u32) -> Vec<Credential>;
        reads counts() -> Vec<(CredentialKind, u64)>;
        writes purge(now: Timestamp) -> u64;
    }

    impl ActivityStore {
        reads activities(users: &[UserId]) -> Vec<(UserId, Activity)>;
        reads unseen_since(realm: Option<RealmId>, since: Timestamp, after: Option<Place>, limit: u32) -> Vec<Unseen>;
    }

    impl AttemptStore {
        reads attempts(filter: &AttemptFilter, page: LogPage) -> Vec<AttemptRow>;
        reads known_clients(within: u32, limit: u32) -> Vec<(UserId, ClientKey)>;
        writes forget_attempts(before: Timestamp) -> u64;
        writes trim_attempts(keep: u32) -> u64;
    } and {
        fn record(&self, attempt: AttemptRecord) {
            // Asked under the lock, so that no attempt is held back once the store goes on.
            let mut held = self.held();
            if !self.is_paused() {
                drop(held);
                self.inner.record(attempt);
            } else if held.len() < MOST_HELD {
                held.push(attempt);
            }
        }
    }

    impl AuditStore {
        writes write_audit(record: &AuditRecord) -> ();
        reads audit_rows(filter: &AuditFilter, page: LogPage) -> Vec<AuditRow>;
        writes forget_audit(before: Timestamp) -> u64;
    }

    impl Outbox {
        writes post(mail: &OutgoingMail) -> ();
        writes post_with(credential: &Credential, mail: &OutgoingMail) -> bool;
        reads due(now: Timestamp, limit: u32) -> Vec<OutgoingMail>;
        writes settle(id: MailId) -> bool;
        writes put_off(id: MailId, until: Timestamp) -> bool;
    }

    impl MetaStore {
        reads meta(name: &str) -> Option<Vec<u8>>;
        writes set_meta_once(name: &str, value: &[u8]) -> Vec<u8>;
        writes replace_meta(name: &str, old: Option<&[u8]>, new: Option<&[u8]>, audit: Option<&AuditRecord>) -> bool;
        reads metas(beginning: &str) -> Vec<(String, Vec<u8>)>;
    }

    impl SealedStore {
        reads sealed_credentials(after: Option<CredentialId>, limit: u32) -> Vec<Credential>;
        writes reseal_credential(id: CredentialId, old: &[u8], new: &[u8], digest: Option<&Digest>) -> bool;
        reads sealed_mails(after: Option<MailId>, limit: u32) -> Vec<OutgoingMail>;
        writes reseal_mail(id: MailId, old: &[u8], new: &[u8]) -> bool;
    }

    impl SpentStore {
        writes spend(digest: &Digest, until: Timestamp) -> bool;
        writes forget_spent(now: Timestamp) -> u64;
    }

    impl NetworkRuleStore {
        reads network_rules() -> Vec<NetworkRule>;
        writes put_network_rule(rule: &NetworkRule, audit: Option<&AuditRecord>) -> ();
        writes remove_network_rule(network: &str, audit: Option<&AuditRecord>) -> bool;
        writes forget_network_rules(before: Timestamp) -> u64;
    }

    impl GroupStore {
        reads group(id: GroupId) -> Option<Group>;
        reads find_group(realm: RealmId, name: &str) -> Option<Group>;
        reads groups(realm: RealmId, after: Option<&str>, limit: u32) -> Vec<Group>;
        reads groups_of(user: UserId) -> Vec<Group>;
        reads members(group: GroupId, after: Option<UserId>, limit: u32) -> Vec<Account>;
        writes add_group(group: &Group, audit: Option<&AuditRecord>) -> ();
        writes rename_group(id: GroupId, name: &str, audit: Option<&AuditRecord>) -> bool;
        writes remove_group(id: GroupId, audit: Option<&AuditRecord>) -> bool;
        writes add_member(group: GroupId, user: UserId, audit: Option<&AuditRecord>) -> bool;
        writes remove_member(group: GroupId, user: UserId, audit: Option<&AuditRecord>) -> bool;
        writes set_groups(user: UserId, groups: &[GroupId], directory: Option<&str>, audit: Option<&AuditRecord>) -> bool;
    }

    impl AdminKeyStore {
        reads admin_keys() -> Vec<AdminKey>;
        reads admin_key(digest: &Digest) -> Option<AdminKey>;
        writes add_admin_key(key: &AdminKey, audit: Option<&AuditRecord>) -> ();
        writes remove_admin_key(id: AdminKeyId, audit: Option<&AuditRecord>) -> bool;
        writes set_admin_keys_used(uses: &[(AdminKeyId, Timestamp)]) -> ();
        writes forget_admin_keys(before: Timestamp) -> u64;
    }

    impl ImportMarkStore {
        reads import_marks(source: &str, after: Option<MarkKey>, limit: u32) -> Vec<ImportMark>;
        reads import_mark(source: &str, key: MarkKey) -> Option<ImportMark>;
        reads import_marks_of(user: UserId) -> Vec<ImportMark>;
    }

    impl ChangeFeed {
        reads change_counter() -> Option<u64>;
        reads versions(users: &[UserId]) -> Vec<(UserId, u64)>;
    } and {
        fn listen(&self, listener: Weak<dyn ChangeListener>) {
            self.inner.listen(listener);
        }
    }

    impl SharedAttempts {
        writes reserve_attempt(counter: &SharedCounter, now: Timestamp) -> Option<Duration>;
        writes give_back_attempt(key: &Digest, at: Timestamp) -> ();
        writes forget_shared_attempts(before: Timestamp) -> u64;
        reads full_counters(now: Timestamp, after: Option<(Timestamp, Digest)>, limit: u32) -> Vec<FullCounter>;
        writes forget_counters_of(user: UserId) -> u64;
        writes forget_counter(key: &Digest) -> bool;
    }
}

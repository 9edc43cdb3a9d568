//! A store whose calls are spans below a request.

use std::sync::{Arc, Weak};
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

use super::parts::part;

/// A store around another: each call is a span by the name of its method, where the request that it is for has a span.
pub(super) struct TracedStore(pub(super) Arc<dyn Store>);

/// Implements traits: each command is handed on. What no line of the table can say stands behind `and`.
macro_rules! commands {
    ($(impl $store:ident {
        $($name:ident($($arg:ident: $type:ty),*) -> $out:ty;)*
    } $(and { $($other:tt)* })?)*) => {
        $(
            #[async_trait]
            impl $store for TracedStore {
                $(
                    async fn $name(&self, $($arg: $type),*) -> Result<$out, StoreError> {
                        part(concat!("store ", stringify!($name)), Result::is_err, self.0.$name($($arg),*)).await
                    }
                )*
                $($($other)*)?
            }
        )*
    };
}

commands! {
    impl RealmStore {
        realms() -> Vec<Realm>;
        remove_realm(id: RealmId, audit: Option<&AuditRecord>) -> RealmRemoval;
    }

    impl UserStore {
        find(realm: RealmId, who: &Lookup<'_>) -> Option<Account>;
        realms_of(kind: NameKind, name: &str) -> Vec<RealmId>;
        user(id: UserId) -> Option<Account>;
        users(realm: RealmId, after: Option<UserId>, limit: u32) -> Vec<Account>;
        rehash(user: UserId, old: &PasswordString, new: &PasswordString) -> bool;
        set_password(user: UserId, new: Option<&PasswordString>, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        set_active(user: UserId, active: bool, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        revoke(user: UserId, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        update_profile(user: UserId, update: &ProfileUpdate, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        ensure_external_id(user: UserId, protocol: ProtocolName, new: &NewId) -> Option<ExternalId>;
        set_email_second_factor(user: UserId, on: bool, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        create_user(new: &NewUser, audit: Option<&AuditRecord>) -> ();
        delete(user: UserId, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> bool;
        merge(gone: (UserId, u64), change: &ImportedChange) -> bool;
    } and {
        async fn import(
            &self,
            records: Records,
            mode: ImportMode,
            on_conflict: OnConflict,
            notes: ImportNotes,
            audit: Option<&AuditRecord>,
        ) -> Result<Imported, ImportError> {
            let writing = self.0.import(records, mode, on_conflict, notes, audit);
            part("store import", Result::is_err, writing).await
        }
    }

    impl CredentialStore {
        by_digest(kind: CredentialKind, digest: &Digest) -> Option<(Credential, Account)>;
        of_user(user: UserId, kind: CredentialKind) -> Vec<Credential>;
        of_kinds(user: UserId, kinds: &[CredentialKind]) -> Vec<Credential>;
        add(credential: &Credential, keep: u32, audit: Option<&AuditRecord>) -> bool;
        ensure(credential: &Credential) -> Option<Credential>;
        succeed(other: CredentialId, new: &Credential) -> bool;
        replace(old: CredentialId, new: &Credential, audit: Option<&AuditRecord>) -> bool;
        remove(id: CredentialId, audit: Option<&AuditRecord>) -> bool;
        remove_of_user(user: UserId, kinds: &[CredentialKind], except: Option<CredentialId>, audit: Option<&AuditRecord>) -> u64;
        exchange(user: UserId, kinds: &[CredentialKind], except: Option<CredentialId>, new: &[Credential], audit: Option<&AuditRecord>) -> bool;
        raise_counter(id: CredentialId, to: i64) -> bool;
        set_last_used(uses: &[(CredentialId, Timestamp)]) -> ();
        ended(kind: CredentialKind, now: Timestamp, limit: u32) -> Vec<Credential>;
        counts() -> Vec<(CredentialKind, u64)>;
        purge(now: Timestamp) -> u64;
    }

    impl ActivityStore {
        activities(users: &[UserId]) -> Vec<(UserId, Activity)>;
        unseen_since(realm: Option<RealmId>, since: Timestamp, after: Option<Place>, limit: u32) -> Vec<Unseen>;
    }

    impl AttemptStore {
        attempts(filter: &AttemptFilter, page: LogPage) -> Vec<AttemptRow>;
        known_clients(within: u32, limit: u32) -> Vec<(UserId, ClientKey)>;
        forget_attempts(before: Timestamp) -> u64;
        trim_attempts(keep: u32) -> u64;
    } and {
        fn record(&self, attempt: AttemptRecord) {
            self.0.record(attempt);
        }
    }

    impl AuditStore {
        write_audit(record: &AuditRecord) -> ();
        audit_rows(filter: &AuditFilter, page: LogPage) -> Vec<AuditRow>;
        forget_audit(before: Timestamp) -> u64;
    }

    impl Outbox {
        post(mail: &OutgoingMail) -> ();
        post_with(credential: &Credential, mail: &OutgoingMail) -> bool;
        due(now: Timestamp, limit: u32) -> Vec<OutgoingMail>;
        settle(id: MailId) -> bool;
        put_off(id: MailId, until: Timestamp) -> bool;
    }

    impl MetaStore {
        meta(name: &str) -> Option<Vec<u8>>;
        set_meta_once(name: &str, value: &[u8]) -> Vec<u8>;
        replace_meta(name: &str, old: Option<&[u8]>, new: Option<&[u8]>, audit: Option<&AuditRecord>) -> bool;
        metas(beginning: &str) -> Vec<(String, Vec<u8>)>;
    }

    impl SealedStore {
        sealed_credentials(after: Option<CredentialId>, limit: u32) -> Vec<Credential>;
        reseal_credential(id: CredentialId, old: &[u8], new: &[u8], digest: Option<&Digest>) -> bool;
        sealed_mails(after: Option<MailId>, limit: u32) -> Vec<OutgoingMail>;
        reseal_mail(id: MailId, old: &[u8], new: &[u8]) -> bool;
    }

    impl SpentStore {
        spend(digest: &Digest, until: Timestamp) -> bool;
        forget_spent(now: Timestamp) -> u64;
    }

    impl NetworkRuleStore {
        network_rules() -> Vec<NetworkRule>;
        put_network_rule(rule: &NetworkRule, audit: Option<&AuditRecord>) -> ();
        remove_network_rule(network: &str, audit: Option<&AuditRecord>) -> bool;
        forget_network_rules(before: Timestamp) -> u64;
    }

    impl GroupStore {
        group(id: GroupId) -> Option<Group>;
        find_group(realm: RealmId, name: &str) -> Option<Group>;
        groups(realm: RealmId, after: Option<&str>, limit: u32) -> Vec<Group>;
        groups_of(user: UserId) -> Vec<Group>;
        members(group: GroupId, after: Option<UserId>, limit: u32) -> Vec<Account>;
        add_group(group: &Group, audit: Option<&AuditRecord>) -> ();
        rename_group(id: GroupId, name: &str, audit: Option<&AuditRecord>) -> bool;
        remove_group(id: GroupId, audit: Option<&AuditRecord>) -> bool;
        add_member(group: GroupId, user: UserId, audit: Option<&AuditRecord>) -> bool;
        remove_member(group: GroupId, user: UserId, audit: Option<&AuditRecord>) -> bool;
        set_groups(user: UserId, groups: &[GroupId], directory: Option<&str>, audit: Option<&AuditRecord>) -> bool;
    }

    impl AdminKeyStore {
        admin_keys() -> Vec<AdminKey>;
        admin_key(digest: &Digest) -> Option<AdminKey>;
        add_admin_key(key: &AdminKey, audit: Option<&AuditRecord>) -> ();
        remove_admin_key(id: AdminKeyId, audit: Option<&AuditRecord>) -> bool;
        set_admin_keys_used(uses: &[(AdminKeyId, Timestamp)]) -> ();
        forget_admin_keys(before: Timestamp) -> u64;
    }

    impl ImportMarkStore {
        import_marks(source: &str, after: Option<MarkKey>, limit: u32) -> Vec<ImportMark>;
        import_mark(source: &str, key: MarkKey) -> Option<ImportMark>;
        import_marks_of(user: UserId) -> Vec<ImportMark>;
    }

    impl ChangeFeed {
        change_counter() -> Option<u64>;
        versions(users: &[UserId]) -> Vec<(UserId, u64)>;
    } and {
        fn listen(&self, listener: Weak<dyn ChangeListener>) {
            self.0.listen(listener);
        }
    }

    impl SharedAttempts {
        reserve_attempt(counter: &SharedCounter, now: Timestamp) -> Option<Duration>;
        give_back_attempt(key: &Digest, at: Timestamp) -> ();
        forget_shared_attempts(before: Timestamp) -> u64;
        full_counters(now: Timestamp, after: Option<(Timestamp, Digest)>, limit: u32) -> Vec<FullCounter>;
        forget_counters_of(user: UserId) -> u64;
        forget_counter(key: &Digest) -> bool;
    }
}

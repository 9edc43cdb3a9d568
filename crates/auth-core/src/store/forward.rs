//! A macro that implements all traits of a store for a store around another.

/// Implements every trait of a [`Store`](crate::Store) for a type, such as one that stands around another store. What a method does,
/// a macro of the caller says.
///
/// `forward_store!(Type, answer)` makes each method of the traits from `answer!(KIND NAME(self, ARGUMENTS))`, which is the body of
/// the method. An arm of `answer` may be for all methods of a kind, or for the one of that name:
///
/// | kind | methods |
/// | --- | --- |
/// | `reads` | that read records; the body may `.await` |
/// | `writes` | that write some; the body may `.await`, and its result is a [`StoreError`](crate::StoreError) or, for `import`, an [`ImportError`](crate::ImportError) |
/// | `at_once` | [`record`](crate::AttemptStore::record) and [`listen`](crate::ChangeFeed::listen), which give nothing back and never wait |
///
/// The names of the traits, and of what their methods take and give, mean those of this crate in each body.
///
/// A store that logs what it writes and hides its attempts:
///
/// ```
/// use std::sync::Arc;
/// use auth_core::Store;
///
/// struct Logging {
///     inner: Arc<dyn Store>,
/// }
///
/// macro_rules! answer {
///     // One method that is not handed on.
///     (reads attempts($self:ident $(, $arg:ident)*)) => {
///         Ok(Vec::new())
///     };
///     (reads $name:ident($self:ident $(, $arg:ident)*)) => {
///         $self.inner.$name($($arg),*).await
///     };
///     (writes $name:ident($self:ident $(, $arg:ident)*)) => {{
///         println!("{}", stringify!($name));
///         $self.inner.$name($($arg),*).await
///     }};
///     (at_once $name:ident($self:ident $(, $arg:ident)*)) => {
///         $self.inner.$name($($arg),*)
///     };
/// }
///
/// auth_core::forward_store!(Logging, answer);
///
/// fn a_store(inner: Arc<dyn Store>) -> Arc<dyn Store> {
///     Arc::new(Logging { inner })
/// }
/// ```
///
/// A method that this macro doesn't know fails to compile where it has no default, and a test of this crate finds it where it has.
#[macro_export]
macro_rules! forward_store {
    ($type:ty, $answer:ident) => {
        const _: () = {
            // Whatever the names stand for where the macro is called.
            use std::result::Result;
            use std::sync::Weak;
            use std::time::Duration;

            use $crate::{
                Account, Activity, ActivityStore, AdminKey, AdminKeyId, AdminKeyStore,
                AttemptFilter, AttemptRecord, AttemptRow, AttemptStore, AuditFilter, AuditRecord,
                AuditRow, AuditStore, ChangeFeed, ChangeListener, ClientKey, Credential,
                CredentialId, CredentialKind, CredentialStore, Digest, ExternalId, FullCounter,
                Group, GroupId, GroupStore, ImportError, ImportMark, ImportMarkStore, ImportMode,
                ImportNotes, Imported, ImportedChange, LogPage, Lookup, MailId, MarkKey, MetaStore,
                NameKind, NetworkRule, NetworkRuleStore, NewId, NewUser, OnConflict, Outbox,
                OutgoingMail, PasswordString, Place, ProfileUpdate, ProtocolName, Realm, RealmId,
                RealmRemoval, RealmStore, Records, Revocation, SealedStore, SharedAttempts,
                SharedCounter, SpentStore, StoreError, Timestamp, Unseen, UserId, UserStore,
            };

            $crate::forward_store! { @traits $type, $answer:
                RealmStore {
                    reads realms() -> Result<Vec<Realm>, StoreError>;
                    writes remove_realm(id: RealmId, audit: Option<&AuditRecord>) -> Result<RealmRemoval, StoreError>;
                }

                UserStore {
                    reads find(realm: RealmId, who: &Lookup<'_>) -> Result<Option<Account>, StoreError>;
                    reads realms_of(kind: NameKind, name: &str) -> Result<Vec<RealmId>, StoreError>;
                    reads user(id: UserId) -> Result<Option<Account>, StoreError>;
                    reads users(realm: RealmId, after: Option<UserId>, limit: u32) -> Result<Vec<Account>, StoreError>;
                    writes rehash(user: UserId, old: &PasswordString, new: &PasswordString) -> Result<bool, StoreError>;
                    writes set_password(user: UserId, new: Option<&PasswordString>, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes set_active(user: UserId, active: bool, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes revoke(user: UserId, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes update_profile(user: UserId, update: &ProfileUpdate, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes ensure_external_id(user: UserId, protocol: ProtocolName, new: &NewId) -> Result<Option<ExternalId>, StoreError>;
                    writes set_email_second_factor(user: UserId, on: bool, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes create_user(new: &NewUser, audit: Option<&AuditRecord>) -> Result<(), StoreError>;
                    writes delete(user: UserId, revocation: &Revocation<'_>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes merge(gone: (UserId, u64), change: &ImportedChange) -> Result<bool, StoreError>;
                    writes import(records: Records, mode: ImportMode, on_conflict: OnConflict, notes: ImportNotes, audit: Option<&AuditRecord>) -> Result<Imported, ImportError>;
                }

                CredentialStore {
                    reads by_digest(kind: CredentialKind, digest: &Digest) -> Result<Option<(Credential, Account)>, StoreError>;
                    reads of_user(user: UserId, kind: CredentialKind) -> Result<Vec<Credential>, StoreError>;
                    reads of_kinds(user: UserId, kinds: &[CredentialKind]) -> Result<Vec<Credential>, StoreError>;
                    writes add(credential: &Credential, keep: u32, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes ensure(credential: &Credential) -> Result<Option<Credential>, StoreError>;
                    writes succeed(other: CredentialId, new: &Credential) -> Result<bool, StoreError>;
                    writes replace(old: CredentialId, new: &Credential, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes remove(id: CredentialId, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes remove_of_user(user: UserId, kinds: &[CredentialKind], except: Option<CredentialId>, audit: Option<&AuditRecord>) -> Result<u64, StoreError>;
                    writes exchange(user: UserId, kinds: &[CredentialKind], except: Option<CredentialId>, new: &[Credential], audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes raise_counter(id: CredentialId, to: i64) -> Result<bool, StoreError>;
                    writes set_last_used(uses: &[(CredentialId, Timestamp)]) -> Result<(), StoreError>;
                    reads ended(kind: CredentialKind, now: Timestamp, limit: u32) -> Result<Vec<Credential>, StoreError>;
                    reads counts() -> Result<Vec<(CredentialKind, u64)>, StoreError>;
                    writes purge(now: Timestamp) -> Result<u64, StoreError>;
                }

                ActivityStore {
                    reads activities(users: &[UserId]) -> Result<Vec<(UserId, Activity)>, StoreError>;
                    reads unseen_since(realm: Option<RealmId>, since: Timestamp, after: Option<Place>, limit: u32) -> Result<Vec<Unseen>, StoreError>;
                }

                AttemptStore [at_once record(attempt: AttemptRecord)] {
                    reads attempts(filter: &AttemptFilter, page: LogPage) -> Result<Vec<AttemptRow>, StoreError>;
                    reads known_clients(within: u32, limit: u32) -> Result<Vec<(UserId, ClientKey)>, StoreError>;
                    writes forget_attempts(before: Timestamp) -> Result<u64, StoreError>;
                    writes trim_attempts(keep: u32) -> Result<u64, StoreError>;
                }

                AuditStore {
                    writes write_audit(record: &AuditRecord) -> Result<(), StoreError>;
                    reads audit_rows(filter: &AuditFilter, page: LogPage) -> Result<Vec<AuditRow>, StoreError>;
                    writes forget_audit(before: Timestamp) -> Result<u64, StoreError>;
                }

                Outbox {
                    writes post(mail: &OutgoingMail) -> Result<(), StoreError>;
                    writes post_with(credential: &Credential, mail: &OutgoingMail) -> Result<bool, StoreError>;
                    reads due(now: Timestamp, limit: u32) -> Result<Vec<OutgoingMail>, StoreError>;
                    writes settle(id: MailId) -> Result<bool, StoreError>;
                    writes put_off(id: MailId, until: Timestamp) -> Result<bool, StoreError>;
                }

                MetaStore {
                    reads meta(name: &str) -> Result<Option<Vec<u8>>, StoreError>;
                    writes set_meta_once(name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError>;
                    writes replace_meta(name: &str, old: Option<&[u8]>, new: Option<&[u8]>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    reads metas(beginning: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError>;
                }

                SealedStore {
                    reads sealed_credentials(after: Option<CredentialId>, limit: u32) -> Result<Vec<Credential>, StoreError>;
                    writes reseal_credential(id: CredentialId, old: &[u8], new: &[u8], digest: Option<&Digest>) -> Result<bool, StoreError>;
                    reads sealed_mails(after: Option<MailId>, limit: u32) -> Result<Vec<OutgoingMail>, StoreError>;
                    writes reseal_mail(id: MailId, old: &[u8], new: &[u8]) -> Result<bool, StoreError>;
                }

                SpentStore {
                    writes spend(digest: &Digest, until: Timestamp) -> Result<bool, StoreError>;
                    writes forget_spent(now: Timestamp) -> Result<u64, StoreError>;
                }

                NetworkRuleStore {
                    reads network_rules() -> Result<Vec<NetworkRule>, StoreError>;
                    writes put_network_rule(rule: &NetworkRule, audit: Option<&AuditRecord>) -> Result<(), StoreError>;
                    writes remove_network_rule(network: &str, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes forget_network_rules(before: Timestamp) -> Result<u64, StoreError>;
                }

                GroupStore {
                    reads group(id: GroupId) -> Result<Option<Group>, StoreError>;
                    reads find_group(realm: RealmId, name: &str) -> Result<Option<Group>, StoreError>;
                    reads groups(realm: RealmId, after: Option<&str>, limit: u32) -> Result<Vec<Group>, StoreError>;
                    reads groups_of(user: UserId) -> Result<Vec<Group>, StoreError>;
                    reads members(group: GroupId, after: Option<UserId>, limit: u32) -> Result<Vec<Account>, StoreError>;
                    writes add_group(group: &Group, audit: Option<&AuditRecord>) -> Result<(), StoreError>;
                    writes rename_group(id: GroupId, name: &str, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes remove_group(id: GroupId, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes add_member(group: GroupId, user: UserId, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes remove_member(group: GroupId, user: UserId, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes set_groups(user: UserId, groups: &[GroupId], directory: Option<&str>, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                }

                AdminKeyStore {
                    reads admin_keys() -> Result<Vec<AdminKey>, StoreError>;
                    reads admin_key(digest: &Digest) -> Result<Option<AdminKey>, StoreError>;
                    writes add_admin_key(key: &AdminKey, audit: Option<&AuditRecord>) -> Result<(), StoreError>;
                    writes remove_admin_key(id: AdminKeyId, audit: Option<&AuditRecord>) -> Result<bool, StoreError>;
                    writes set_admin_keys_used(uses: &[(AdminKeyId, Timestamp)]) -> Result<(), StoreError>;
                    writes forget_admin_keys(before: Timestamp) -> Result<u64, StoreError>;
                }

                ImportMarkStore {
                    reads import_marks(source: &str, after: Option<MarkKey>, limit: u32) -> Result<Vec<ImportMark>, StoreError>;
                    reads import_mark(source: &str, key: MarkKey) -> Result<Option<ImportMark>, StoreError>;
                    reads import_marks_of(user: UserId) -> Result<Vec<ImportMark>, StoreError>;
                }

                ChangeFeed [at_once listen(listener: Weak<dyn ChangeListener>)] {
                    reads change_counter() -> Result<Option<u64>, StoreError>;
                    reads versions(users: &[UserId]) -> Result<Vec<(UserId, u64)>, StoreError>;
                }

                SharedAttempts {
                    writes reserve_attempt(counter: &SharedCounter, now: Timestamp) -> Result<Option<Duration>, StoreError>;
                    writes give_back_attempt(key: &Digest, at: Timestamp) -> Result<(), StoreError>;
                    writes forget_shared_attempts(before: Timestamp) -> Result<u64, StoreError>;
                    reads full_counters(now: Timestamp, after: Option<(Timestamp, Digest)>, limit: u32) -> Result<Vec<FullCounter>, StoreError>;
                    writes forget_counters_of(user: UserId) -> Result<u64, StoreError>;
                    writes forget_counter(key: &Digest) -> Result<bool, StoreError>;
                }
            }
        };
    };
    (@traits $type:ty, $answer:ident: $(
        $store:ident $([at_once $told:ident($what:ident: $what_type:ty)])? {
            $($kind:ident $name:ident($($arg:ident: $arg_type:ty),*) -> $out:ty;)*
        }
    )*) => {
        $(
            #[$crate::__async_trait]
            impl $store for $type {
                $(
                    async fn $name(&self, $($arg: $arg_type),*) -> $out {
                        $answer!($kind $name(self $(, $arg)*))
                    }
                )*
                $(
                    fn $told(&self, $what: $what_type) {
                        $answer!(at_once $told(self, $what))
                    }
                )?
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs::{read_dir, read_to_string};
    use std::path::Path;

    /// The methods of the traits of stores in a source file, each behind its trait.
    fn methods(source: &str) -> BTreeSet<(String, String)> {
        let mut store = None;
        let mut found = BTreeSet::new();
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub trait ") {
                // The others are no part of a store.
                let name = rest.split(':').next().unwrap();
                store = (!["ChangeListener", "Store"].contains(&name)).then_some(name);
            } else if line == "}" {
                store = None;
            } else if let (Some(store), Some((_, method))) =
                (store, line.split_once("    fn ").or(line.split_once("    async fn ")))
            {
                found.insert((store.to_owned(), method.split('(').next().unwrap().to_owned()));
            }
        }
        found
    }

    /// The methods that the macro forwards, each behind its trait.
    fn forwarded(source: &str) -> BTreeSet<(String, String)> {
        let table = source.split_once("@traits $type, $answer:\n").unwrap().1;
        let table = table.split_once("\n        };").unwrap().0;
        let mut store = "";
        let mut found = BTreeSet::new();
        for line in table.lines().map(str::trim) {
            if line.ends_with('{') {
                store = line.split(' ').next().unwrap();
            }
            if let Some((before, _)) = line.split_once('(') {
                found.insert((store.to_owned(), before.rsplit(' ').next().unwrap().to_owned()));
            }
        }
        found
    }

    #[test]
    fn every_method_of_a_store_is_forwarded_those_with_defaults_too() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut declared = methods(&read_to_string(source.join("store.rs")).unwrap());
        for file in read_dir(source.join("store")).unwrap() {
            declared.extend(methods(&read_to_string(file.unwrap().path()).unwrap()));
        }
        assert!(
            declared.contains(&("SharedAttempts".to_owned(), "forget_counter".to_owned())),
            "a method with a default"
        );
        assert_eq!(forwarded(include_str!("forward.rs")), declared);
    }
}

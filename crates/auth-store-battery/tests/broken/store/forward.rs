//! The traits of which the broken stores have no fault.

use async_trait::async_trait;
use auth_core::{
    Account, Activity, ActivityStore, AdminKey, AdminKeyId, AdminKeyStore, AttemptFilter, AttemptRecord,
    AttemptRow, AttemptStore, AuditFilter, AuditRecord, AuditRow, AuditStore, ClientKey, Credential,
    CredentialId, CredentialKind, CredentialStore, Digest, Group, GroupId, GroupStore, ImportMark,
    ImportMarkStore, LogPage, MailId, MarkKey, MetaStore, NetworkRule, NetworkRuleStore, Outbox,
    OutgoingMail, Place, Realm, RealmId, RealmRemoval, RealmStore, SealedStore, SpentStore, StoreError,
    Timestamp, Unseen, UserId,
};

use super::Broken;

#[async_trait]
impl RealmStore for Broken {
    async fn realms(&self) -> Result<Vec<Realm>, StoreError> {
        self.inner.realms().await
    }

    async fn remove_realm(
        &self,
        id: RealmId,
        audit: Option<&AuditRecord>,
    ) -> Result<RealmRemoval, StoreError> {
        self.inner.remove_realm(id, audit).await
    }
}

#[async_trait]
impl CredentialStore for Broken {
    async fn by_digest(
        &self,
        kind: CredentialKind,
        digest: &Digest,
    ) -> Result<Option<(Credential, Account)>, StoreError> {
        self.inner.by_digest(kind, digest).await
    }

    async fn of_user(&self, user: UserId, kind: CredentialKind) -> Result<Vec<Credential>, StoreError> {
        self.inner.of_user(user, kind).await
    }

    async fn of_kinds(&self, user: UserId, kinds: &[CredentialKind]) -> Result<Vec<Credential>, StoreError> {
        self.inner.of_kinds(user, kinds).await
    }

    async fn add(
        &self,
        credential: &Credential,
        keep: u32,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.add(credential, keep, audit).await
    }

    async fn ensure(&self, credential: &Credential) -> Result<Option<Credential>, StoreError> {
        self.inner.ensure(credential).await
    }

    async fn succeed(&self, other: CredentialId, new: &Credential) -> Result<bool, StoreError> {
        self.inner.succeed(other, new).await
    }

    async fn replace(
        &self,
        old: CredentialId,
        new: &Credential,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.replace(old, new, audit).await
    }

    async fn remove(&self, id: CredentialId, audit: Option<&AuditRecord>) -> Result<bool, StoreError> {
        self.inner.remove(id, audit).await
    }

    async fn remove_of_user(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        audit: Option<&AuditRecord>,
    ) -> Result<u64, StoreError> {
        self.inner.remove_of_user(user, kinds, except, audit).await
    }

    async fn exchange(
        &self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        new: &[Credential],
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.exchange(user, kinds, except, new, audit).await
    }

    async fn counts(&self) -> Result<Vec<(CredentialKind, u64)>, StoreError> {
        self.inner.counts().await
    }

    async fn raise_counter(&self, id: CredentialId, to: i64) -> Result<bool, StoreError> {
        self.inner.raise_counter(id, to).await
    }

    async fn set_last_used(&self, uses: &[(CredentialId, Timestamp)]) -> Result<(), StoreError> {
        self.inner.set_last_used(uses).await
    }

    async fn ended(
        &self,
        kind: CredentialKind,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError> {
        self.inner.ended(kind, now, limit).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.purge(now).await
    }
}

#[async_trait]
impl ActivityStore for Broken {
    async fn activities(&self, users: &[UserId]) -> Result<Vec<(UserId, Activity)>, StoreError> {
        self.inner.activities(users).await
    }

    async fn unseen_since(
        &self,
        realm: Option<RealmId>,
        since: Timestamp,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Unseen>, StoreError> {
        self.inner.unseen_since(realm, since, after, limit).await
    }
}

#[async_trait]
impl AttemptStore for Broken {
    fn record(&self, attempt: AttemptRecord) {
        self.inner.record(attempt);
    }

    async fn attempts(&self, filter: &AttemptFilter, page: LogPage) -> Result<Vec<AttemptRow>, StoreError> {
        self.inner.attempts(filter, page).await
    }

    async fn known_clients(&self, within: u32, limit: u32) -> Result<Vec<(UserId, ClientKey)>, StoreError> {
        self.inner.known_clients(within, limit).await
    }

    async fn forget_attempts(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_attempts(before).await
    }

    async fn trim_attempts(&self, keep: u32) -> Result<u64, StoreError> {
        self.inner.trim_attempts(keep).await
    }
}

#[async_trait]
impl AuditStore for Broken {
    async fn write_audit(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.inner.write_audit(record).await
    }

    async fn audit_rows(&self, filter: &AuditFilter, page: LogPage) -> Result<Vec<AuditRow>, StoreError> {
        self.inner.audit_rows(filter, page).await
    }

    async fn forget_audit(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_audit(before).await
    }
}

#[async_trait]
impl Outbox for Broken {
    async fn post(&self, mail: &OutgoingMail) -> Result<(), StoreError> {
        self.inner.post(mail).await
    }

    async fn post_with(&self, credential: &Credential, mail: &OutgoingMail) -> Result<bool, StoreError> {
        self.inner.post_with(credential, mail).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutgoingMail>, StoreError> {
        self.inner.due(now, limit).await
    }

    async fn settle(&self, id: MailId) -> Result<bool, StoreError> {
        self.inner.settle(id).await
    }

    async fn put_off(&self, id: MailId, until: Timestamp) -> Result<bool, StoreError> {
        self.inner.put_off(id, until).await
    }
}

#[async_trait]
impl MetaStore for Broken {
    async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.meta(name).await
    }

    async fn set_meta_once(&self, name: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.inner.set_meta_once(name, value).await
    }

    async fn replace_meta(
        &self,
        name: &str,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.replace_meta(name, old, new, audit).await
    }

    async fn metas(&self, beginning: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.inner.metas(beginning).await
    }
}

#[async_trait]
impl SealedStore for Broken {
    async fn sealed_credentials(
        &self,
        after: Option<CredentialId>,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError> {
        self.inner.sealed_credentials(after, limit).await
    }

    async fn reseal_credential(
        &self,
        id: CredentialId,
        old: &[u8],
        new: &[u8],
        digest: Option<&Digest>,
    ) -> Result<bool, StoreError> {
        self.inner.reseal_credential(id, old, new, digest).await
    }

    async fn sealed_mails(&self, after: Option<MailId>, limit: u32) -> Result<Vec<OutgoingMail>, StoreError> {
        self.inner.sealed_mails(after, limit).await
    }

    async fn reseal_mail(&self, id: MailId, old: &[u8], new: &[u8]) -> Result<bool, StoreError> {
        self.inner.reseal_mail(id, old, new).await
    }
}

#[async_trait]
impl SpentStore for Broken {
    async fn spend(&self, digest: &Digest, until: Timestamp) -> Result<bool, StoreError> {
        self.inner.spend(digest, until).await
    }

    async fn forget_spent(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_spent(now).await
    }
}

#[async_trait]
impl NetworkRuleStore for Broken {
    async fn network_rules(&self) -> Result<Vec<NetworkRule>, StoreError> {
        self.inner.network_rules().await
    }

    async fn put_network_rule(
        &self,
        rule: &NetworkRule,
        audit: Option<&AuditRecord>,
    ) -> Result<(), StoreError> {
        self.inner.put_network_rule(rule, audit).await
    }

    async fn remove_network_rule(
        &self,
        network: &str,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.remove_network_rule(network, audit).await
    }

    async fn forget_network_rules(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_network_rules(before).await
    }
}

#[async_trait]
impl GroupStore for Broken {
    async fn group(&self, id: GroupId) -> Result<Option<Group>, StoreError> {
        self.inner.group(id).await
    }

    async fn find_group(&self, realm: RealmId, name: &str) -> Result<Option<Group>, StoreError> {
        self.inner.find_group(realm, name).await
    }

    async fn groups(
        &self,
        realm: RealmId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Group>, StoreError> {
        self.inner.groups(realm, after, limit).await
    }

    async fn groups_of(&self, user: UserId) -> Result<Vec<Group>, StoreError> {
        self.inner.groups_of(user).await
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Account>, StoreError> {
        self.inner.members(group, after, limit).await
    }

    async fn add_group(&self, group: &Group, audit: Option<&AuditRecord>) -> Result<(), StoreError> {
        self.inner.add_group(group, audit).await
    }

    async fn rename_group(
        &self,
        id: GroupId,
        name: &str,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.rename_group(id, name, audit).await
    }

    async fn remove_group(&self, id: GroupId, audit: Option<&AuditRecord>) -> Result<bool, StoreError> {
        self.inner.remove_group(id, audit).await
    }

    async fn add_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.add_member(group, user, audit).await
    }

    async fn remove_member(
        &self,
        group: GroupId,
        user: UserId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.remove_member(group, user, audit).await
    }

    async fn set_groups(
        &self,
        user: UserId,
        groups: &[GroupId],
        directory: Option<&str>,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.set_groups(user, groups, directory, audit).await
    }
}

#[async_trait]
impl AdminKeyStore for Broken {
    async fn admin_keys(&self) -> Result<Vec<AdminKey>, StoreError> {
        self.inner.admin_keys().await
    }

    async fn admin_key(&self, digest: &Digest) -> Result<Option<AdminKey>, StoreError> {
        self.inner.admin_key(digest).await
    }

    async fn add_admin_key(&self, key: &AdminKey, audit: Option<&AuditRecord>) -> Result<(), StoreError> {
        self.inner.add_admin_key(key, audit).await
    }

    async fn remove_admin_key(
        &self,
        id: AdminKeyId,
        audit: Option<&AuditRecord>,
    ) -> Result<bool, StoreError> {
        self.inner.remove_admin_key(id, audit).await
    }

    async fn set_admin_keys_used(&self, uses: &[(AdminKeyId, Timestamp)]) -> Result<(), StoreError> {
        self.inner.set_admin_keys_used(uses).await
    }

    async fn forget_admin_keys(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.forget_admin_keys(before).await
    }
}

#[async_trait]
impl ImportMarkStore for Broken {
    async fn import_marks(
        &self,
        source: &str,
        after: Option<MarkKey>,
        limit: u32,
    ) -> Result<Vec<ImportMark>, StoreError> {
        self.inner.import_marks(source, after, limit).await
    }

    async fn import_mark(&self, source: &str, key: MarkKey) -> Result<Option<ImportMark>, StoreError> {
        self.inner.import_mark(source, key).await
    }

    async fn import_marks_of(&self, user: UserId) -> Result<Vec<ImportMark>, StoreError> {
        self.inner.import_marks_of(user).await
    }
}

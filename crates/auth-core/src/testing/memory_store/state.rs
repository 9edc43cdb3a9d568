//! The records of a store in memory, and the changes that several commands share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::{
    Account, Activity, Actor, AdminKey, AttemptRow, AuditRecord, AuditRow, ClientKey, Conflict, Credential,
    CredentialId, CredentialKind, ExternalId, Group, GroupId, ImportMark, LogOrder, LogPage, LoginName,
    Lookup, MarkKey, NameKind, NetworkRule, NewId, NewUser, OutgoingMail, PasswordString, Place,
    ProtocolName, Realm, RealmChange, RealmId, RealmWritten, Revocation, SharedCounter, StoreError,
    Timestamp, User, UserId, fold, resolve,
};

/// All records.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) realms: BTreeMap<RealmId, Realm>,
    pub(super) users: BTreeMap<UserId, UserRecord>,
    /// In the order in which they were added.
    pub(super) credentials: Vec<Credential>,
    /// In the order in which they were posted.
    pub(super) mails: Vec<OutgoingMail>,
    /// In the order in which they were recorded.
    pub(super) attempts: Vec<AttemptRow>,
    /// In the order in which they were written.
    pub(super) audit: Vec<AuditRow>,
    /// Counts the rows of both logs that were ever written.
    pub(super) logged: u128,
    pub(super) meta: BTreeMap<String, Vec<u8>>,
    /// The attempts of each key that servers count together.
    pub(super) counted: BTreeMap<[u8; 32], Counted>,
    /// What was used up, and until when that is remembered.
    pub(super) spent: BTreeMap<[u8; 32], Timestamp>,
    /// Bans and allowances by network.
    pub(super) network_rules: BTreeMap<String, NetworkRule>,
    pub(super) groups: BTreeMap<GroupId, Group>,
    /// The groups that users are in.
    pub(super) members: BTreeSet<(GroupId, UserId)>,
    pub(super) admin_keys: Vec<AdminKey>,
    /// What imports remember, by source and record.
    pub(super) import_marks: BTreeMap<(String, MarkKey), ImportMark>,
    /// Counts the changes of the store.
    pub(super) changes: u64,
}

/// A user, its password, and when it was last seen.
#[derive(Clone)]
pub(super) struct UserRecord {
    pub(super) user: Arc<User>,
    pub(super) password: Option<PasswordString>,
    pub(super) activity: Activity,
}

impl UserRecord {
    /// Notes a login.
    pub(super) fn logged_in(&mut self, at: Timestamp) {
        self.activity.last_login = self.activity.last_login.max(Some(at));
        self.activity.seen = self.activity.seen.max(at);
    }

    /// Notes the use of a credential.
    pub(super) fn used(&mut self, at: Timestamp) {
        self.activity.last_use = self.activity.last_use.max(Some(at));
        self.activity.seen = self.activity.seen.max(at);
    }
}

/// The attempts of a counter.
#[derive(Clone)]
pub(super) struct Counted {
    /// The counter, as it was when it last counted an attempt.
    pub(super) counter: SharedCounter,
    pub(super) attempts: Vec<Timestamp>,
    /// The latest attempt that was ever counted.
    pub(super) last: Timestamp,
}

/// What a credential has in common with one that is there, so that it can't be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Id,
    Label,
    Digest,
    /// Nothing is taken, but the parent is not there.
    NoParent,
}

impl State {
    /// Checks that the credential by which an act is done is still there.
    pub(super) fn check_actor(&self, record: Option<&AuditRecord>) -> Result<(), StoreError> {
        let by = record.and_then(|record| record.by);
        let is_gone = by.is_some_and(|by| !self.credentials.iter().any(|own| own.id == by));
        if is_gone { Err(StoreError::Revoked) } else { Ok(()) }
    }

    /// Writes a row of the audit log, where one is to be written.
    pub(super) fn audit(&mut self, record: Option<&AuditRecord>) {
        if let Some(record) = record {
            let place = self.place(record.at);
            self.audit.push(AuditRow { place, record: record.clone() });
        }
    }

    /// Has groups, rows of both logs, what imports remember and the activity of one user be another's.
    pub(super) fn give_all(&mut self, from: UserId, to: UserId) {
        let groups: Vec<GroupId> =
            self.members.iter().filter(|(_, user)| *user == from).map(|(group, _)| *group).collect();
        self.members.extend(groups.into_iter().map(|group| (group, to)));
        self.members.retain(|(_, user)| *user != from);
        for row in self.attempts.iter_mut().filter(|row| row.record.user == Some(from)) {
            row.record.user = Some(to);
        }
        for row in self.audit.iter_mut().map(|row| &mut row.record) {
            row.user = row.user.map(|user| if user == from { to } else { user });
            if row.actor == Actor::User(from) {
                row.actor = Actor::User(to);
            }
        }
        for mark in self.import_marks.values_mut().filter(|mark| mark.user == Some(from)) {
            mark.user = Some(to);
        }
        let given = self.users.get(&from).map(|record| record.activity);
        if let Some((given, record)) = given.zip(self.users.get_mut(&to)) {
            let own = &mut record.activity;
            own.last_login = own.last_login.max(given.last_login);
            own.last_use = own.last_use.max(given.last_use);
            own.seen = own.seen.max(given.seen);
        }
    }

    /// Blanks what the rows of both logs tell of a user.
    pub(super) fn blank(&mut self, user: UserId) {
        for row in self.attempts.iter_mut().filter(|row| row.record.user == Some(user)) {
            row.record.name = String::new();
            row.record.client_key = ClientKey::default();
        }
        for row in self.audit.iter_mut().map(|row| &mut row.record) {
            if row.user == Some(user) {
                row.detail = String::new();
            }
            if row.user == Some(user) || row.actor.user() == Some(user) {
                row.client = None;
            }
        }
    }

    /// The place of a new row in a log.
    pub(super) fn place(&mut self, at: Timestamp) -> Place {
        self.logged += 1;
        Place { at, number: self.logged }
    }

    /// A user as a login reads it.
    pub(super) fn account(&self, id: UserId) -> Option<Account> {
        let record = self.users.get(&id)?;
        let totp = self.credentials.iter().any(|own| own.user == id && own.kind == CredentialKind::TOTP);
        Some(Account { user: Arc::clone(&record.user), password: record.password.clone(), totp })
    }

    /// The users of a realm, by id.
    pub(super) fn users_of(&self, realm: RealmId) -> impl Iterator<Item = &User> {
        self.users.values().map(|record| &*record.user).filter(move |user| user.realm == realm)
    }

    /// The user that is looked up.
    pub(super) fn find(&self, realm: RealmId, who: &Lookup<'_>) -> Option<UserId> {
        match *who {
            Lookup::Name(kind, typed) => {
                let folded = fold(typed);
                let folding_alike: Vec<(LoginName, UserId)> = self
                    .users_of(realm)
                    .flat_map(|user| user.names.iter().map(|name| (name.clone(), user.id)))
                    .filter(|(name, _)| name.kind == kind && fold(&name.exact) == folded)
                    .collect();
                resolve(typed, &folding_alike).copied()
            }
            Lookup::ExternalId(protocol, id) => self.owner_of(realm, protocol, id),
        }
    }

    /// Changes a user and counts the change; `None` when there is no such user.
    pub(super) fn change_user<T>(
        &mut self,
        id: UserId,
        change: impl FnOnce(&mut User, &mut Option<PasswordString>) -> T,
    ) -> Option<T> {
        let record = self.users.get_mut(&id)?;
        let user = Arc::make_mut(&mut record.user);
        user.version = user.version.wrapping_add(1);
        Some(change(user, &mut record.password))
    }

    /// Counts a change of a user; `false` when there is no such user.
    pub(super) fn touch(&mut self, id: UserId) -> bool {
        self.change_user(id, |_, _| ()).is_some()
    }

    /// Changes a user and revokes credentials; `false` when there is no such user.
    pub(super) fn change_and_revoke(
        &mut self,
        id: UserId,
        revocation: &Revocation<'_>,
        change: impl FnOnce(&mut User, &mut Option<PasswordString>),
    ) -> bool {
        let changed = self.change_user(id, |user, password| {
            change(user, password);
            if let Some(valid_from) = revocation.valid_from {
                user.valid_from = valid_from.max(user.valid_from + Duration::from_secs(1));
            }
        });
        if changed.is_some() {
            self.retain_credentials(|own| {
                own.user != id || !revocation.kinds.contains(&own.kind) || Some(own.id) == revocation.except
            });
        }
        changed.is_some()
    }

    /// The bots that a user owns.
    pub(super) fn bots_of(&self, owner: UserId) -> Vec<UserId> {
        let Some(owner) = self.users.get(&owner).map(|record| &record.user) else { return Vec::new() };
        let Some(ExternalId::Number(number)) = owner.external_ids.get(ProtocolName::ZULIP) else {
            return Vec::new();
        };
        let bots = self.users_of(owner.realm).filter(|user| user.bot_owner == Some(*number));
        bots.map(|bot| bot.id).collect()
    }

    /// Deactivates the active bots that a user owns, and revokes credentials of theirs.
    pub(super) fn deactivate_bots(
        &mut self,
        owner: UserId,
        revocation: &Revocation<'_>,
        audit: Option<&AuditRecord>,
    ) {
        for bot in self.bots_of(owner) {
            if self.users.get(&bot).is_some_and(|record| record.user.active) {
                self.change_and_revoke(bot, revocation, |bot, _| bot.active = false);
                self.audit(audit.map(|audit| audit.of_bot(bot)).as_ref());
            }
        }
    }

    /// Writes what is named of a realm, which keeps its id where it is there.
    pub(super) fn write_realm(&mut self, change: RealmChange) -> Result<RealmWritten, StoreError> {
        let before = self.realms.values().find(|other| other.slug == change.slug).cloned();
        if before.is_none() && self.realms.contains_key(&change.id) {
            return Err(StoreError::Conflict(Conflict::Realm));
        }
        let after = change.apply(before.clone());
        let subdomain = after.subdomain.as_deref();
        let has_subdomain = |other: &Realm| other.id != after.id && other.subdomain.as_deref() == subdomain;
        if subdomain.is_some() && self.realms.values().any(has_subdomain) {
            return Err(StoreError::Conflict(Conflict::Realm));
        }
        self.realms.insert(after.id, after.clone());
        Ok(RealmWritten { before, after })
    }

    /// Adds a user to a realm, which may be another than its record says.
    pub(super) fn create_user(&mut self, new: NewUser, realm: RealmId) -> Result<(), StoreError> {
        let NewUser { mut user, assign_ids, password, credentials } = new;
        if !self.realms.contains_key(&realm) {
            return Err(StoreError::Missing("realm"));
        }
        if self.users.contains_key(&user.id) {
            return Err(StoreError::Corrupt("a user's identifier occurs twice".into()));
        }
        user.realm = realm;
        for protocol in assign_ids {
            let preference = match user.external_ids.get(protocol) {
                Some(ExternalId::Number(number)) => NewId::Preferably(*number),
                _ => NewId::Next,
            };
            user.external_ids.set(protocol, self.choose_id(realm, protocol, &preference)?);
        }
        for (protocol, id) in user.external_ids.iter() {
            if self.owner_of(realm, protocol, id).is_some() {
                return Err(StoreError::Conflict(Conflict::ExternalId(protocol)));
            }
        }
        self.check_names(realm, user.id, &user.names)?;
        let id = user.id;
        let activity = Activity { last_login: None, last_use: None, seen: user.joined };
        let mut record = UserRecord { user: Arc::new(user), password, activity };
        credentials.iter().filter_map(|own| own.last_used).for_each(|at| record.used(at));
        self.users.insert(id, record);
        for credential in credentials {
            let added = self.add_credential(Credential { user: id, ..credential });
            added.map_err(|_| StoreError::Conflict(Conflict::Credential))?;
        }
        Ok(())
    }

    /// Checks that no other user of a realm has one of the names of a user, and that none occurs twice.
    pub(super) fn check_names(
        &self,
        realm: RealmId,
        owner: UserId,
        names: &[LoginName],
    ) -> Result<(), StoreError> {
        let others = || self.users_of(realm).filter(|user| user.id != owner).flat_map(|user| &user.names);
        for (index, name) in names.iter().enumerate() {
            let is_alike = |other: &LoginName| other.kind == name.kind && other.exact == name.exact;
            if names.iter().take(index).any(is_alike) || others().any(is_alike) {
                return Err(StoreError::Conflict(Conflict::Name(name.kind)));
            }
        }
        Ok(())
    }

    /// The kinds of a user's names to which those of another user of the realm fold alike.
    pub(super) fn kinds_folding_alike(&self, user: UserId) -> Vec<NameKind> {
        let Some(user) = self.users.get(&user).map(|record| &record.user) else { return Vec::new() };
        let is_alike = |own: &LoginName, other: &LoginName| {
            own.kind == other.kind && fold(&own.exact) == fold(&other.exact)
        };
        let others = || self.users_of(user.realm).filter(|other| other.id != user.id);
        let folds_alike =
            |own: &&LoginName| others().any(|other| other.names.iter().any(|name| is_alike(own, name)));
        let kinds: BTreeSet<NameKind> = user.names.iter().filter(folds_alike).map(|name| name.kind).collect();
        kinds.into_iter().collect()
    }

    /// The user who has an id in a realm.
    pub(super) fn owner_of(&self, realm: RealmId, protocol: ProtocolName, id: &ExternalId) -> Option<UserId> {
        let mut users = self.users_of(realm);
        users.find(|user| user.external_ids.get(protocol) == Some(id)).map(|user| user.id)
    }

    /// Chooses an id. One that is asked for exactly may be taken.
    pub(super) fn choose_id(
        &self,
        realm: RealmId,
        protocol: ProtocolName,
        new: &NewId,
    ) -> Result<ExternalId, StoreError> {
        match new {
            NewId::Exactly(id) => return Ok(id.clone()),
            NewId::Preferably(number) => {
                let id = ExternalId::Number(*number);
                if self.owner_of(realm, protocol, &id).is_none() {
                    return Ok(id);
                }
            }
            NewId::Next => {}
        }
        let numbers = self.users_of(realm).filter_map(|user| match user.external_ids.get(protocol) {
            // Numbers are at most `i64::MAX`; what is above it does not count.
            Some(ExternalId::Number(number)) => i64::try_from(*number).ok(),
            _ => None,
        });
        match numbers.max().unwrap_or(0).checked_add(1) {
            Some(next) => Ok(ExternalId::Number(next.cast_unsigned())),
            None => Err(StoreError::Conflict(Conflict::ExternalId(protocol))),
        }
    }

    /// The credentials of a kind that a user has, oldest first.
    pub(super) fn of_user(&self, user: UserId, kind: CredentialKind) -> Vec<&Credential> {
        let mut own: Vec<_> =
            self.credentials.iter().filter(|own| own.user == user && own.kind == kind).collect();
        // Of two that were made at the same time the one that was added first comes first.
        own.sort_by_key(|own| own.created);
        own
    }

    /// Whether a user has a credential of that id.
    pub(super) fn has_credential(&self, user: UserId, id: CredentialId) -> bool {
        self.credentials.iter().any(|own| own.id == id && own.user == user)
    }

    /// Adds a credential of a user that is there.
    pub(super) fn add_credential(&mut self, new: Credential) -> Result<(), Taken> {
        if new.parent.is_some_and(|parent| !self.has_credential(new.user, parent)) {
            return Err(Taken::NoParent);
        }
        for other in &self.credentials {
            if other.id == new.id {
                return Err(Taken::Id);
            }
            if other.kind == new.kind
                && other.user == new.user
                && new.label.is_some()
                && other.label == new.label
            {
                return Err(Taken::Label);
            }
            if other.kind == new.kind && new.digest.is_some() && other.digest == new.digest {
                return Err(Taken::Digest);
            }
        }
        self.credentials.push(new);
        Ok(())
    }

    /// Deletes the credentials for which `stays` is false, and those that came from them.
    fn retain_credentials(&mut self, stays: impl Fn(&Credential) -> bool) {
        self.credentials.retain(stays);
        loop {
            let ids: BTreeSet<CredentialId> = self.credentials.iter().map(|own| own.id).collect();
            self.credentials.retain(|own| own.parent.is_none_or(|parent| ids.contains(&parent)));
            if self.credentials.len() == ids.len() {
                return;
            }
        }
    }

    /// Deletes the credentials for which `goes` is true, and counts the changes of their owners; returns their number.
    pub(super) fn delete_credentials(&mut self, goes: impl Fn(&Credential) -> bool) -> u64 {
        let owners: Vec<UserId> =
            self.credentials.iter().filter(|own| goes(own)).map(|own| own.user).collect();
        self.retain_credentials(|own| !goes(own));
        let mut number = 0;
        for owner in owners {
            self.touch(owner);
            number += 1;
        }
        number
    }

    /// Deletes a user's credentials of the given kinds except one, and adds others. `false` when there is no such user;
    /// the caller undoes what was done where a credential is taken.
    pub(super) fn exchange(
        &mut self,
        user: UserId,
        kinds: &[CredentialKind],
        except: Option<CredentialId>,
        new: &[Credential],
    ) -> Result<bool, Taken> {
        if !self.touch(user) {
            return Ok(false);
        }
        self.delete_credentials(|own| {
            own.user == user && kinds.contains(&own.kind) && Some(own.id) != except
        });
        for credential in new {
            self.add_credential(Credential { user, ..credential.clone() })?;
        }
        Ok(true)
    }
}

/// A page of what has places.
pub(super) fn paged<T>(rows: impl Iterator<Item = (Place, T)>, page: LogPage) -> Vec<T> {
    let mut rows: Vec<(Place, T)> = match (page.order, page.after) {
        (_, None) => rows.collect(),
        (LogOrder::NewestFirst, Some(after)) => rows.filter(|(place, _)| *place < after).collect(),
        (LogOrder::OldestFirst, Some(after)) => rows.filter(|(place, _)| *place > after).collect(),
    };
    rows.sort_by_key(|(place, _)| *place);
    if page.order == LogOrder::NewestFirst {
        rows.reverse();
    }
    rows.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
    rows.into_iter().map(|(_, row)| row).collect()
}
